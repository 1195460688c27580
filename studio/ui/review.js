// The review bench: a queue of pictures, one of them large, three decisions and an undo, all by keyboard.
// Gradio calls this once, with: element, server. What is shown and decided is the studio's; nothing is kept here.
const root = element.querySelector(".review"), part = (name) => root.querySelector(`[data-${name}]`);
const list = part("list"), shown = part("shown"), form = part("decide"), said = part("said"), note = root.querySelector("#review-note");
const open = () => document.querySelector(".desk")?.dataset.tab === "review";
let ids = [], at = null, working = false, timer = 0;

function say(text, bad) {
  said.textContent = text || "";
  said.toggleAttribute("data-bad", Boolean(bad));
}

async function refresh(keep) {
  const news = await server.review_list();
  if (!news) return;
  ids = news.ids;
  list.innerHTML = news.html;
  part("count").textContent = news.count || "";
  part("count").hidden = !news.count;
  if (keep && ids.includes(at)) mark();
  else await show(ids.includes(at) ? at : ids[0] || null);
}

async function show(id) {
  at = id;
  note.value = "";
  form.hidden = !id;
  mark();
  if (!id) { shown.innerHTML = '<p class="empty"><b>Nothing waits for a decision.</b><span>Flagged pictures appear here.</span></p>'; return; }
  const told = await server.review_show(id);
  if (at !== id) return;
  shown.innerHTML = told.html;
  const mine = !told.holder;
  for (const button of form.querySelectorAll("[data-decision]")) button.disabled = !mine;
  say(told.holder ? `${told.holder} is looking at this picture.` : "", Boolean(told.holder));
}

function mark() {
  for (const item of list.children) {
    const on = item.dataset.id === at;
    item.toggleAttribute("data-on", on);
    item.querySelector("button").setAttribute("aria-current", on);
    if (on) item.scrollIntoView({ block: "nearest" });
  }
}

async function decide(decision) {
  if (!at || working) return;
  working = true;
  const next = ids[ids.indexOf(at) + 1] || ids[ids.indexOf(at) - 1] || null;
  const problem = await server.review_decide({ id: at, decision, note: note.value });
  working = false;
  if (problem) { say(problem, true); return refresh(true); }
  at = next;
  await refresh();
  say(`${{ approved: "Approved", rejected: "Rejected", escalated: "Escalated" }[decision]}. Undo takes it back.`);
}

async function undo() {
  const told = await server.review_undo();
  if (told.problem) return say(told.problem, true);
  at = told.id;
  await refresh();
  say("Taken back.");
}

function step(by) {
  const place = ids.indexOf(at) + by;
  if (ids[place]) show(ids[place]);
}

const uncover = () => shown.querySelector(".cover")?.click();

root.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const data = button.dataset;
  if (data.decision) decide(data.decision);
  else if ("undo" in data) undo();
  else if (data.review) show(data.review);
  else if (button.classList.contains("cover")) { button.parentElement.dataset.uncovered = ""; button.remove(); }
  else if (data.view) {
    for (const each of root.querySelectorAll("[data-view]")) each.setAttribute("aria-pressed", each === button);
    const report = data.view === "report";
    root.querySelector(".queue").hidden = report;
    part("report").hidden = !report;
    root.querySelector(".keys").hidden = report;
    if (report) { part("report").innerHTML = await server.review_report(); find(); }
  }
  else if ("more" in data) find(data.more);
});

async function find(before = "") { // the report's search: a new choice begins anew, “More” goes on
  const chosen = (name) => root.querySelector(`[data-filter=${name}]`).value;
  const more = root.querySelector("[data-more]"), rows = part("found");
  more.disabled = true;
  const found = await server.review_find({ state: chosen("state"), reason: chosen("reason"), before });
  if (before) rows.insertAdjacentHTML("beforeend", found.html);
  else rows.innerHTML = found.html;
  Object.assign(more, { hidden: !found.more, disabled: false }).dataset.more = found.more;
}
root.addEventListener("change", (event) => event.target.dataset.filter && find());

document.addEventListener("keydown", (event) => {
  if (!open() || event.ctrlKey || event.metaKey || event.altKey || root.querySelector(".queue").hidden) return;
  if (["TEXTAREA", "INPUT", "SELECT"].includes(event.target.tagName)) return;
  const act = { a: () => decide("approved"), r: () => decide("rejected"), e: () => decide("escalated"), u: undo, j: () => step(1), k: () => step(-1), " ": uncover }[event.key.toLowerCase()];
  if (!act || (event.key === " " && event.target.tagName === "BUTTON")) return;
  event.preventDefault();
  act();
});

function look() { // while the tab is open: others decide too
  clearTimeout(timer);
  if (open() && !document.hidden) refresh(true);
  timer = setTimeout(look, 5000);
}
new MutationObserver(() => open() && refresh()).observe(document.querySelector(".desk"), { attributes: true, attributeFilter: ["data-tab"] });
look();
