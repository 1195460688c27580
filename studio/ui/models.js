// The models page: asks what is new, replaces the rows that changed and nothing else, so that it never jumps.
// Gradio calls this once, with: element, server. Searching and sorting happen here; all else is the studio's.
const root = element.querySelector(".collection"), $$ = (id) => document.getElementById(id);
const find = (name) => document.querySelector(`#models [data-part=${name}], #models-add [data-part=${name}]`);
const BUSY = 700, IDLE = 3000;
const open = () => document.querySelector(".desk")?.dataset.tab === "models";
let seen = {}, timer = 0, asking = false, busy = false, models = [], shown = new Map(), texts = {};

async function ask() {
  clearTimeout(timer);
  if (asking) return;
  if (open() && !document.hidden) {
    asking = true;
    const news = await server.models_news(seen).catch(() => null);
    asking = false;
    if (news) { seen = news.seen; draw(news); }
  }
  timer = setTimeout(ask, busy ? BUSY : IDLE);
}

function draw(news) {
  if ("busy" in news) busy = news.busy;
  if (news.rows) { models = news.rows; families(); rows(); }
  if (news.downloads) downloads(news.downloads);
  for (const name of ["trouble", "starters", "folders", "problems", "trash", "count"]) if (name in news) texts[name] = news[name];
  texted();
}

function texted() { // what stands in the form is not there before the tab was opened once
  for (const [name, html] of Object.entries(texts)) {
    const part = find(name);
    if (part && part.drawn !== html) { keepFocus(part, () => (part.innerHTML = html)); part.drawn = html; }
  }
  const starters = document.querySelector("#models-add .starters");
  if (starters && !starters.begun) starters.open = starters.begun = innerWidth >= 760; // on a phone the list comes first
  if (starters) starters.begun = true;
  sift();
}

function keepFocus(box, change) {
  const held = document.activeElement, data = box.contains(held) ? { ...held.dataset } : null;
  change();
  if (data) [...box.querySelectorAll("button")].find((button) => ["models", "id", "text"].every((key) => button.dataset[key] === data[key]))?.focus({ preventScroll: true });
}

function families() {
  const select = $$("models-family"), names = [...new Set(models.map((model) => model.family).filter(Boolean))].sort();
  if (select.drawn === names.join("|")) return;
  select.drawn = names.join("|");
  const chosen = select.value;
  select.replaceChildren(new Option("All families", ""), ...names.map((name) => new Option(name, name)));
  select.value = names.includes(chosen) ? chosen : "";
}

const orders = { used: (a, b) => b.used - a.used || (a.name < b.name ? -1 : 1), name: (a, b) => (a.name < b.name ? -1 : 1), size: (a, b) => b.size - a.size || (a.name < b.name ? -1 : 1) };
function rows() {
  const box = find("rows"), kept = new Set(models.map((model) => model.id));
  for (const [id, row] of shown) if (!kept.has(id)) { row.remove(); shown.delete(id); }
  let before = null;
  for (const model of [...models].sort(orders[$$("models-sort").value])) {
    let row = shown.get(model.id);
    if (!row) {
      row = Object.assign(document.createElement("details"), { className: "model" });
      row.dataset.id = model.id;
      shown.set(model.id, row);
    }
    if (row.html !== model.html) { keepFocus(row, () => (row.innerHTML = model.html)); row.html = model.html; }
    row.model = model;
    const place = before ? before.nextElementSibling : box.firstElementChild;
    if (place !== row) box.insertBefore(row, place);
    before = row;
  }
}

function sift() {
  const words = $$("models-search").value.toLowerCase().split(/\s+/).filter(Boolean), family = $$("models-family").value;
  let count = 0;
  for (const row of shown.values()) {
    const fits = words.every((word) => row.model.find.includes(word)) && (!family || row.model.family === family);
    if (row.hidden === fits) row.hidden = !fits;
    count += fits;
  }
  root.querySelector(".none").hidden = count > 0 || !models.length;
  const told = find("count");
  if (told && texts.count) told.textContent = count === models.length ? texts.count : `${count} of ${texts.count}`;
}

function downloads(list) {
  const box = find("downloads"), known = new Map([...box.children].map((item) => [item.dataset.id, item]));
  for (const { id, html, state } of list) {
    const item = known.get(id) || Object.assign(document.createElement("li"), {});
    known.delete(id);
    item.dataset.id = id;
    item.dataset.state = state;
    if (item.html !== html) { keepFocus(item, () => (item.innerHTML = html)); item.html = html; }
    if (!item.isConnected) box.append(item);
  }
  for (const item of known.values()) item.remove();
  box.parentElement.hidden = !list.length;
}

function say(told, undo) {
  const box = root.querySelector("[data-said]");
  box.textContent = told || "";
  box.hidden = !told;
  box.toggleAttribute("data-bad", undo === false);
  if (undo) box.append(Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: "Undo" }));
  if (undo) Object.assign(box.lastElementChild.dataset, { models: "restore", id: undo });
  if (told) box.scrollIntoView({ block: "nearest" });
  clearTimeout(box.timer);
  if (told && undo !== false) box.timer = setTimeout(() => (box.hidden = true), undo ? 20_000 : 8_000); // the trash keeps the way back
}

async function act(asked, form) {
  const answer = await server.models_act(asked).catch(() => ({ problem: "The studio does not answer. Start it again." }));
  if (answer.problem) { form ? complain(form, answer.problem) : say(answer.problem, false); return; }
  say(answer.said, answer.undo);
  form?.reset();
  busy = true;
  seen = {};
  ask();
}

function complain(form, words) {
  form.querySelector(".bad")?.remove();
  if (!words) return;
  const note = Object.assign(document.createElement("p"), { className: "bad", textContent: words });
  note.setAttribute("role", "alert");
  form.append(note);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-models]");
  if (!button) return;
  const { models: what, id, text } = button.dataset;
  if (what === "empty" && button.dataset.sure === undefined) { // for good: asked twice, in place
    button.dataset.sure = "";
    button.textContent = "Remove for good?";
    setTimeout(() => { delete button.dataset.sure; button.textContent = "Empty the trash"; }, 4000);
    return;
  }
  act({ do: what, id, text });
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("#models-add form");
  if (!form) return;
  event.preventDefault();
  complain(form, "");
  act({ do: form.dataset.form, ...Object.fromEntries(new FormData(form)) }, form);
});
root.addEventListener("toggle", async (event) => {
  const row = event.target;
  if (!row.open || row.model?.hash) return;
  const hash = await server.models_hash(row.dataset.id).catch(() => "");
  if (hash) row.querySelector("[data-hash]").textContent = hash;
}, true);
$$("models-search").addEventListener("input", sift);
$$("models-family").addEventListener("change", sift);
$$("models-sort").addEventListener("change", rows);
document.addEventListener("visibilitychange", () => document.hidden || ask());
new MutationObserver(() => open() && ask()).observe(document.querySelector(".desk"), { attributes: true, attributeFilter: ["data-tab"] });
new MutationObserver(() => open() && texted()).observe(document.getElementById("forms"), { childList: true, subtree: true });
ask();
