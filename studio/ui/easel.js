// The easel: choose a picture, paint a mask or a sketch on it, or drag the frame of an outpaint.
// Gradio calls this once, with: element, props, trigger, watch, upload, server. The layer's alpha is the mask.
const { name, mode } = props;
const MAX_SIDE = 4096, SAVE_AFTER = 250, MEMORY = 256e6, MASK = "#5b6cf0", MAX_MARGIN = 16384;
const bench = element.querySelector(".bench"), one = (selector) => bench.querySelector(selector);
const view = one(".view"), paper = one(".sheet-of-paper"), image = one("img.picture"), layer = one("canvas.layer"), ring = one(".ring");
const pen = layer.getContext("2d", { willReadFrequently: true });
const [pickFile, pickFolder, pickMask] = bench.querySelectorAll("input[type=file]");
let pictures = [], frame = { left: 0, right: 0, up: 0, down: 0 }, note = "";
let zoom = 1, origin = { x: 0, y: 0 }, fitted = true;
let tool = "brush", size = 48, soft = 0, colour = mode === "mask" ? MASK : "#d94f3d", cursor = null;
let past = [], future = [], dirty = false, timer = 0, busy = Promise.resolve();

// Talking to the studio ------------------------------------------------------------------------------------
function say(text) { one(".unseen").textContent = text; }
function wrong(...sentences) {
  const box = one(".wrong"), texts = sentences.filter(Boolean);
  box.textContent = texts.slice(0, 4).join(" ") + (texts.length > 4 ? ` And ${texts.length - 4} more.` : "");
  box.hidden = !texts.length;
}
function queue(work) { busy = busy.then(work).catch(() => wrong("The studio does not answer. Is it still running?")); return busy; }

async function send() {
  clearTimeout(timer);
  if (!dirty) return;
  dirty = false;
  const blob = await new Promise((done) => layer.toBlob(done, "image/png"));
  const data = await new Promise((done) => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(blob); });
  const answer = await server.paint(data);
  wrong(answer?.problem);
}
function touched() {
  dirty = true;
  clearTimeout(timer);
  timer = setTimeout(() => queue(send), SAVE_AFTER);
  refresh();
}
async function flush() { if (dirty) queue(send); await busy; }

function take(files) {
  const chosen = [...files].filter((file) => !file.type || file.type.startsWith("image/")).slice(0, mode === "sketch" ? 500 : 1);
  if (!chosen.length) return wrong("That is no picture. Use PNG, JPEG or WebP.");
  bench.dataset.state = "loading";
  queue(async () => {
    const paths = [];
    for (const [index, file] of chosen.entries()) {
      say(chosen.length > 1 ? `Reading ${index + 1} of ${chosen.length}` : "Reading the picture");
      paths.push((await upload(file)).path);
    }
    const answer = await server.take({ paths, names: chosen.map((file) => file.name) });
    await show(answer);
    wrong(...(answer.problems || []));
    if (pictures.length) changed();
  });
}
function changed() {
  const [first] = pictures;
  trigger("change", first ? { width: first.width, height: first.height, name: first.name, count: pictures.length } : { count: 0 });
}

// Showing -----------------------------------------------------------------------------------------------------
async function show({ pictures: found = [], layer: painted = "" }) {
  clearTimeout(timer);
  [pictures, dirty, past, future, cursor] = [found, false, [], [], null];
  const [first] = pictures;
  bench.dataset.state = pictures.length > 1 ? "many" : first ? (first.src ? "one" : "gone") : "empty";
  one(".title").textContent = first ? (pictures.length > 1 ? `${pictures.length} pictures` : `${first.name || "picture"} · ${first.width} × ${first.height}`) : "";
  one(".many").hidden = pictures.length < 2;
  one(".many").replaceChildren(...(pictures.length > 1 ? pictures.slice(0, 60).map(thumb) : []));
  image.removeAttribute("src");
  if (pictures.length === 1 && first.src) {
    const scale = mode === "frame" ? 1 : Math.min(1, MAX_SIDE / Math.max(first.width, first.height));
    [layer.width, layer.height] = mode === "frame" ? [1, 1] : [Math.max(1, Math.round(first.width * scale)), Math.max(1, Math.round(first.height * scale))];
    size = Math.max(4, Math.round(Math.max(layer.width, layer.height) / 12));
    image.src = first.src;
    await image.decode().catch(() => wrong("The browser cannot show this picture."));
    if (painted) await stamp(painted);
  }
  fitted = true;
  fit();
  refresh();
}
function thumb({ src, name: title }) {
  const small = new Image();
  return Object.assign(small, { src, alt: title, title, loading: "lazy" });
}
async function stamp(source) {
  const painted = new Image();
  painted.src = source;
  await painted.decode();
  pen.clearRect(0, 0, layer.width, layer.height);
  pen.drawImage(painted, 0, 0, layer.width, layer.height);
  if (mode === "mask") tint();
}
function tint() {
  pen.globalCompositeOperation = "source-in";
  pen.fillStyle = MASK;
  pen.fillRect(0, 0, layer.width, layer.height);
  pen.globalCompositeOperation = "source-over";
}

function whole() { // what has to fit into the view, in layer or picture pixels
  const [first] = pictures;
  if (!first) return { width: 1, height: 1 };
  if (mode !== "frame") return { width: layer.width, height: layer.height };
  return { width: first.width + frame.left + frame.right, height: first.height + frame.up + frame.down };
}
function fit() {
  const { width, height } = whole(), room = mode === "frame" ? 96 : 24;
  if (fitted) zoom = Math.min((view.clientWidth - room) / width, (view.clientHeight - room) / height, 16);
  if (!(zoom > 0)) zoom = 0.01;
  if (fitted) origin = { x: (view.clientWidth - width * zoom) / 2, y: (view.clientHeight - height * zoom) / 2 };
  place();
}
function place() {
  const { width, height } = whole(), [first] = pictures;
  Object.assign(paper.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${origin.x}px,${origin.y}px) scale(${zoom})` });
  if (first) {
    const [w, h] = mode === "frame" ? [first.width, first.height] : [width, height];
    Object.assign(image.style, { left: `${frame.left}px`, top: `${frame.up}px`, width: `${w}px`, height: `${h}px`, imageRendering: zoom > 3 ? "pixelated" : "auto" });
  }
  if (mode === "frame") placeHandles();
  hover();
}
function zoomAt(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const next = Math.min(32, Math.max(0.02, zoom * factor));
  origin = { x: x - ((x - origin.x) * next) / zoom, y: y - ((y - origin.y) * next) / zoom };
  zoom = next;
  fitted = false;
  place();
}
new ResizeObserver(() => (fitted ? fit() : place())).observe(view);

// Painting ----------------------------------------------------------------------------------------------------
function spot(event) {
  const box = layer.getBoundingClientRect();
  return { x: ((event.clientX - box.left) / box.width) * layer.width, y: ((event.clientY - box.top) / box.height) * layer.height };
}
let stroke = null; // { erase, before: canvas, box: [l,t,r,b], last }
function begin(point, erase) {
  const before = document.createElement("canvas");
  [before.width, before.height] = [layer.width, layer.height];
  before.getContext("2d").drawImage(layer, 0, 0);
  stroke = { erase, before, box: [Infinity, Infinity, -Infinity, -Infinity], last: point };
}
function draw(point, width) {
  const { last, erase, box } = stroke, reach = width / 2 + 2;
  for (const { x, y } of [last, point]) {
    box[0] = Math.min(box[0], x - reach); box[1] = Math.min(box[1], y - reach);
    box[2] = Math.max(box[2], x + reach); box[3] = Math.max(box[3], y + reach);
  }
  pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
  if (soft) dabs(last, point, width);
  else {
    Object.assign(pen, { strokeStyle: colour, lineWidth: width, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    pen.moveTo(last.x, last.y);
    pen.lineTo(point.x + 0.01, point.y);
    pen.stroke();
  }
  pen.globalCompositeOperation = "source-over";
  stroke.last = point;
}
function dabs(from, to, width) {
  const length = Math.hypot(to.x - from.x, to.y - from.y), steps = Math.max(1, Math.ceil(length / Math.max(1, width / 8)));
  for (let step = 1; step <= steps; step++) {
    const x = from.x + ((to.x - from.x) * step) / steps, y = from.y + ((to.y - from.y) * step) / steps;
    const fade = pen.createRadialGradient(x, y, (width / 2) * (1 - soft), x, y, width / 2);
    fade.addColorStop(0, `${colour}60`);
    fade.addColorStop(1, `${colour}00`);
    pen.fillStyle = fade;
    pen.fillRect(x - width / 2, y - width / 2, width, width);
  }
}
function end() {
  if (!stroke) return;
  const { before, box } = stroke;
  stroke = null;
  const left = Math.max(0, Math.floor(box[0])), top = Math.max(0, Math.floor(box[1]));
  const width = Math.min(layer.width, Math.ceil(box[2])) - left, height = Math.min(layer.height, Math.ceil(box[3])) - top;
  if (width > 0 && height > 0) remember(before.getContext("2d").getImageData(left, top, width, height), left, top);
}
function remember(pixels, x, y) {
  past.push({ pixels, x, y });
  future = [];
  let used = 0;
  for (let index = past.length - 1; index >= 0; index--) {
    used += past[index].pixels.data.length;
    if (used > MEMORY && index < past.length - 1) { past = past.slice(index + 1); break; }
  }
  touched();
}
function swap(from, to) {
  const step = from.pop();
  if (!step) return;
  const { pixels, x, y } = step;
  to.push({ pixels: pen.getImageData(x, y, pixels.width, pixels.height), x, y });
  pen.putImageData(pixels, x, y);
  touched();
}
function overall(change) { // a change of the whole layer, as one step
  const before = pen.getImageData(0, 0, layer.width, layer.height);
  change();
  remember(before, 0, 0);
}
function invert() {
  overall(() => {
    const pixels = pen.getImageData(0, 0, layer.width, layer.height), { data } = pixels;
    for (let index = 3; index < data.length; index += 4) data[index] = 255 - data[index];
    pen.putImageData(pixels, 0, 0);
    tint();
  });
  say("Inverted");
}
function download() {
  const file = document.createElement("canvas"), [first] = pictures;
  [file.width, file.height] = [first.width, first.height];
  const context = file.getContext("2d");
  context.drawImage(layer, 0, 0, file.width, file.height);
  if (mode === "mask") {
    context.globalCompositeOperation = "source-in";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, file.width, file.height);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, file.width, file.height);
  }
  const link = document.createElement("a");
  file.toBlob((blob) => { link.href = URL.createObjectURL(blob); link.download = `${mode}.png`; link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 5000); });
}
function loadMask(file) {
  queue(async () => {
    const answer = await server.mask_in((await upload(file)).path);
    wrong(answer.problem);
    if (!answer.layer) return;
    const before = pen.getImageData(0, 0, layer.width, layer.height);
    await stamp(answer.layer);
    remember(before, 0, 0);
  });
}

// Pointers ------------------------------------------------------------------------------------------------------
const fingers = new Map();
let panning = null, held = false;
const paints = () => bench.dataset.state === "one" && mode !== "frame";
const strength = (event) => (event.pointerType === "pen" && event.pressure ? 0.3 + 0.9 * event.pressure : 1);
view.addEventListener("pointerdown", (event) => {
  if (bench.dataset.state !== "one") return;
  view.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, event);
  cursor = null;
  if (fingers.size === 2) { cancelStroke(); panning = pinch(); return; }
  if (event.button === 1 || held || mode === "frame") { panning = { x: event.clientX, y: event.clientY, origin: { ...origin } }; return; }
  if (!paints() || event.button > 2) return;
  view.focus({ preventScroll: true });
  const point = spot(event);
  begin(point, tool === "eraser" || event.button === 2);
  draw(point, size * strength(event));
});
view.addEventListener("pointermove", (event) => {
  if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
  if (panning) return pan(event);
  if (stroke) for (const each of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) draw(spot(each), size * strength(each));
  hover(event);
});
for (const kind of ["pointerup", "pointercancel"]) view.addEventListener(kind, (event) => {
  fingers.delete(event.pointerId);
  if (panning && !fingers.size) panning = null;
  end();
});
view.addEventListener("pointerleave", () => { if (!cursor) ring.hidden = true; });
view.addEventListener("contextmenu", (event) => event.preventDefault());
view.addEventListener("dblclick", (event) => { if (mode === "frame") { fitted = true; fit(); } event.preventDefault(); });
view.addEventListener("wheel", (event) => {
  if (bench.dataset.state !== "one" || !(event.ctrlKey || event.metaKey || document.activeElement === view)) return;
  event.preventDefault();
  const box = view.getBoundingClientRect();
  zoomAt(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
function cancelStroke() {
  if (!stroke) return;
  pen.clearRect(0, 0, layer.width, layer.height);
  pen.drawImage(stroke.before, 0, 0);
  stroke = null;
}
function pinch() {
  const [a, b] = [...fingers.values()], box = view.getBoundingClientRect();
  return { two: true, gap: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), zoom, origin: { ...origin }, x: (a.clientX + b.clientX) / 2 - box.left, y: (a.clientY + b.clientY) / 2 - box.top };
}
function pan(event) {
  fitted = false;
  if (!panning.two) origin = { x: panning.origin.x + event.clientX - panning.x, y: panning.origin.y + event.clientY - panning.y };
  else if (fingers.size === 2) {
    const now = pinch(), factor = now.gap / panning.gap;
    zoom = Math.min(32, Math.max(0.02, panning.zoom * factor));
    origin = { x: now.x - ((panning.x - panning.origin.x) * zoom) / panning.zoom, y: now.y - ((panning.y - panning.origin.y) * zoom) / panning.zoom };
  }
  place();
}
function hover(event) {
  if (!paints()) return (ring.hidden = true);
  const point = event ? spot(event) : cursor;
  if (!point) return;
  ring.hidden = event?.pointerType === "touch";
  Object.assign(ring.style, { left: `${point.x}px`, top: `${point.y}px`, width: `${size}px`, height: `${size}px`, borderWidth: `${1.5 / zoom}px` });
}
function dab() {
  begin(cursor, tool === "eraser");
  draw(cursor, size);
  end();
  say(`${tool === "eraser" ? "Erased" : "Painted"} at ${Math.round(cursor.x)}, ${Math.round(cursor.y)}`);
}
