// The adapters of a form. Gradio calls this once, with: element, props, trigger, watch, upload, server.
const home = element.querySelector(".wardrobe"), one = (selector) => home.querySelector(selector);
const picker = one(".picker"), search = one("input[type=search]"), choice = one(".choice"), list = one(".chosen"), file = one("input[type=file]");
const MOST = 8, SHOWN = 60, PLACES = { lora: "loras", "textual-inversion": "embeddings", controlnet: "controlnets", "ip-adapter": "ip-adapters", vae: "vae" };
let chosen = [], waiting = null, offers = [], seen = "";

function make(tag, className, text, more = {}) { return Object.assign(document.createElement(tag), { className, ...(text === undefined ? {} : { textContent: text }), ...more }); }
function wrong(text) { one(".wrong").textContent = text || ""; one(".wrong").hidden = !text; }
function offer(entry) { return offers.find(({ kind, name }) => kind === entry.kind && name === entry.name); }
function weighted(kind) { return kind in props.ranges; }
function pictured(kind) { return props.pictured.includes(kind); }

function keep() { // the form's draft is kept a moment after its last event
  props.value = chosen.map((entry) => ({ ...entry }));
  trigger("input");
  home.dispatchEvent(new Event("input", { bubbles: true }));
}

// Choosing ----------------------------------------------------------------------------------------------------
function offered() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const free = offers.filter((each) => pictured(each.kind) || !chosen.some(({ kind, name }) => kind === each.kind && name === each.name));
  return free.filter(({ kind, name }) => words.every((word) => `${name} ${props.titles[kind]}`.toLowerCase().includes(word)));
}
function browse() {
  const found = offered();
  choice.replaceChildren(...found.slice(0, SHOWN).map((each) => {
    const item = make("li", ""), button = make("button", "", undefined, { type: "button" });
    button.append(make("span", "name", each.name), make("small", "", props.titles[each.kind]));
    button.addEventListener("click", () => add(each));
    item.append(button);
    return item;
  }));
  const none = one(".none"), places = props.kinds.map((kind) => PLACES[kind]).join(", ");
  none.textContent = found.length > SHOWN ? `${found.length - SHOWN} more; type to find them.`
    : found.length ? "" : offers.length ? "Nothing of that name fits this model." : `Nothing here fits this model yet. Put files into the folders ${places} of your models folder.`;
  none.hidden = !none.textContent;
}
async function open(shown) {
  picker.hidden = !shown;
  one(".add").setAttribute("aria-expanded", String(shown));
  one(".add").textContent = shown ? "Close" : "Add…";
  if (!shown) return;
  search.value = "";
  browse();
  search.focus();
  const answer = await server.offered(props.model).catch(() => ({}));
  if (answer.offers && answer.model === props.model) learn(answer.offers);
}
function add({ kind, name, preprocessors }) {
  if (chosen.length >= MOST) return wrong(`At most ${MOST} adapters go together. Remove one first.`);
  wrong();
  chosen.push({ kind, name, weight: kind === "lora" ? 0.8 : 1, image: null, preprocessor: preprocessors[0] || "", start: 0, end: 1, src: "" });
  open(false);
  show();
  keep();
  list.lastElementChild?.querySelector("input, button")?.focus();
}

// What is chosen ----------------------------------------------------------------------------------------------
function show() {
  home.hidden = !props.kinds?.length; // a tab that was never seen may get its values after its script
  list.replaceChildren(...chosen.map(row));
  if (!picker.hidden) browse();
}
function row(entry) {
  const known = offer(entry), item = make("li", ""), line = make("div", "line");
  item.dataset.adapter = entry.name;
  const remove = make("button", "remove", "×", { type: "button", ariaLabel: `Remove ${entry.name}`, title: "Remove" });
  remove.addEventListener("click", () => { chosen.splice(chosen.indexOf(entry), 1); show(); keep(); one(".add").focus(); });
  line.append(make("b", "", entry.name, { title: entry.name }), make("small", "", props.titles[entry.kind]), remove);
  item.append(line);
  if (!known) item.append(make("p", "misfit", "Not here, or made for other models: remove it, or choose another model."));
  if (weighted(entry.kind)) item.append(weight(entry));
  if (known?.triggers.length && (entry.kind === "lora" || entry.kind === "textual-inversion")) item.append(chips(known.triggers));
  if (pictured(entry.kind)) item.append(look(entry, known));
  return item;
}
function weight(entry) {
  const [low, high] = props.ranges[entry.kind], box = make("div", "weight");
  const common = { min: low, max: high, step: 0.05, value: entry.weight };
  const range = make("input", "", undefined, { type: "range", ...common, ariaLabel: `Weight of ${entry.name}` });
  const number = make("input", "", undefined, { type: "number", ...common, ariaLabel: `Weight of ${entry.name} as a number` });
  const take = (from, to) => (event) => {
    event.stopPropagation();
    const value = Number(from.value);
    if (from.value === "" || Number.isNaN(value)) return;
    entry.weight = to.value = value;
    keep();
  };
  range.addEventListener("input", take(range, number));
  number.addEventListener("input", take(number, range));
  box.append(range, number);
  return box;
}
function chips(words) {
  const box = make("div", "chips", undefined, { role: "group", ariaLabel: "Words that call it up" });
  for (const word of words) {
    const chip = make("button", "", word, { type: "button", title: `Add “${word}” to the prompt` });
    chip.addEventListener("click", () => say(word));
    box.append(chip);
  }
  return box;
}
function say(word) {
  const prompt = document.querySelector(`#${props.tab}-prompt textarea`), text = prompt.value.trim();
  if (text.toLowerCase().split(/\s*,\s*/).includes(word.toLowerCase())) return;
  prompt.value = text ? `${text.replace(/,$/, "")}, ${word}` : word;
  prompt.dispatchEvent(new Event("input", { bubbles: true }));
}

// Pictures ----------------------------------------------------------------------------------------------------
function look(entry, known) {
  const box = make("div", "look"), well = make("button", "well", undefined, { type: "button" });
  well.setAttribute("aria-label", entry.image ? `Picture of ${entry.name}: ${entry.image.name || "chosen"}. Choose another` : `Choose a picture for ${entry.name}`);
  well.append(entry.src ? make("img", "", undefined, { src: entry.src, alt: "" }) : make("span", "", entry.image ? "The picture is gone" : "Choose or drop a picture"));
  well.addEventListener("click", () => { waiting = entry; file.value = ""; file.click(); });
  well.addEventListener("dragover", (event) => { event.preventDefault(); well.dataset.over = ""; });
  well.addEventListener("dragleave", () => delete well.dataset.over);
  well.addEventListener("drop", (event) => { event.preventDefault(); event.stopPropagation(); delete well.dataset.over; take(entry, event.dataTransfer.files[0]); });
  box.append(well);
  if (entry.kind !== "controlnet") return box;
  const made = make("div", "made"), select = make("select", "", undefined, { ariaLabel: `Preprocessor of ${entry.name}` });
  const ways = [...(known?.preprocessors || []), ""];
  if (!ways.includes(entry.preprocessor)) ways.push(entry.preprocessor);
  select.append(...ways.map((way) => make("option", "", way || "as it is", { value: way, selected: way === entry.preprocessor })));
  select.addEventListener("input", (event) => { event.stopPropagation(); entry.preprocessor = select.value; keep(); develop(entry, made); });
  box.append(made);
  const side = make("div", "way");
  side.append(make("span", "", "Make of it"), select);
  const whole = make("div", "steering");
  whole.append(box, side);
  develop(entry, made);
  return whole;
}
async function develop(entry, place) {
  place.replaceChildren();
  place.hidden = true;
  if (!entry.image || !entry.preprocessor) return;
  const answer = await server.look({ image: entry.image, preprocessor: entry.preprocessor }).catch(() => ({ note: "" }));
  place.hidden = false;
  if (answer.src) place.replaceChildren(make("img", "", undefined, { src: answer.src, alt: `${entry.preprocessor} of the picture` }));
  else place.replaceChildren(make("span", "", answer.problem || answer.note || ""));
}
async function take(entry, picked) {
  if (!picked) return;
  if (picked.type && !picked.type.startsWith("image/")) return wrong("That is no picture. Use PNG, JPEG or WebP.");
  wrong();
  try {
    const answer = await server.take({ path: (await upload(picked)).path, name: picked.name });
    if (answer.problem) return wrong(answer.problem);
    Object.assign(entry, { image: answer.image, src: answer.src });
    show();
    keep();
  } catch { wrong("The studio does not answer. Is it still running?"); }
}

one(".add").addEventListener("click", () => open(picker.hidden));
search.addEventListener("input", (event) => { event.stopPropagation(); browse(); });
picker.addEventListener("keydown", (event) => { if (event.key === "Escape") { open(false); one(".add").focus(); } });
file.addEventListener("change", (event) => { event.stopPropagation(); if (waiting) take(waiting, file.files[0]); });
function learn(found = []) { // drawn anew only if something is different: a weight may be in the hand
  const now = JSON.stringify([props.model, props.kinds, found]);
  if (now === seen) return;
  [seen, offers] = [now, found];
  show();
}
function renew() { chosen = (Array.isArray(props.worn) ? props.worn : []).map((entry) => ({ ...entry })); seen = ""; learn(props.offers); }
watch("turn", renew);
watch("offers", () => learn(props.offers));
renew();
