// The library page, part 4: what is wanted, what is selected, what is done with it, and what comes in and goes out.
const STATE = "studio-library", EVERY = 2500, CHUNK = 40;
const chosen = new Set();
let cursor = -1, anchor = -1, dragged = null, timer = 0, asking = false, saving = 0, typing = 0, undoing = null, packing = "";

// What is wanted ----------------------------------------------------------------------------------------------------
function want(more, anew = false) {
  const words = anew ? { words: wanted.words } : wanted;
  wanted = Object.fromEntries(Object.entries({ ...words, ...more }).filter(([, value]) => value));
  cursor = anchor = -1;
  chosen.clear();
  scroller.scrollTop = 0;
  news(true);
}

async function news(anew = false, another = anew) { // anew: whatever the edition; another: of something else than before
  clearTimeout(timer);
  if (open() && !document.hidden && (anew || !asking)) {
    asking = true;
    const asked = JSON.stringify(wanted);
    if (another) root.ariaBusy = "true";
    if (another && !restoring) glimpse();
    const told = await server.library_news({ wanted, edition: anew ? "" : grid.edition }).catch(() => null);
    asking = false;
    if (told && asked === JSON.stringify(wanted) && told.marks) {
      boards = told.boards;
      choices = told.filters;
      if (wanted.board && !boards.some(({ id }) => id === wanted.board)) { want({ place: "all" }, true); return; }
      outlined(told, another && !restoring);
      come_back();
      draw();
    }
    if (asked === JSON.stringify(wanted)) root.ariaBusy = "false";
  }
  timer = setTimeout(news, EVERY);
}

function draw() {
  find("count").textContent = `${grid.count.toLocaleString("en").replaceAll(",", "\u202f")} ${grid.count === 1 ? "picture" : "pictures"}`;
  if ($$("library-search") !== document.activeElement) $$("library-search").value = wanted.words || "";
  draw_side();
  draw_none();
  draw_bar();
  remember();
}

const NONE = {
  all: ["Your pictures gather here.", "Generate one, or drop pictures that were made elsewhere: their metadata is read.", "Import …", "bring-in"],
  starred: ["No picture has a star yet.", "Select a picture and press 1 to 5. 0 takes the stars away."],
  imported: ["Nothing was brought in yet.", "Drop pictures made elsewhere onto this page: their bytes stay as they are.", "Import …", "bring-in"],
  trash: ["The trash is empty.", "What you delete waits here and can be brought back."],
  board: ["This board is empty.", "Select pictures and press “Board”, or drag them onto its name."],
};
function draw_none() {
  const filtered = FILTERS.some((name) => wanted[name] && !(name === "stars" && wanted.place === "starred")) || wanted.words;
  const [title, more, label, what] = filtered ? ["No picture fits.", "Change the words or the filters.", "Clear all", "clear-all"] : NONE[place_of()];
  const box = root.querySelector(".none"), button = box.querySelector("button");
  box.hidden = grid.count > 0 || !grid.edition;
  box.querySelector("b").textContent = title;
  box.querySelector("span").textContent = more;
  Object.assign(button, { hidden: !label, textContent: label || "" }).dataset.library = what || "";
}

// What survives a reload --------------------------------------------------------------------------------------------
let restoring = null;
function remember() {
  clearTimeout(saving);
  saving = setTimeout(() => {
    if (restoring) return;
    const state = { wanted, top: in_sight()[0], chosen: [...chosen].slice(0, 2000), cursor };
    try { sessionStorage.setItem(STATE, JSON.stringify(state)); } catch { /* a full storage costs the way back, nothing else */ }
  }, 200);
}
function recall() {
  try { restoring = JSON.parse(sessionStorage.getItem(STATE) || "null"); } catch { restoring = null; }
  if (!restoring) return;
  wanted = restoring.wanted || {};
  for (const id of restoring.chosen || []) chosen.add(id);
  cursor = restoring.cursor ?? -1;
}
function come_back() {
  if (!restoring) return;
  const top = restoring.top;
  restoring = null;
  if (top) show_index(Math.min(top, Math.max(0, grid.count - 1)));
}

// Selecting ---------------------------------------------------------------------------------------------------------
function set_cursor(index, focus = false) {
  cursor = Math.max(0, Math.min(grid.count - 1, index));
  show_index(cursor, true);
  if (focus) tiles.get(cursor)?.focus({ preventScroll: true });
}
function only(index) {
  chosen.clear();
  const item = at(index);
  if (item) chosen.add(item.id);
  anchor = index;
}
function toggle(index) {
  const item = at(index);
  if (item) chosen.has(item.id) ? chosen.delete(item.id) : chosen.add(item.id);
  anchor = index;
}
async function range(to) {
  const [first, last] = [Math.min(anchor < 0 ? to : anchor, to), Math.max(anchor < 0 ? to : anchor, to)];
  chosen.clear();
  for (let index = first; index <= last && chosen.size < 5000; index++) { const item = at(index) || (await page_of(index)); if (item) chosen.add(item.id); }
  changed();
}
function changed() {
  paint();
  for (const [index, tile] of tiles) fill(tile, index);
  draw_bar();
  remember();
}
function draw_bar() {
  const bar = find("bar");
  bar.hidden = !chosen.size;
  if (!chosen.size) return;
  find("chosen").textContent = `${chosen.size} selected`;
  root.querySelector("[data-library=compare]").disabled = chosen.size < 2 || chosen.size > 4;
  const one = chosen.size === 1 ? at(find_index([...chosen][0])) : null;
  stars(find("bar-stars"), one?.stars || 0, (each) => rate([...chosen], each));
}

sizer.addEventListener("click", (event) => {
  const tile = event.target.closest(".shot");
  if (!tile?.dataset.id) return;
  const index = Number(tile.dataset.index), touch = event.pointerType === "touch";
  if (event.shiftKey) { range(index); set_cursor(index, true); return; }
  if ("mark" in event.target.dataset || event.ctrlKey || event.metaKey || (touch && chosen.size)) toggle(index);
  else if (touch) { open_look(tile.dataset.id, index); return; }
  else only(index);
  set_cursor(index, true);
  changed();
});
sizer.addEventListener("dblclick", (event) => {
  const tile = event.target.closest(".shot");
  if (tile?.dataset.id && !("mark" in event.target.dataset)) open_look(tile.dataset.id, Number(tile.dataset.index));
});
sizer.addEventListener("focusin", (event) => { const index = Number(event.target.closest(".shot")?.dataset.index); if (index >= 0 && index !== cursor) { cursor = index; for (const [each, tile] of tiles) tile.tabIndex = each === index ? 0 : -1; } });

const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -grid.columns, ArrowDown: () => grid.columns, PageUp: () => -grid.columns * Math.floor(scroller.clientHeight / (grid.side + GAP)), PageDown: () => grid.columns * Math.floor(scroller.clientHeight / (grid.side + GAP)), Home: () => -grid.count, End: () => grid.count };
window.addEventListener("keydown", (event) => { // before the desk's own keys: Escape is ours while something is selected
  if (!open() || document.querySelector("dialog[open]") || ["TEXTAREA", "INPUT", "SELECT"].includes(event.target.tagName)) return;
  if (event.key === "Escape" && chosen.size) { event.stopPropagation(); chosen.clear(); changed(); return; }
  const inside = root.contains(event.target), control = event.ctrlKey || event.metaKey;
  if (/^[0-5]$/.test(event.key) && chosen.size && !control && !event.altKey) { rate([...chosen], Number(event.key)); event.preventDefault(); }
  if (!inside || event.target.closest(".bar, header, .line")) return;
  if (event.key in STEPS) step(event);
  else if (event.key === "Enter" && at(cursor)) open_look(at(cursor).id, cursor);
  else if (event.key === " ") { toggle(cursor); changed(); }
  else if (control && event.key.toLowerCase() === "a") all();
  else if (event.key === "Delete" && chosen.size && place_of() !== "trash") gather_in("delete", [...chosen]);
  else return;
  event.preventDefault();
}, true);
function step(event) {
  const to = Math.max(0, Math.min(grid.count - 1, Math.max(0, cursor) + STEPS[event.key]()));
  if (event.altKey && wanted.board) { shift(to); return; }
  set_cursor(to, true);
  if (event.shiftKey) range(to);
}
async function shift(to) { // move within a board by the keyboard
  const item = at(cursor), ids = item ? [item.id] : [], was = at(cursor + 1)?.id || "";
  if (!item || to === cursor) return;
  const before = (await page_of(to > cursor ? to + 1 : to))?.id || "";
  await act({ do: "board-move", board: wanted.board, ids, before, text: was });
  set_cursor(to, true);
}
async function all() {
  const told = await server.library_choose(wanted).catch(() => null);
  if (!told) return;
  chosen.clear();
  for (const id of told.ids) chosen.add(id);
  changed();
  if (told.said) say(told.said);
}

// Doing -------------------------------------------------------------------------------------------------------------
function say(told, undo) {
  const box = find("said");
  box.replaceChildren(told || "");
  box.hidden = !told;
  box.toggleAttribute("data-bad", undo === false);
  undoing = undo || null;
  if (undo) box.append(make("button", { type: "button", className: "small", textContent: "Undo", onclick: () => act(undoing) }));
  clearTimeout(box.timer);
  if (told) box.timer = setTimeout(() => (box.hidden = true), undo ? 20_000 : undo === false ? 12_000 : 7_000);
}
async function act(asked) {
  const answer = await server.library_act(asked).catch(() => ({ problem: "The studio does not answer. Start it again." }));
  answer.problem ? say(answer.problem, false) : say(answer.said, answer.undo);
  await news();
  return answer;
}
function rate(ids, number) {
  for (const { items } of pages.values()) for (const item of items) if (ids.includes(item.id)) item.stars = number;
  changed();
  if (look.open && looked) stars(find("look-stars"), (looked.stars = number), (each) => rate([looked.id], each));
  return act({ do: "rate", ids, number });
}
async function gather_in(what, ids) { // into the trash or out of it, some at a time, with one undo for all
  const done = [], problems = new Set();
  for (let first = 0; first < ids.length; first += CHUNK) {
    const answer = await server.library_act({ do: what, ids: ids.slice(first, first + CHUNK) }).catch(() => ({ problem: "The studio does not answer. Start it again." }));
    if (answer.problem) problems.add(answer.problem);
    done.push(...(answer.done || []));
    if (ids.length > CHUNK) say(`${done.length} of ${ids.length} …`);
  }
  for (const id of done) chosen.delete(id);
  const word = done.length === 1 ? "1 picture" : `${done.length} pictures`;
  if (done.length) say([`${word} ${what === "delete" ? "in the trash" : "back"}.`, ...problems].join(" "), { do: what === "delete" ? "restore" : "delete", ids: done, all: true });
  else if (problems.size) say([...problems].join(" "), false);
  if (done.length > CHUNK) find("said").querySelector("button").onclick = () => gather_in(what === "delete" ? "restore" : "delete", done);
  await news(true, false);
}

const DO = {
  "bring-in": () => $$("library-files").click(),
  "clear-all": () => want({ words: "", board: wanted.board, where: wanted.where, imported: wanted.imported }, true),
  all, none: () => { chosen.clear(); changed(); },
  tag: () => ask("Tag the selected pictures", "Tag", "A new tag", (choices.tag || []).map(([tag, title]) => [title, tag]), (text) => act({ do: "tag", ids: [...chosen], text }), (text) => act({ do: "tag", ids: [...chosen], text })),
  board: () => ask("Put the selected pictures on a board", "Make it", "A new board", boards.map(({ id, title, count }) => [`${title} (${count})`, id]), (board) => act({ do: "board-add", board, ids: [...chosen] }), (text) => act({ do: "board-create", ids: [...chosen], text })),
  take: async () => { const ids = [...chosen]; await act({ do: "board-take", board: wanted.board, ids, before: at(Math.max(...ids.map(find_index)) + 1)?.id || "" }); chosen.clear(); changed(); },
  delete: () => gather_in("delete", [...chosen]),
  restore: () => gather_in("restore", [...chosen]),
  "board-delete": async () => { const board = wanted.board; want({ place: "all" }, true); await act({ do: "board-delete", board }); },
  rename: () => { const form = root.querySelector("[data-form=rename]"); form.hidden = !form.hidden; form.text.value = boards.find(({ id }) => id === wanted.board)?.title || ""; if (!form.hidden) form.text.select(); },
  export: () => pack({ ids: [...chosen] }),
  compare: () => window.compare([...chosen].slice(0, 4)),
  present: () => window.present({ ids: [...chosen] }),
  "present-board": () => window.present({ of: wanted.board }),
  report: () => report([...chosen], ""),
  "report-board": async () => { const told = await server.library_choose(wanted).catch(() => null); if (told) report(told.ids, find("heading").querySelector("b").textContent); },
};
root.addEventListener("click", (event) => { const button = event.target.closest("[data-library]"); if (button) DO[button.dataset.library]?.(); });
function report(ids, title) { // what it is made as is asked last
  ask("A report of these pictures", "PDF", "Title", [["PDF, for a meeting or an editor", "pdf"], ["One HTML file, for a browser", "html"]], (kind) => pack({ ids, title: $$("library-ask-text").value || title, report: kind }), (text) => pack({ ids, title: text || title, report: "pdf" }));
  $$("library-ask-text").value = title;
}
function ask(title, go, label, list, pick, put) {
  const dialog = $$("library-ask"), text = $$("library-ask-text");
  $$("library-ask-title").textContent = title;
  find("ask-list").replaceChildren(...list.map(([name, value]) => { const item = make("li"); item.append(make("button", { type: "button", textContent: name, onclick: () => { dialog.close(); pick(value); } })); return item; }));
  Object.assign(text, { value: "", placeholder: label }).previousElementSibling.textContent = label;
  dialog.querySelector("[type=submit]").textContent = go;
  dialog.put = put;
  dialog.showModal();
  text.focus();
}
$$("library-ask").addEventListener("click", (event) => (event.target === $$("library-ask") || "close" in (event.target.dataset || {})) && $$("library-ask").close());
root.addEventListener("submit", (event) => {
  const form = event.target, text = form.text?.value ?? $$("library-ask-text").value;
  event.preventDefault();
  if (form.dataset.form === "ask") { $$("library-ask").close(); if (text.trim()) $$("library-ask").put(text.trim()); }
  else if (form.dataset.form === "rename") { form.hidden = true; act({ do: "board-rename", board: wanted.board, text }); }
  else if (form.dataset.form === "look-tag") { form.reset(); if (text.trim() && looked) marked({ do: "tag", ids: [looked.id], text }); }
  else if (form.dataset.form === "empty") empty(form);
});
function empty(form) { // for good: asked twice, in place
  const button = form.querySelector("button");
  if (button.dataset.sure === undefined) { button.dataset.sure = ""; button.textContent = "Really empty?"; setTimeout(() => { delete button.dataset.sure; button.textContent = "Empty"; }, 4000); return; }
  act({ do: "empty", number: Number(form.number.value) });
}

// In and out --------------------------------------------------------------------------------------------------------
async function bring_in(files) {
  const list = [...files], problems = [], fresh = [];
  let known = 0;
  for (const [place, file] of list.entries()) {
    say(`Bringing in ${place + 1} of ${list.length}: ${file.name}`);
    clearTimeout(find("said").timer);
    try {
      const answer = await server.library_bring_in({ path: (await upload(file)).path, name: file.name });
      if (answer.problem) problems.push(answer.problem);
      else { fresh.push(answer.id); known += !answer.new; }
    } catch { problems.push(`${file.name} did not arrive. Try again.`); }
  }
  if (wanted.board && fresh.length) await server.library_act({ do: "board-add", board: wanted.board, ids: fresh });
  chosen.clear();
  for (const id of fresh) chosen.add(id);
  const came = fresh.length - known, told = [came ? `${came} brought in.` : "", known ? `${known} ${known === 1 ? "was" : "were"} here already.` : "", ...problems];
  say(told.filter(Boolean).join(" "), problems.length ? false : came && !known ? { do: "delete", ids: fresh } : undefined);
  scroller.scrollTop = 0;
  await news(true, false);
}
$$("library-files").addEventListener("change", (event) => { bring_in(event.target.files); event.target.value = ""; });
const has_files = (event) => [...(event.dataTransfer?.types || [])].includes("Files") && !dragged;
root.addEventListener("dragover", (event) => { if (has_files(event)) { event.preventDefault(); root.dataset.drop = ""; } else if (dragged && wanted.board && event.target.closest(".shot")) event.preventDefault(); });
root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) delete root.dataset.drop; });
root.addEventListener("drop", (event) => {
  delete root.dataset.drop;
  const tile = event.target.closest(".shot");
  if (has_files(event)) { event.preventDefault(); bring_in(event.dataTransfer.files); }
  else if (dragged && wanted.board && tile?.dataset.id) { event.preventDefault(); act({ do: "board-move", board: wanted.board, ids: dragged, before: tile.dataset.id, text: at(find_index(dragged.at(-1)) + 1)?.id || "" }); }
});
sizer.addEventListener("dragstart", (event) => {
  const tile = event.target.closest(".shot"), item = at(Number(tile?.dataset.index));
  if (!item) return;
  dragged = chosen.has(item.id) ? [...chosen] : [item.id];
  event.dataTransfer.setData("text/plain", item.prompt || item.name);
  if (item.src) event.dataTransfer.setData("DownloadURL", `application/octet-stream:${item.name}:${new URL(item.src, location.href)}`); // dropped on a folder: the kept file
  event.dataTransfer.effectAllowed = "copyMove";
});
sizer.addEventListener("dragend", () => (dragged = null));

async function pack(asked) {
  let told = await server.library_pack(asked).catch(() => ({ problem: "The studio does not answer. Start it again." }));
  packing = told.id;
  while (told && !told.problem && !told.src && packing === told.id) {
    say(`Packing ${told.done} of ${told.total} …`);
    find("said").append(make("button", { type: "button", className: "small", textContent: "Stop", onclick: () => server.library_pack({ stop: told.id }) }));
    await new Promise((go) => setTimeout(go, 300));
    told = await server.library_pack({ id: told.id }).catch(() => null);
  }
  if (!told || told.problem) { say(told?.problem || "The studio does not answer. Start it again.", false); return; }
  say(told.said);
  const link = make("a", { className: "button small", href: told.src, download: told.name, textContent: "Download" });
  find("said").append(link);
  clearTimeout(find("said").timer);
  link.click();
}

// -------------------------------------------------------------------------------------------------------------------
$$("library-search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(search, 160); });
function search() { // the same words again are no new search: what is selected stays
  const words = $$("library-search").value.trim();
  if (words !== (wanted.words || "")) want({ words });
}
document.addEventListener("visibilitychange", () => document.hidden || news());
new MutationObserver(() => open() && (measure(), news(!grid.edition))).observe(document.querySelector(".desk"), { attributes: true, attributeFilter: ["data-tab"] });
recall();
news(true);
