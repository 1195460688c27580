// The comparing page: which pictures, shown how. Gradio calls this once, with: element, server. Texts are never HTML here.
const root = element.querySelector(".versus"), panes = root.querySelector(".panes"), desk = document.querySelector(".desk");
const part = (name) => document.querySelector(`#compare [data-part=${name}], #compare-choose [data-part=${name}]`);
const open = () => desk?.dataset.tab === "compare", LETTERS = "ABCD", MOST = 4;
let chosen = [], pictures = [], differences = [], recent = [], mode = "side", measures = {}, timer = 0, known = false;

const make = (tag, properties = {}, ...children) => {
  const { data = {}, ...plain } = properties, node = Object.assign(document.createElement(tag), plain);
  Object.assign(node.dataset, data);
  node.append(...children);
  return node;
};
const once = (box, key, draw) => { // redraws only what has changed
  const now = JSON.stringify(key);
  if (!box || box.drawn === now) return;
  box.drawn = now;
  const held = document.activeElement, mark = box.contains(held) ? held.dataset.toggle || held.dataset.drop || held.dataset.first : null;
  box.replaceChildren(...draw());
  if (mark) [...box.querySelectorAll("button")].find((button) => mark === (button.dataset.toggle || button.dataset.drop || button.dataset.first))?.focus({ preventScroll: true });
};
const zoom = linked(panes, ({ scale }) => (root.querySelector(".zoom output").textContent = scale > 1 ? `${Math.round(scale * 100)} %` : "Fit"));

async function look(ids) {
  clearTimeout(timer);
  const told = await server.compare_look(ids ? { ids } : {}).catch(() => null);
  if (told) {
    ({ pictures, differences, recent } = told);
    chosen = pictures.map(({ id }) => id);
    known = true;
    if (chosen.length < 2 && mode !== "side") mode = "side";
    draw();
  }
  if (open()) timer = setTimeout(() => open() && !document.hidden && look(), recent.some(({ thumb }) => !thumb) ? 700 : 6000);
}

window.compare = (ids) => { // from the library: these and no others
  document.getElementById("tab-compare-button")?.click();
  look(ids);
};
function toggle(id) {
  if (!known) return look().then(() => known && toggle(id));
  const ids = chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id].slice(-MOST);
  chosen = ids;
  return look(ids);
}

function draw() {
  root.dataset.count = pictures.length;
  root.dataset.mode = mode;
  for (const button of root.querySelectorAll(".switch button")) {
    button.setAttribute("aria-pressed", button.dataset.mode === mode);
    button.disabled = button.dataset.mode !== "side" && pictures.length < 2;
  }
  once(panes, [mode, pictures, mode === "heat" ? measures[pair()] : 0], () => (!pictures.length ? [] : { side, slider, heat }[mode]()));
  said();
  choosing();
}

const label = (number) => make("span", { className: "letter", textContent: LETTERS[number] });
function image({ src, alt, width, height }) {
  if (!src) return make("p", { className: "gone", textContent: "The file of this picture is gone." });
  const shown = make("img", { src, alt: alt || "", draggable: false });
  shown.style.setProperty("--w", width);
  shown.style.setProperty("--h", height);
  return make("div", { className: "look" }, shown);
}
const side = () => pictures.map((picture, number) => make("figure", { className: "pane" }, image(picture), label(number)));

function slider() {
  const [one, other] = pictures, pane = make("figure", { className: "pane cut" });
  const range = make("input", { type: "range", min: 0, max: 100, step: 0.5, value: 50, ariaLabel: "Where picture A ends and picture B begins" });
  const handle = make("i", { data: { cut: "" } }), cut = (value) => { range.value = value; pane.style.setProperty("--cut", `${range.value}%`); };
  pane.append(make("div", { className: "half under" }, image(one)), make("div", { className: "half over" }, image(other)), handle, label(0), label(1), range);
  cut(50);
  range.addEventListener("input", () => cut(range.value));
  const drag = (event) => { const box = pane.getBoundingClientRect(); cut(((event.clientX - box.left) / box.width) * 100); };
  handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); range.focus({ preventScroll: true }); event.preventDefault(); });
  handle.addEventListener("pointermove", (event) => event.buttons && drag(event));
  return [pane];
}

const pair = () => `${chosen[0]} ${chosen[1]}`;
async function measure() {
  const key = pair();
  if (pictures.length < 2 || measures[key]) return;
  measures[key] = { sentence: "Measuring …" };
  said();
  const [one, other] = key.split(" ");
  measures[key] = await server.compare_measure({ one, other }).catch(() => ({ problem: "The studio does not answer. Start it again." }));
  if (measures[key].problem?.startsWith("The studio")) { const told = measures[key]; delete measures[key]; part("said").textContent = told.problem; return; }
  draw();
}
function heat() {
  const told = measures[pair()];
  if (!told?.src) return [make("figure", { className: "pane" }, make("p", { className: "gone", textContent: told?.problem || "Measuring …" }))];
  return [make("figure", { className: "pane" }, image({ ...pictures[0], src: told.src, alt: "Where the two pictures differ: dark is equal, bright is far apart" }))];
}

function said() {
  const told = pictures.length > 1 ? measures[pair()] : null;
  if (pictures.length > 1 && !told) return void measure();
  part("said").textContent = told ? `A and B: ${told.problem || told.sentence}${mode === "heat" && told.src ? " Dark is equal, bright is far apart." : ""}` : "";
  part("said").title = part("said").textContent;
}

// The list on the left: it is not there before the tab was opened once -------------------------------------------------
function choosing() {
  if (!part("chosen")) return;
  once(part("chosen"), pictures, () => pictures.map((picture, number) => make("li", {},
    make("button", { type: "button", className: "first", data: { first: picture.id }, ariaLabel: `Make ${LETTERS[number]} the first: ${picture.alt || picture.name}`, title: "Make it the first" },
      make("span", { className: "letter", textContent: LETTERS[number] }), picture.src ? make("img", { src: recent.find(({ id }) => id === picture.id)?.thumb || picture.src, alt: "" }) : make("i")),
    make("div", {}, make("b", { textContent: picture.prompt || picture.name }), make("small", { textContent: `${picture.width} × ${picture.height} · seed ${picture.seed}` })),
    make("button", { type: "button", className: "icon", data: { drop: picture.id }, ariaLabel: `Take ${LETTERS[number]} out`, textContent: "✕" }))));
  part("hint").hidden = pictures.length > 1;
  part("settings").hidden = pictures.length < 2;
  once(part("differences"), differences, () => differences.flatMap((each, number) => [
    ...(differences.length > 1 || pictures.length > 2 ? [make("h3", { textContent: `A → ${LETTERS[number + 1]}` })] : []), rows(each),
  ]));
  once(part("recent"), [recent, chosen], () => !recent.length ? [make("p", { className: "quiet", textContent: "Your pictures appear here." })] : recent.map(({ id, thumb, alt }) => {
    const place = chosen.indexOf(id), button = make("button", { type: "button", className: "tile", data: { toggle: id }, ariaLabel: alt, title: alt, ariaPressed: String(place >= 0) });
    if (thumb) button.append(make("img", { src: thumb, alt: "", loading: "lazy" }));
    if (place >= 0) button.append(label(place));
    return button;
  }));
}

function rows({ rows: told, around }) {
  const list = make("dl");
  for (const { name, before, after, added, removed } of told) {
    const value = make("dd");
    if (added.length || removed.length) value.append(...added.map((text) => make("ins", { textContent: text })), ...removed.map((text) => make("del", { textContent: text })));
    else value.append(make("span", { textContent: before }), " → ", make("b", { textContent: after }));
    list.append(make("dt", { textContent: name }), value);
  }
  for (const each of around) { const [name, ...rest] = each.split(": "); list.append(make("dt", { textContent: name }), make("dd", { textContent: rest.join(": ") })); }
  return list.childElementCount ? list : make("p", { className: "quiet", textContent: "Their settings are the same." });
}

// A button over the tile or the picture that the pointer or the focus is on --------------------------------------------
const float = make("div", { className: "over-tile", hidden: true }), over = { node: null };
document.body.append(float);
function hover(node) {
  if (over.node === node) return;
  over.node = node;
  float.hidden = !node;
  if (!node) return;
  const id = node.dataset.picture || node.dataset.of, several = node.dataset.of && document.getElementById("frame").dataset.count > 1;
  float.replaceChildren(
    ...(several ? [make("button", { type: "button", textContent: "More like this", data: { do: "vary", id } })] : []),
    make("button", { type: "button", textContent: "Compare", data: { compare: id } }),
  );
  const box = node.getBoundingClientRect();
  float.style.left = `${box.left + box.width / 2}px`;
  float.style.top = `${box.bottom - 6}px`;
}
const floated = (target) => target.closest?.("#strip .tile:not(.gone), #frame[data-count]:not([data-count='1']) .picture[data-of]");
for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, (event) => {
  if (event.pointerType === "touch" || float.contains(event.target)) return;
  hover(floated(event.target) || null);
});
document.addEventListener("scroll", () => hover(null), true);

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-compare], #compare-choose [data-toggle], #compare-choose [data-drop], #compare-choose [data-first], #compare [data-mode], #compare [data-zoom]");
  if (!button || button === root) return;
  const { compare, toggle: switched, drop, first, mode: wanted, zoom: how } = button.dataset;
  if (compare) { document.getElementById("tab-compare-button")?.click(); hover(null); if (!chosen.includes(compare)) toggle(compare); }
  else if (switched || drop) toggle(switched || drop);
  else if (first) look([first, ...chosen.filter((id) => id !== first)]);
  else if (wanted && button.matches("button")) { mode = wanted; if (mode === "heat") measure(); draw(); }
  else if (how === "in" || how === "out") zoom.zoom(how === "in" ? 1.5 : 1 / 1.5);
  else if (how === "fit") zoom.fit();
  else if (how === "pixels") pixels();
});
document.addEventListener("keydown", (event) => { // the same from the keyboard, on a tile that has the focus
  const tile = document.activeElement?.closest?.("#strip .tile:not(.gone)");
  if (tile && event.key === "c" && !event.ctrlKey && !event.metaKey) toggle(tile.dataset.picture);
});
function pixels() {
  const pane = panes.querySelector(".pane")?.getBoundingClientRect(), first = pictures[0];
  if (pane && first) zoom.set(Math.max(1, 1 / Math.min(pane.width / first.width, pane.height / first.height) / devicePixelRatio));
}
new MutationObserver(() => { hover(null); if (open()) look(); }).observe(desk, { attributes: true, attributeFilter: ["data-tab"] });
new MutationObserver(() => open() && choosing()).observe(document.getElementById("forms"), { childList: true, subtree: true });
document.addEventListener("visibilitychange", () => document.hidden || (open() && look()));
if (open()) look();
