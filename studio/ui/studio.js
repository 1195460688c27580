// The page's own behaviour: it asks the desk what is new, draws the parts that changed and nothing else.
// Gradio calls this once, with: element, trigger, props, server, watch.
const $ = (id) => document.getElementById(id);
const BUSY = 200, IDLE = 1500, HIDDEN = 6000; // milliseconds between two questions
let seen = {}, timer = 0, asking = false, busy = false;
let card = {}, newest = [], chosen = null, drawn = "", described = "";

const parts = {
  worker({ state, text, message }) {
    const chip = $("worker");
    if (chip) Object.assign(chip, { textContent: text, title: message || text }).dataset.state = state;
  },
  job(job) {
    const changed = job.id !== card.id || job.state !== card.state, known_id = card.id;
    card = job;
    busy = !["idle", "done", "failed", "needs_review", "cancelled", "blocked"].includes(job.state);
    const box = $("job");
    box.dataset.state = job.state;
    box.dataset.job = job.id;
    $("job-title").textContent = job.title;
    $("job-detail").textContent = job.detail;
    $("job-detail").title = job.detail;
    $("job-retry").hidden = !job.retry;
    $("job-smaller").hidden = !job.smaller;
    $("job-smaller").textContent = job.smaller || "";
    $("job-retry").dataset.id = $("job-smaller").dataset.id = job.id;
    const known = job.fraction !== null, percent = Math.round((job.fraction || 0) * 100);
    $("bar").toggleAttribute("data-unknown", !known);
    known ? $("bar").setAttribute("aria-valuenow", percent) : $("bar").removeAttribute("aria-valuenow");
    $("bar").firstElementChild.style.transform = `scaleX(${percent / 100})`;
    if (changed && known_id === job.id && job.field) complain({ field: job.field, message: job.detail, form: job.form });
    if (changed) $("said").textContent = `${job.title}. ${job.state === "running" ? "" : job.detail}`;
  },
  preview({ src, size }) {
    if (src && !chosen) drawPreview(src, size);
    else if (drawn === "preview") drawNewest();
  },
  queue(html) { keepFocus($("queue"), html); },
  recent(html) {
    keepFocus($("strip"), html);
    comeBack();
    mark();
  },
  show({ pictures }) {
    newest = pictures;
    if (!chosen && !(busy && drawn === "preview")) drawNewest();
    else if (!described && pictures.length) describe(pictures[0].id);
  },
};

function keepFocus(box, html) {
  const held = document.activeElement, data = box.contains(held) ? { ...held.dataset } : null;
  const left = box.scrollLeft;
  box.innerHTML = html;
  box.scrollLeft = left;
  if (!data) return;
  const same = (button) => ["do", "id", "picture"].every((key) => button.dataset[key] === data[key]);
  [...box.querySelectorAll("button")].find(same)?.focus({ preventScroll: true });
}

async function ask() {
  clearTimeout(timer);
  if (asking) return;
  asking = true;
  const news = await server.live(seen);
  asking = false;
  document.body.toggleAttribute("data-lost", !news);
  if (!news) {
    parts.worker({ state: "lost", text: "Not connected", message: "The studio does not answer. Start it again; this page finds it by itself." });
    seen = {};
    stillSignedIn();
  } else {
    seen = news.seen;
    for (const name of Object.keys(parts)) if (name in news) parts[name](news[name]);
  }
  for (const button of document.querySelectorAll("#forms .cancel")) button.disabled = !card.cancel;
  timer = setTimeout(ask, document.hidden ? HIDDEN : busy ? BUSY : IDLE);
}

function framed(src, width, height, alt) {
  const image = new Image();
  image.alt = alt || "";
  image.style.setProperty("--w", width);
  image.style.setProperty("--h", height);
  image.onerror = () => image.classList.add("gone");
  image.src = src;
  return image;
}

function put(view, ...nodes) {
  $("stage").dataset.view = view;
  $("frame").replaceChildren(...nodes);
  $("frame").dataset.count = nodes.length;
}

function drawPreview(src, [width, height]) {
  const old = $("frame").firstElementChild;
  if (drawn === "preview" && old) old.src = src;
  else put("preview", framed(src, width, height, "Preview of the picture in the making"));
  drawn = "preview";
}

async function drawNewest() {
  chosen = null;
  stageOf(newest);
  const key = newest.map((picture) => picture.id).join(" ");
  if (drawn === key) return;
  drawn = key;
  await draw(newest, key);
}

async function draw(pictures, key) {
  stageOf(pictures);
  if (compared()) return;
  const [first] = pictures, original = pictures.length > 1 && first.before?.src;
  const buttons = pictures.map((picture) => {
    const button = document.createElement("button");
    button.className = "picture";
    button.dataset.large = picture.src;
    button.dataset.of = picture.id;
    if (picture.name) button.dataset.name = picture.name;
    button.ariaLabel = `Look at it large: ${picture.alt}`;
    button.append(framed(picture.src, picture.width, picture.height, picture.alt));
    button.onfocus = button.onmouseenter = () => pictures.length > 1 && describe(picture.id);
    return button;
  });
  if (original) buttons.unshift(originalOf(first)); // variations stand beside what they were made from
  await Promise.allSettled(buttons.map((button) => button.firstElementChild.decode()));
  if (drawn !== key) return;
  put(buttons.length ? (buttons.length > 1 ? "several" : "one") : "empty", ...buttons);
  if (pictures.length) describe(pictures[0].id);
  mark();
}

async function describe(id) {
  if (described === id) return;
  described = id;
  const html = await server.details(id);
  if (html && described === id) $("facts").innerHTML = html;
}

function mark() {
  const ids = chosen ? [chosen] : newest.map((picture) => picture.id);
  for (const tile of $("strip").querySelectorAll(".tile")) tile.toggleAttribute("data-on", ids.includes(tile.dataset.picture));
}

function choose(tile) {
  const { picture, src, width, height, before, name } = tile.dataset;
  chosen = drawn = picture;
  described = "";
  show("result");
  if (src) draw([{ id: picture, src, width, height, name, alt: tile.ariaLabel, before: before ? JSON.parse(before) : null }], picture);
  else leave(picture, "The file of this picture is gone.");
}

async function act(button) {
  const { do: what, id, place } = button.dataset;
  button.disabled = true;
  const problem = await server.act({ do: what, id, place: Number(place || 0) });
  button.disabled = false;
  if (problem) complain({ field: "", message: problem });
  if (what === "again") button.dataset.place = problem ? 1 : 0; // once told what speaks against it, the next press is meant
  if (["again", "upscale", "vary"].includes(what) && !problem) { chosen = null; show("result"); }
  else if (what === "delete") leave(id, "This picture is in the trash.");
  else if (what === "restore") { returned = id; comeBack(); }
  seen.queue = seen.recent = "";
  ask();
}

// A restored picture is shown as soon as its tile is there.
let returned = "";
function comeBack() {
  const tile = returned && $("strip").querySelector(`[data-picture="${returned}"]`);
  if (!tile) return;
  returned = "";
  choose(tile);
}

// A picture without a file leaves the stage at once; beside it stays what is known of it, with the way back.
function leave(id, why) {
  chosen = drawn = id;
  described = "";
  $("stage").querySelector(".gone b").textContent = why;
  put("gone");
  describe(id);
  mark();
}

function cancel() {
  if (card.cancel) act({ dataset: { do: "cancel", id: card.id } });
}

function complain({ field, message, form }) {
  document.querySelectorAll(".problem").forEach((old) => old.remove());
  document.querySelectorAll("[aria-invalid]").forEach((old) => old.removeAttribute("aria-invalid"));
  if (!message) return;
  const sheet = $(`sheet-${form || tab()}`), more = sheet?.querySelector(".advanced-switch input");
  const place = (field && $(`${form || tab()}-${field}`)) || sheet?.querySelector(".actions") || $("facts");
  if (place.closest(".advanced") && !more.checked) more.click();
  const note = Object.assign(document.createElement("p"), { className: "problem", id: "problem", textContent: message });
  note.setAttribute("role", "alert");
  place.append(note);
  const input = field && place.querySelector("textarea, input");
  input?.setAttribute("aria-invalid", "true");
  input?.setAttribute("aria-describedby", "problem");
  input?.focus();
  note.scrollIntoView({ block: "nearest" });
}

// The draft comes a moment after the form: until then clicks wait, and what is typed is put back.
let typed = null;
function open() {
  if ("ready" in document.body.dataset) return;
  document.body.dataset.ready = "";
  if (typed === null) return;
  typed.input.value = typed.text;
  typed.input.dispatchEvent(new Event("input", { bubbles: true }));
}
setTimeout(open, 3000);

watch("notice", () => {
  const notice = props.notice || {};
  if (!notice.restored) complain({ ...notice.problem, form: notice.form });
  if (notice.restored) { greet(notice.restored); setTimeout(open, 30); whatStands(); }
  else if ("preset" in notice) stand(notice.form, notice.preset);
  if (notice.saved) sayPreset(notice.saved, notice.form);
  if (notice.job) {
    chosen = null;
    show("result");
    if (innerWidth < 760) $("stage").scrollIntoView({ behavior: "smooth" });
  }
  ask();
});

// A form is kept a moment after it was changed; until then the page is marked with its name.
const drafts = {};
const edited = (event) => {
  if (!event.target.closest?.("#forms")) return;
  if (!("ready" in document.body.dataset) && event.type === "input") typed = { input: event.target, text: event.target.value };
  if (event.type === "input" || event.type === "pointerup") complain({});
  keepSoon(tab(), 350);
};
function keepSoon(form, pause) {
  const keep = window.keepers?.[form];
  if (!keep) return;
  const draft = (drafts[form] ??= { timer: 0, under_way: false, again: false });
  document.body.dataset.keeping = form;
  clearTimeout(draft.timer);
  draft.timer = setTimeout(() => {
    draft.timer = 0;
    draft.again = draft.under_way;
    draft.under_way = true;
    keep();
  }, pause);
}
window.keep_form = (form) => keepSoon(form, 0);
window.form_kept = (form) => {
  drafts[form].under_way = drafts[form].again;
  drafts[form].again = false;
  if (!Object.values(drafts).some(({ timer, under_way }) => timer || under_way)) delete document.body.dataset.keeping;
};
for (const kind of ["input", "change", "pointerup", "keyup"]) document.addEventListener(kind, edited);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button, a");
  if (!button) return;
  const data = button.dataset;
  if (data.do) act(button);
  else if (data.picture) choose(button);
  else if (data.choose) {
    const to = data.to || tab();
    open_tab(to, data.choose === "send" || (["reuse", "words"].includes(data.choose) && to !== "text-to-image"));
    if (data.choose === "send" && to === "verify") $("verdicts").querySelector(".verdicts").innerHTML = '<p class="waiting" role="status">Examining …</p>';
    trigger("select", { [data.choose]: data.id, to });
  }
  else if (data.show) show(data.show);
  else if (data.large) { $("large-image").src = data.large; $("large-image").alt = button.ariaLabel; $("large").showModal(); }
  else if ("close" in data && $("large").open) $("large").close();
  else if ("copy" in data) {
    await navigator.clipboard?.writeText(data.copy);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  }
});
$("large").addEventListener("click", (event) => event.target === $("large") && $("large").close());

document.addEventListener("keydown", (event) => {
  if ($("presentation").open) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    $(`sheet-${tab()}`)?.querySelector(".generate").click();
  } else if (event.key === "Escape" && !document.querySelector("dialog[open], [role=listbox]")) cancel();
  else if (["ArrowLeft", "ArrowRight"].includes(event.key) && document.activeElement?.classList.contains("tile")) {
    event.preventDefault();
    const next = event.key === "ArrowLeft" ? "previousElementSibling" : "nextElementSibling";
    document.activeElement[next]?.focus();
  }
}, true);
document.addEventListener("click", (event) => event.target.closest("#forms .cancel") && cancel());
document.addEventListener("click", (event) => event.target.closest("[role=tab]")?.scrollIntoView({ block: "nearest", inline: "nearest" }));
document.addEventListener("visibilitychange", () => document.hidden || ask());
if (/Mac|iPhone|iPad/.test(navigator.platform)) document.body.dataset.mac = "";
ask();

gather();
followTab();
