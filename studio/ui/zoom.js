// Zoom and pan that all panes share, in parts of a pane, so that the same place of every picture stays in sight.
function linked(box, changed) {
  const view = { scale: 1, x: 0, y: 0 }, pointers = new Map(), MOST = 40;
  let pinch = 0;
  const pane = () => box.querySelector(".pane") || box;
  const within = (value) => Math.max(-(view.scale - 1) / 2 - 0.25, Math.min((view.scale - 1) / 2 + 0.25, value));
  function put() {
    view.scale = Math.max(1, Math.min(MOST, view.scale));
    if (view.scale === 1) view.x = view.y = 0;
    view.x = within(view.x);
    view.y = within(view.y);
    box.style.setProperty("--zoom", `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.scale})`);
    box.toggleAttribute("data-close", view.scale > 4);
    box.toggleAttribute("data-zoomed", view.scale > 1); // until then a finger scrolls the page
    changed(view);
  }
  function zoom(factor, at = { x: 0, y: 0 }) {
    const before = view.scale;
    view.scale = Math.max(1, Math.min(MOST, before * factor));
    view.x = at.x - ((at.x - view.x) * view.scale) / before;
    view.y = at.y - ((at.y - view.y) * view.scale) / before;
    put();
  }
  function move(x, y) { view.x += x; view.y += y; put(); }
  function fit() { Object.assign(view, { scale: 1, x: 0, y: 0 }); put(); }
  function place(event) { // of the pointer in the pane that it is over, from its middle
    const rect = (event.target.closest?.(".pane") || pane()).getBoundingClientRect();
    return { x: (event.clientX - rect.left) / rect.width - 0.5, y: (event.clientY - rect.top) / rect.height - 0.5 };
  }
  box.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), place(event));
  }, { passive: false });
  box.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, [data-cut]") || event.button) return;
    box.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    pinch = 0;
  });
  box.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const rect = pane().getBoundingClientRect();
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    move((event.clientX - before.x) / rect.width / pointers.size, (event.clientY - before.y) / rect.height / pointers.size);
    if (pointers.size !== 2) return;
    const [one, other] = [...pointers.values()], apart = Math.hypot(one.x - other.x, one.y - other.y);
    const middle = { x: ((one.x + other.x) / 2 - rect.left) / rect.width - 0.5, y: ((one.y + other.y) / 2 - rect.top) / rect.height - 0.5 };
    if (pinch) zoom(apart / pinch, middle);
    pinch = apart;
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) box.addEventListener(end, (event) => { pointers.delete(event.pointerId); pinch = 0; });
  box.addEventListener("dblclick", (event) => (view.scale > 1 ? fit() : zoom(3, place(event))));
  const keys = {
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit,
    ArrowLeft: () => move(0.1, 0), ArrowRight: () => move(-0.1, 0), ArrowUp: () => move(0, 0.1), ArrowDown: () => move(0, -0.1),
  };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input") || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  return { view, zoom, fit, set: (scale) => zoom(scale / view.scale) };
}
