// Four short steps for whoever opens an empty studio: a first picture, its evidence, models, providers. It never stands in the way.
(() => {
  const SEEN = "studio-tour", EXAMPLE = "a red sailboat on the sea at sunset", GAP = 14;
  const tabButton = (name) => $(`tab-${name}-button`), shown = (node) => node && node.getClientRects().length > 0;
  const steps = [
    { at: () => $("text-to-image-prompt"), title: "Draw a first picture",
      text: "Say what it should show, or let the studio draw an example. The built-in model needs no download and no network.", go: "Draw an example", act: example },
    { at: () => $("facts").querySelector(".send") || $("details"), title: "Every picture carries its proof",
      text: "Settings, watermark, signature and a detector's signal are in the file. Look at what anyone can check.", go: "Open its evidence", act: evidence },
    { at: () => tabButton("models"), title: "Bring your own models",
      text: "Checkpoints, LoRAs and whole families run on this computer. The Models tab fetches them and says what fits.", go: "Next" },
    { at: () => tabButton("settings"), title: "Or draw elsewhere",
      text: "Hosted providers stand beside the local models. Their keys stay in this computer's keyring; nothing is sent unless you choose one.", go: "Done" },
  ];
  let at = -1, card = null, waiting = null;

  function start() {
    at = -1;
    if (tab() !== "text-to-image") open_tab("text-to-image");
    next();
  }
  function next() {
    do at += 1; while (steps[at] && at > 1 && !shown(steps[at].at()));
    steps[at] ? draw() : end();
  }
  function end() {
    localStorage.setItem(SEEN, "done");
    waiting?.disconnect();
    card?.remove();
    card = null;
    for (const old of document.querySelectorAll(".tour-here")) old.classList.remove("tour-here");
  }
  function draw() {
    for (const old of document.querySelectorAll(".tour-here")) old.classList.remove("tour-here");
    const { title, text, go, act, at: find } = steps[at], number = `${at + 1} of ${steps.length}`;
    card ||= document.body.appendChild(Object.assign(document.createElement("section"), { id: "tour" }));
    card.setAttribute("role", "region");
    card.ariaLabel = `Tour, step ${number}`;
    card.onkeydown = ({ key }) => key === "Escape" && end();
    card.innerHTML = '<small></small><b></b><p role="status"></p><div><button type="button" class="skip">Skip the tour</button><button type="button" class="go"></button></div>';
    const [count, head, body] = card.children;
    [count.textContent, head.textContent, body.textContent] = [number, title, text];
    card.querySelector(".skip").hidden = at === steps.length - 1;
    card.querySelector(".skip").onclick = end;
    Object.assign(card.querySelector(".go"), { textContent: go, onclick: () => (act || next)() });
    find()?.classList.add("tour-here");
    find()?.scrollIntoView({ block: "nearest", inline: "nearest" });
    place();
  }
  function place() { // beside what it speaks of where there is room, else at the lower edge
    const box = steps[at]?.at()?.getBoundingClientRect();
    if (!card || !box) return;
    card.toggleAttribute("data-low", innerWidth < 760);
    if (innerWidth < 760) { card.style.left = card.style.top = ""; return; }
    const { width, height } = card.getBoundingClientRect();
    const right = box.right + GAP + width < innerWidth, below = box.bottom + GAP + height < innerHeight;
    const left = box.height > 60 && right ? box.right + GAP : box.height > 60 ? box.left - GAP - width : box.left;
    const top = box.height > 60 ? box.top : below ? box.bottom + GAP : box.top - GAP - height;
    card.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
    card.style.top = `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`;
  }
  function until(node, holds, then) {
    waiting?.disconnect();
    const look = () => { if (holds()) { waiting.disconnect(); then(); } };
    waiting = new MutationObserver(look);
    waiting.observe(node, { attributes: true, childList: true, subtree: true });
    look();
  }
  const say = (text) => { card.querySelector("p").textContent = text; card.querySelector(".go").disabled = true; };
  function example() {
    const words = $("text-to-image-prompt").querySelector("textarea"), before = $("job").dataset.job;
    if (!words.value.trim()) { words.value = EXAMPLE; words.dispatchEvent(new Event("input", { bubbles: true })); }
    setTimeout(() => $("sheet-text-to-image").querySelector(".generate").click(), 50);
    say("It is being drawn. The first picture takes a moment longer, as the engine warms up.");
    until($("desk"), () => $("job").dataset.job !== before && $("job").dataset.state === "done" && $("facts").querySelector(".send"), next);
  }
  function evidence() {
    const button = $("facts").querySelector(".send [data-to=verify]");
    if (!button) { next(); return; }
    button.click();
    card.querySelector("b").textContent = "This is what anyone can check";
    card.querySelector("p").textContent = "Each row says what was found and what would fake it. A detector gives a signal, never proof.";
    Object.assign(card.querySelector(".go"), { textContent: "Next", onclick: next });
    card.style.left = "";
    card.style.top = "";
    card.setAttribute("data-low", "");
  }
  addEventListener("resize", place);
  document.addEventListener("click", ({ target }) => target.closest?.("[data-tour]") && start());
  const ready = new MutationObserver(() => {
    if (!("ready" in document.body.dataset) || !$("queue").firstElementChild) return;
    ready.disconnect();
    if (!localStorage.getItem(SEEN) && !$("strip").querySelector(".tile") && card_is_idle()) start();
  });
  const card_is_idle = () => $("job").dataset.state === "idle";
  ready.observe(document.body, { attributes: true, attributeFilter: ["data-ready"] });
  ready.observe($("queue"), { childList: true });
})();
