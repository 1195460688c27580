// The easel's toolbar, keys, drop zone and frame; goes on from easel.js.
const ICONS = {
  brush: "M4 20c3 0 4-1.5 4-3.5L18.5 6a2 2 0 0 0-2.800-2.800L5.5 13.5C3.5 13.5 2.5 15 2.5 18", eraser: "m7 20-4-4 10-11 6 6-8 9zM11 20h9",
  undo: "M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3", redo: "m16 5 4 4-4 4M20 9H10a5 5 0 0 0 0 10h3", clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  invert: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18", hide: "M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  up: "M12 16V5m-4 4 4-4 4 4M5 19h14", down: "M12 5v11m-4-4 4 4 4-4M5 19h14", out: "M5 12h14", in: "M5 12h14M12 5v14", fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
};
const icon = (path) => `<svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${path}"/></svg>`;
const button = (id, label, key = "") => `<button type="button" data-tool="${id}" aria-label="${label}" title="${label}${key && ` (${key})`}">${icon(ICONS[id])}</button>`;
const SWATCHES = ["#1c1c1f", "#ffffff", "#d94f3d", "#f4d35e", "#4c9f70", "#4a7bd0"];
const group = (...parts) => `<div class="gang">${parts.join("")}</div>`;
const views = group(button("out", "Zoom out", "−"), button("in", "Zoom in", "+"), button("fit", "Fit", "0"));
const toolbar = mode === "frame" ? "" : [
  group(button("brush", "Brush", "B"), button("eraser", "Eraser", "E")),
  `<label class="slide"><span>Size</span><input type="range" data-slide="size" min="1" max="512" aria-label="Brush size" title="Brush size ([ and ])"></label>`,
  `<label class="slide"><span>Soft</span><input type="range" data-slide="soft" min="0" max="100" value="0" aria-label="Softness of the brush" title="Softness of the brush"></label>`,
  mode === "sketch" ? group(`<input type="color" aria-label="Colour" title="Colour" value="${colour}">`, ...SWATCHES.map((each) => `<button type="button" class="swatch" data-colour="${each}" style="background:${each}" aria-label="Colour ${each}"></button>`)) : "",
  group(button("undo", "Undo", "Ctrl+Z"), button("redo", "Redo", "Ctrl+Shift+Z"), button("clear", mode === "mask" ? "Clear the mask" : "Clear the sketch")),
  mode === "mask" ? group(button("invert", "Invert", "I"), button("hide", "Show or hide the mask", "H"), button("up", "Load a mask"), button("down", "Save the mask")) : group(button("hide", "Show or hide the sketch", "H")),
].join("");
one(".kit").innerHTML = toolbar;
one(".views").innerHTML = views;
one("[data-tool=folder]").hidden = mode !== "sketch";
bench.dataset.mode = mode;

function refresh() {
  for (const [id, on] of [["undo", past.length], ["redo", future.length]]) if (one(`[data-tool=${id}]`)) one(`[data-tool=${id}]`).disabled = !on;
  for (const each of bench.querySelectorAll("[data-tool=brush],[data-tool=eraser]")) each.setAttribute("aria-pressed", each.dataset.tool === tool);
  one("[data-tool=hide]")?.setAttribute("aria-pressed", "hidden" in layer.dataset);
  const slide = one("[data-slide=size]");
  if (slide) { slide.max = Math.max(16, Math.round(Math.max(layer.width, layer.height) / 3)); slide.value = size; }
  hover();
}
const acts = {
  file: () => pickFile.click(), folder: () => pickFolder.click(), up: () => pickMask.click(), down: download, invert,
  remove: () => queue(async () => { await show(await server.clear({})); wrong(); changed(); }),
  brush: () => (tool = "brush"), eraser: () => (tool = "eraser"), undo: () => swap(past, future), redo: () => swap(future, past),
  clear: () => { overall(() => pen.clearRect(0, 0, layer.width, layer.height)); say("Cleared"); },
  hide: () => layer.toggleAttribute("data-hidden"), out: () => zoomAt(1 / 1.25), in: () => zoomAt(1.25), fit: () => { fitted = true; fit(); },
};
bench.addEventListener("click", (event) => {
  const { tool: asked, colour: wanted } = event.target.closest("button")?.dataset || {};
  if (wanted) { colour = wanted; one("input[type=color]").value = wanted; tool = "brush"; }
  if (asked) acts[asked]();
  if (asked || wanted) refresh();
});
bench.addEventListener("input", ({ target }) => {
  if (target.dataset.slide === "size") size = Number(target.value);
  if (target.dataset.slide === "soft") soft = Number(target.value) / 100;
  if (target.type === "color") colour = target.value;
  hover();
});
for (const [input, use] of [[pickFile, (files) => take(files)], [pickFolder, (files) => take(files)], [pickMask, ([file]) => file && loadMask(file)]])
  input.addEventListener("change", () => { if (input.files.length) use(input.files); input.value = ""; });

const shown = () => element.isConnected && bench.offsetParent !== null;
const typing = (target) => target.closest?.("input:not([type=range], [type=color]), textarea, select, [contenteditable], dialog");
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (!shown() || !files.length) return;
  event.preventDefault();
  take(files);
});
for (const kind of ["dragover", "dragleave", "drop"]) bench.addEventListener(kind, (event) => {
  event.preventDefault();
  bench.toggleAttribute("data-over", kind === "dragover");
  if (kind === "drop" && event.dataTransfer.files.length) take(event.dataTransfer.files);
});
const keys = { b: "brush", e: "eraser", i: "invert", h: "hide", 0: "fit", "+": "in", "=": "in", "-": "out" };
const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
document.addEventListener("keydown", (event) => {
  if (!shown() || typing(event.target) || bench.dataset.state !== "one") return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, focused = document.activeElement === view;
  if ((event.ctrlKey || event.metaKey) && key === "z" && mode !== "frame") acts[event.shiftKey ? "redo" : "undo"]();
  else if ((event.ctrlKey || event.metaKey) && key === "y" && mode !== "frame") acts.redo();
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (keys[key] && one(`[data-tool=${keys[key]}]`)) acts[keys[key]]();
  else if ("[]".includes(key) && mode !== "frame") size = Math.max(1, Math.round(key === "[" ? size / 1.2 - 1 : size * 1.2 + 1));
  else if (focused && moves[key] && paints()) step(moves[key], event.shiftKey);
  else if (focused && key === " " && cursor) dab();
  else if (focused && key === " ") held = true;
  else return;
  event.preventDefault();
  refresh();
});
document.addEventListener("keyup", (event) => { if (event.key === " ") held = false; });
function step([x, y], fast) {
  const far = fast ? size : Math.max(1, size / 8);
  cursor = cursor || { x: layer.width / 2, y: layer.height / 2 };
  cursor = { x: Math.min(layer.width, Math.max(0, cursor.x + x * far)), y: Math.min(layer.height, Math.max(0, cursor.y + y * far)) };
  hover();
}

// The frame of an outpaint --------------------------------------------------------------------------------------
const HANDLES = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1], "left up": [-1, -1], "right up": [1, -1], "left down": [-1, 1], "right down": [1, 1] };
const EXTENDING = { left: "Extend left", right: "Extend right", up: "Extend up", down: "Extend down", "left up": "Extend left and up", "right up": "Extend right and up", "left down": "Extend left and down", "right down": "Extend right and down" };
const handles = one(".handles");
if (mode === "frame") {
  handles.hidden = false;
  handles.innerHTML = Object.keys(HANDLES).map((sides) => `<button type="button" class="handle" data-sides="${sides}" aria-label="${EXTENDING[sides]}"><b></b></button>`).join("") + '<output></output>';
}
function placeHandles() {
  const { width, height } = whole(), box = { x: origin.x, y: origin.y, w: width * zoom, h: height * zoom };
  for (const handle of handles.querySelectorAll(".handle")) {
    const sides = handle.dataset.sides, [x, y] = HANDLES[sides];
    Object.assign(handle.style, { left: `${box.x + (box.w * (x + 1)) / 2}px`, top: `${box.y + (box.h * (y + 1)) / 2}px` });
    if (!sides.includes(" ")) handle.firstChild.textContent = frame[sides] ? `+${frame[sides]}` : "";
  }
  const size = handles.querySelector("output");
  if (size) size.textContent = pictures.length ? `${width} × ${height}${note ? ` · ${note}` : ""}` : "";
}
function extend(sides, x, y) { // pixels outwards
  for (const side of sides.split(" ")) frame[side] = Math.min(MAX_MARGIN, Math.max(0, Math.round(side === "left" ? -x : side === "right" ? x : side === "up" ? -y : y)));
}
const told = () => trigger("input", { left: frame.left, right: frame.right, up: frame.up, down: frame.down });
handles.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest(".handle");
  if (!handle) return;
  handle.setPointerCapture(event.pointerId);
  const start = { x: event.clientX, y: event.clientY, ...frame }, sides = handle.dataset.sides, was = { ...origin };
  const drag = (move) => {
    const x = (move.clientX - start.x) / zoom, y = (move.clientY - start.y) / zoom, snap = move.shiftKey ? 1 : 8;
    const base = { x: sides.includes("left") ? -start.left : start.right, y: sides.includes("up") ? -start.up : start.down };
    extend(sides, Math.round((base.x + x) / snap) * snap, Math.round((base.y + y) / snap) * snap);
    origin = { x: was.x - (frame.left - start.left) * zoom, y: was.y - (frame.up - start.up) * zoom };
    note = "";
    place();
  };
  const done = () => { handle.removeEventListener("pointermove", drag); fitted = true; fit(); told(); };
  handle.addEventListener("pointermove", drag);
  for (const kind of ["pointerup", "pointercancel"]) handle.addEventListener(kind, done, { once: true });
});
let telling = 0;
handles.addEventListener("keydown", (event) => {
  const sides = event.target.closest(".handle")?.dataset.sides, move = moves[event.key];
  if (!sides || !move) return;
  event.preventDefault();
  const far = event.shiftKey ? 64 : 8;
  const x = (sides.includes("left") ? -frame.left : frame.right) + move[0] * far, y = (sides.includes("up") ? -frame.up : frame.down) + move[1] * far;
  for (const side of sides.split(" ")) if (["left", "right"].includes(side) ? move[0] : move[1]) extend(side, x, y);
  fitted = true;
  fit();
  clearTimeout(telling);
  telling = setTimeout(told, 300);
});

// ------------------------------------------------------------------------------------------------------------------
window.easels = { ...window.easels, [name]: { name, flush, image: () => pictures[0] || null } };
watch("turn", () => queue(() => show(props)));
watch("frame", () => {
  const { left = 0, right = 0, up = 0, down = 0, note: said = "" } = props.frame || {};
  [frame, note, fitted] = [{ left, right, up, down }, said, true];
  fit();
});
queue(() => show(props));
