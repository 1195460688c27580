// The grid page: what changes, what it will take, and what came of it. Gradio calls this once, with: element, server.
// Texts are never HTML here. What is set up is kept by the studio, so a reload shows the same.
const root = element.querySelector(".grids"), desk = document.querySelector(".desk"), $$ = (id) => document.getElementById(id);
const part = (name) => document.querySelector(`#grid [data-part=${name}], #grid-form [data-part=${name}]`);
const open = () => desk?.dataset.tab === "grid", ROWS = [0, 1, 2], BUSY = 900, IDLE = 5000;
let setup = null, record = "", axes = [], seen = {}, shown = null, list = [], wanted = "", timer = 0, typing = 0, turn = 0, starting = false, beginning = false;

const make = (tag, properties = {}, ...children) => {
  const { data = {}, aria = {}, ...plain } = properties, node = Object.assign(document.createElement(tag), plain);
  Object.assign(node.dataset, data);
  for (const [name, value] of Object.entries(aria)) node.setAttribute(`aria-${name}`, value);
  node.append(...children);
  return node;
};

// Setting up -----------------------------------------------------------------------------------------------------------
async function look(asked, first) { // `first` is the setting to begin with, where all begins anew
  const mine = ++turn, told = await server.grid_look(asked || {}).catch(() => null);
  if (!told || mine !== turn) return;
  setup = told;
  record = told.base?.record ?? record;
  if (!asked || first) axes = (told.axes || []).map(([field, text]) => [field, text]);
  if (told.base && !axes.length) { axes = [[first || "steps", suggested(first || "steps")]]; changed(0); }
  form();
}
const suggested = (field) => setup?.fields?.find(({ name }) => name === field)?.try || "";
const filled = () => axes.filter(([field]) => field);

function form() {
  if (!part("base") || !setup) return;
  const { base, fields = [], plan, problem } = setup;
  if (base) {
    part("base").replaceChildren(
      base.thumb ? make("img", { src: base.thumb, alt: "" }) : make("i"),
      make("div", {}, make("b", { textContent: base.prompt || "(no prompt)" }), make("small", { textContent: base.facts }), make("small", { textContent: `From ${base.from}` })),
    );
    part("form-base").hidden = !base.record;
  } else part("base").replaceChildren(make("p", { className: "bad", textContent: problem || "" }));
  for (const row of ROWS) {
    const select = $$(`grid-field-${row}`), text = $$(`grid-text-${row}`), [field = "", typed = ""] = axes[row] || [];
    const key = fields.map(({ name }) => name).join(" ");
    if (select.drawn !== key) {
      select.replaceChildren(new Option(row ? "nothing more" : "choose …", ""), ...fields.map(({ name, title }) => new Option(title, name)));
      select.drawn = key;
    }
    select.value = field;
    if (document.activeElement !== text) text.value = typed;
    text.hidden = !field;
    text.rows = typed.length > 44 ? 2 : 1;
    const wrong = plan?.problem && plan.field && plan.field === field;
    text.toggleAttribute("aria-invalid", Boolean(wrong));
    text.closest("fieldset").hidden = row > filled().length;
  }
  forecast(plan || {});
}

function forecast({ problem, count, sides, cost, time, faults = [], more }) {
  const box = part("forecast"), start = document.querySelector("#grid-form .start");
  start.disabled = starting || Boolean(problem) || !count || faults.length > 0;
  start.textContent = count ? `Make the grid · ${count} ${count === 1 ? "picture" : "pictures"}` : "Make the grid";
  if (problem) return box.replaceChildren(make("p", { className: "bad", textContent: problem }));
  if (!count) return box.replaceChildren();
  box.replaceChildren(
    make("p", { className: "takes" }, make("b", { textContent: `${sides === String(count) ? "" : `${sides} = `}${count} ${count === 1 ? "picture" : "pictures"}` }), make("span", { textContent: `${cost}, ${time}` })),
    ...(faults.length ? [make("p", { className: "bad", textContent: "These cannot be made. Change the values, then make the grid." }), make("ul", {}, ...faults.map(({ cell, fault }) => make("li", {}, make("b", { textContent: cell }), ` ${fault}`)), ...(more ? [make("li", { textContent: `and ${more} more` })] : []))] : []),
  );
}

function changed(at) {
  clearTimeout(typing);
  typing = setTimeout(() => look({ axes: filled() }), at);
}
document.addEventListener("input", (event) => {
  const text = event.target.closest?.("#grid-form textarea");
  if (!text) return;
  const row = Number(text.closest("fieldset").dataset.axisRow);
  axes[row] = [axes[row]?.[0] || "", text.value];
  changed(400);
});
document.addEventListener("change", (event) => {
  const select = event.target.closest?.("#grid-form select");
  if (!select) return;
  const row = Number(select.closest("fieldset").dataset.axisRow);
  axes[row] = [select.value, suggested(select.value)];
  axes = ROWS.map((each) => axes[each]).filter((axis) => axis?.[0]);
  form();
  changed(0);
});
document.addEventListener("submit", async (event) => {
  if (!event.target.matches?.("#grid-form form")) return;
  event.preventDefault();
  if (starting || document.querySelector("#grid-form .start").disabled) return;
  starting = true;
  forecast(setup?.plan || {});
  const told = await server.grid_start({ record, axes: filled() }).catch(() => ({ problem: "The studio does not answer. Start it again." }));
  starting = false;
  forecast(setup?.plan || {});
  say(told.said || told.problem, Boolean(told.problem));
  if (told.id) { wanted = told.id; seen = {}; news(); if (innerWidth < 1200) root.scrollIntoView({ behavior: "smooth" }); }
});

// What came of it --------------------------------------------------------------------------------------------------------
async function news() {
  clearTimeout(timer);
  const told = await server.grid_news({ shown: wanted, seen }).catch(() => null);
  if (told) {
    seen = told.seen;
    if ("list" in told) { list = told.list; rows(); }
    if ("shown" in told) { shown = told.shown; if (shown && wanted !== shown.id) { wanted = shown.id; rows(); } grid(); }
  }
  const busy = list.some(({ state }) => state === "active") || shown?.cells.some(({ record, thumb, gone }) => record && !thumb && !gone);
  if (open()) timer = setTimeout(() => (document.hidden ? 0 : news()), busy ? BUSY : IDLE);
}

function rows() {
  const held = document.activeElement?.dataset?.pick;
  part("list").replaceChildren(...list.map(({ id, title, prompt, told, state, when }) => make("li", { data: { state } },
    make("button", { type: "button", data: { pick: id }, aria: { pressed: String(id === wanted) } }, make("b", { textContent: title }), make("span", { textContent: prompt }), make("small", { textContent: `${told} · ${when}` })))));
  root.toggleAttribute("data-empty", !list.length);
  if (held) root.querySelector(`[data-pick="${held}"]`)?.focus({ preventScroll: true });
}

function grid() {
  const box = part("cells");
  if (!shown) { box.replaceChildren(); part("head").replaceChildren(); part("bar").hidden = true; return; }
  const { id, title, told, state, done, axes: names, labels, cells, sheet } = shown, held = document.activeElement?.dataset?.cell;
  const act = (what, words, extra = {}) => make("button", { type: "button", className: "small", textContent: words, data: { gridDo: what, id }, ...extra });
  part("head").replaceChildren(
    make("div", {}, make("b", { textContent: title }), make("small", { textContent: told })),
    make("div", { className: "acts" },
      ...(state === "active" ? [act("cancel", "Stop")] : []),
      ...(state === "broken" ? [act("go-on", "Go on")] : []),
      ...(done ? [act("sheet", sheet ? "Make the sheet again" : "Make the sheet")] : []),
      ...(sheet ? [make("a", { className: "small", textContent: "Look at the sheet", href: sheet.src, target: "_blank" }), make("a", { className: "small", textContent: "Download it", href: sheet.src, download: sheet.name })] : []),
      act("remove", "Forget"),
    ),
  );
  const percent = Math.round(done * 100);
  part("bar").hidden = state !== "active";
  part("bar").setAttribute("aria-valuenow", percent);
  part("bar").firstElementChild.style.transform = `scaleX(${done})`;
  const [across, down = [""], blocks = [""]] = labels;
  const tables = blocks.map((block, number) => {
    const table = make("table"), head = make("tr", {}, make("td"), ...across.map((text) => make("th", { scope: "col", textContent: text })));
    if (names[2]) table.append(make("caption", { textContent: `${names[2]}: ${block}` }));
    table.append(make("thead", {}, head), make("tbody", {}, ...down.map((text, row) => make("tr", {}, make("th", { scope: "row", textContent: text }),
      ...across.map((_, column) => make("td", {}, cell(cells[(number * down.length + row) * across.length + column], (number * down.length + row) * across.length + column)))))));
    return table;
  });
  box.replaceChildren(...tables);
  if (held) box.querySelector(`[data-cell="${held}"]`)?.focus({ preventScroll: true });
}

function cell({ state, words, fault, thumb, record: made, task, gone, label, part: step }, number) {
  if (made && !gone) {
    const data = { cell: number, choose: "reuse", id: made, to: task };
    return make("button", { type: "button", className: "cell", data, title: `${label}: take its settings into the form`, aria: { label: `Take the settings of ${label} into the form` } }, thumb ? make("img", { src: thumb, alt: "" }) : "");
  }
  const box = make("div", { className: "cell", data: { state }, title: fault || "" }, make("span", { textContent: gone ? "The file is gone" : words }), ...(fault ? [make("small", { textContent: fault })] : []));
  if (step) box.append(make("i", { style: `transform: scaleX(${step})` }));
  return box;
}

function say(told, bad) {
  const box = root.querySelector("[data-said]");
  box.textContent = told || "";
  box.hidden = !told;
  box.toggleAttribute("data-bad", Boolean(bad));
  clearTimeout(box.timer);
  if (told && !bad) box.timer = setTimeout(() => (box.hidden = true), 8000);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-grid], #grid [data-pick], #grid [data-grid-do]");
  if (!button) return;
  const { grid: from, axis, pick, gridDo: what, id } = button.dataset;
  if (from !== undefined && button.matches("[data-grid]")) {
    beginning = true; // opening the tab asks for what was set up last
    $$("tab-grid-button")?.click();
    await look({ record: from, axes: from ? [] : filled() }, from ? axis || "steps" : undefined);
    beginning = false;
    return;
  }
  if (pick) { wanted = pick; rows(); news(); return; }
  button.disabled = true;
  if (what === "sheet") say("The sheet is put together and stamped …");
  const told = await server.grid_act({ do: what, id }).catch(() => ({ problem: "The studio does not answer. Start it again." }));
  button.disabled = false;
  say(told.said || told.problem, Boolean(told.problem));
  if (what === "remove" && told.said) wanted = "";
  seen = {};
  news();
});
new MutationObserver(() => { if (open()) { if (!beginning) look(setup ? { record, axes: filled() } : undefined); news(); } }).observe(desk, { attributes: true, attributeFilter: ["data-tab"] });
new MutationObserver(() => open() && part("base") && !part("base").childElementCount && form()).observe($$("forms"), { childList: true, subtree: true });
document.addEventListener("visibilitychange", () => document.hidden || (open() && news()));
