// The library page, part 2: a picture large, with what is known of it, people's own marks, and its relatives.
const look = $$("library-look");
let looked = null, looked_at = -1, note_timer = 0;

function stars(box, number, rate) { // five buttons and one that takes the stars away
  if (!box.children.length) {
    for (let each = 0; each <= 5; each++) {
      const button = make("button", { type: "button", textContent: each ? "★" : "✕", title: each ? `${each} (key ${each})` : "No stars (key 0)" });
      button.setAttribute("aria-label", each ? `${each} ${each > 1 ? "stars" : "star"}` : "No stars");
      button.onclick = () => box.rate(each);
      box.append(button);
    }
  }
  box.rate = rate;
  [...box.children].forEach((button, each) => {
    button.toggleAttribute("data-on", each > 0 && each <= number);
    button.setAttribute("aria-pressed", each === number);
  });
}

async function open_look(id, index) {
  looked_at = index ?? find_index(id);
  const turn = (look.turn = (look.turn || 0) + 1);
  if (!look.open) look.showModal();
  const told = await server.library_show(id).catch(() => ({ problem: "The studio does not answer. Start it again." }));
  if (turn !== look.turn) return;
  if (told.problem) { look.close(); say(told.problem, false); return; }
  looked = told;
  draw_look();
}

function draw_look() {
  const frame = look.querySelector(".frame"), src = looked.src || looked.small;
  const image = make("img", { src, alt: looked.alt || looked.name, width: looked.w, height: looked.h });
  image.style.setProperty("--ratio", looked.w / looked.h);
  const gone = make("p", { className: "quiet", textContent: "The file of this picture is gone; what is known of it stays." });
  frame.replaceChildren(src ? image : gone);
  stars(find("look-stars"), looked.stars, (each) => rate([looked.id], each));
  find("told").innerHTML = looked.html; // the studio's own, escaped there
  for (const named of find("told").querySelectorAll("[id]")) named.removeAttribute("id"); // the desk has the same ones
  if (looked.path) {
    const copy = make("button", { type: "button", textContent: "Copy path" });
    copy.dataset.copy = looked.path;
    find("told").querySelector(".tools")?.append(copy);
  }
  if (document.activeElement !== $$("library-note")) $$("library-note").value = looked.note;
  draw_tags();
  draw_tree();
  for (const button of look.querySelectorAll("[data-step]")) {
    const to = looked_at + Number(button.dataset.step);
    button.disabled = looked_at < 0 || to < 0 || to >= grid.count;
  }
}

function draw_tags() {
  find("tags").replaceChildren(...looked.tags.map((tag) => {
    const chip = make("span", { className: "chip" }), off = make("button", { type: "button", textContent: "✕" });
    off.setAttribute("aria-label", `Take off the tag ${tag}`);
    off.onclick = () => marked({ do: "untag", ids: [looked.id], text: tag });
    const only = make("button", { type: "button", textContent: tag, title: `Show all pictures with “${tag}”` });
    only.onclick = () => { look.close(); want({ tag }); };
    chip.append(only, off);
    return chip;
  }));
}

function draw_tree() {
  const { older, own, younger } = looked.tree, box = find("tree");
  look.querySelector(".tree").hidden = !older.length && !younger.length;
  const leaf = ({ id, words, task, thumb }, depth, here) => {
    const button = make("button", { type: "button", className: "leaf", title: words });
    button.style.setProperty("--depth", depth);
    if (here) button.setAttribute("aria-current", "true");
    const image = make("img", { alt: "", src: thumb || "data:," });
    if (!thumb) image.hidden = true;
    button.append(image, make("b", { textContent: words }), make("small", { textContent: task }));
    button.onclick = () => here || open_look(id, find_index(id));
    return button;
  };
  box.replaceChildren(...older.map((each, depth) => leaf(each, depth)), leaf(own, older.length, true), ...younger.map((each) => leaf(each, older.length + 1)));
}

async function marked(asked) { // a change to the picture that is open
  await act(asked);
  if (look.open && looked) { const told = await server.library_show(looked.id).catch(() => null); if (told && !told.problem) { looked = told; draw_look(); } }
}

async function step_look(by) {
  const index = looked_at + by;
  if (looked_at < 0 || index < 0 || index >= grid.count) return;
  const item = await page_of(index);
  if (!item) return;
  await keep_note();
  set_cursor(index);
  open_look(item.id, index);
}

async function keep_note() {
  clearTimeout(note_timer);
  const text = $$("library-note").value;
  if (!looked || text === looked.note) return;
  const id = looked.id;
  looked.note = text;
  const answer = await server.library_act({ do: "note", ids: [id], text }).catch(() => ({ problem: "The note is not kept: the studio does not answer." }));
  if (answer.problem) say(answer.problem, false);
}
$$("library-note").addEventListener("input", () => { clearTimeout(note_timer); note_timer = setTimeout(keep_note, 600); });
$$("library-note").addEventListener("change", keep_note);
look.addEventListener("close", () => { keep_note(); looked = null; tiles.get(cursor)?.focus({ preventScroll: true }); });
look.addEventListener("click", (event) => {
  const button = event.target.closest("button, a");
  if (event.target === look || (button && "close" in button.dataset)) { look.close(); return; }
  if (!button) return;
  const { step, picture, do: what, choose } = button.dataset;
  if (step) step_look(Number(step));
  else if (picture) { event.stopPropagation(); open_look(picture, find_index(picture)); }
  else if (what === "delete" || what === "restore") { event.stopPropagation(); look.close(); gather_in(what, [button.dataset.id]); }
  else if (what) { look.close(); say(what === "retry" ? "" : "On its way. It comes in as the newest picture."); }
  else if (choose || "share" in button.dataset) look.close();
});
window.addEventListener("keydown", (event) => { // the window, because a button that was just disabled has lost its focus
  if (!look.open || document.querySelector("dialog[open]:not(#library-look)") || ["TEXTAREA", "INPUT", "SELECT"].includes(event.target.tagName)) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") { event.preventDefault(); event.stopPropagation(); step_look(event.key === "ArrowLeft" ? -1 : 1); }
  else if (/^[0-5]$/.test(event.key) && looked) rate([looked.id], Number(event.key));
});
