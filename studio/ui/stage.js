// What the stage shows: the canvas of an editing tab, the result, before beside after, or the difference.
let onStage = [], shownAs = "result", compareOf = "";
const desk = document.querySelector(".desk");
const tab = () => desk.dataset.tab || "text-to-image";

function stageOf(pictures) { // called with the pictures that the result view shows
  const key = pictures.map(({ id }) => id).join(" ");
  onStage = pictures;
  const edited = pictures.some(({ before }) => before?.src);
  for (const button of document.querySelectorAll("#views [data-show=compare], #views [data-show=difference]")) button.hidden = !edited;
  if (!edited && ["compare", "difference"].includes(shownAs)) show("result");
  else if (key !== compareOf && compared()) { compareOf = key; compare(); }
}
function originalOf({ before: { src }, width, height }) {
  const button = document.createElement("button");
  button.className = "picture original";
  button.dataset.large = src;
  button.ariaLabel = "Look at the original large";
  button.append(framed(src, width, height, "The original"), Object.assign(document.createElement("span"), { textContent: "Original" }));
  return button;
}
const compared = () => ["compare", "difference"].includes(shownAs);

function show(what) {
  const before = shownAs;
  shownAs = what === "canvas" && tab() === "text-to-image" ? "result" : what;
  desk.dataset.show = shownAs;
  for (const button of document.querySelectorAll("#views [data-show]")) button.setAttribute("aria-pressed", button.dataset.show === shownAs);
  $("views-note").textContent = "";
  if (compared()) { compareOf = onStage.map(({ id }) => id).join(" "); compare(); }
  else if (shownAs === "result" && ["compare", "difference"].includes(before)) { compareOf = ""; drawn = ""; draw(onStage, (drawn = onStage.map(({ id }) => id).join(" "))); }
}

async function compare() {
  const picture = onStage.find(({ before }) => before?.src);
  if (!picture) return;
  drawn = `compare ${picture.id}`;
  const note = await server.difference(picture.id);
  if (!compared() || drawn !== `compare ${picture.id}`) return;
  const difference = shownAs === "difference";
  if (difference && !note.src) { $("views-note").textContent = note.problem || ""; return; }
  $("views-note").textContent = note.proof || "";
  put("compare", slider(picture, difference ? { src: note.src, left: 0, top: 0, width: 1, height: 1 } : picture.before, difference ? ["Difference", "After"] : ["Before", "After"]));
  describe(picture.id);
}

function slider({ src, width, height, alt }, before, names) {
  const box = document.createElement("div");
  box.className = "compare";
  box.innerHTML = `<div class="under"><img alt=""></div><div class="over"><img></div><i></i><span></span><span></span><input type="range" min="0" max="100" step="0.5" aria-label="Where ${names[0].toLowerCase()} ends and ${names[1].toLowerCase()} begins">`;
  const [under, over] = box.querySelectorAll("img"), [first, second] = box.querySelectorAll("span"), range = box.querySelector("input");
  [first.textContent, second.textContent] = names;
  Object.assign(under, { src: before.src });
  Object.assign(over, { src, alt: alt || "" });
  const set = (name, value) => box.style.setProperty(name, value);
  set("--w", width);
  set("--h", height);
  for (const side of ["left", "top", "width", "height"]) set(`--${side}`, `${before[side] * 100}%`);
  const cut = (value) => { range.value = value; set("--cut", `${value}%`); };
  cut(names[0] === "Difference" ? 100 : 50);
  range.addEventListener("input", () => cut(range.value));
  const drag = (event) => { const place = box.getBoundingClientRect(); cut(Math.min(100, Math.max(0, ((event.clientX - place.left) / place.width) * 100))); };
  box.addEventListener("pointerdown", (event) => { box.setPointerCapture(event.pointerId); drag(event); range.focus({ preventScroll: true }); event.preventDefault(); });
  box.addEventListener("pointermove", (event) => event.buttons && drag(event));
  return box;
}

// Tabs ------------------------------------------------------------------------------------------------------------
function open_tab(name, canvas) {
  document.getElementById(`tab-${name}-button`)?.click();
  if (canvas) show("canvas");
}
function followTab() {
  const open = document.querySelector("#forms [role=tab][aria-selected=true]")?.id.replace(/^tab-|-button$/g, "") || "text-to-image";
  if (open === desk.dataset.tab) return;
  desk.dataset.tab = open;
  setTimeout(whatStands, 0, open);
  complain({});
  show(open === "text-to-image" ? "result" : "canvas");
}
new MutationObserver(followTab).observe(document.getElementById("forms"), { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });

function gather() { // the easels are made beside the desk; they belong into its stage
  for (const easel of document.querySelectorAll("#view > .easel")) if (!document.getElementById("easels").contains(easel)) document.getElementById("easels").append(easel);
}
new MutationObserver(gather).observe(document.getElementById("view"), { childList: true, subtree: true });

// The last stroke reaches the studio before Generate does.
let flushed = false;
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("#forms .generate"), easel = window.easels?.[tab()];
  if (!button || !easel || flushed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  await easel.flush();
  flushed = true;
  button.click();
  flushed = false;
}, true);
