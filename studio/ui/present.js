// The presentation. It only looks and draws: nothing here deletes, and leaving it shows the page as it was.
window.present = (() => {
  const room = $("presentation"), stage = room.querySelector(".room"), shelf = $("presentation-shelf"), beside = $("presentation-beside"), words = $("presentation-prompt");
  const PLAY = 8000, LOOK = 300, STILL = 3000;
  let slides = [], only = null, at = 0, playing = 0, resting = 0, looking = 0, jobs = [], full;
  const tell = (text) => (room.querySelector(".told").textContent = text || "");
  const asks = async (what) => {
    const answer = (await server.present(what)) || { problem: "The studio does not answer. This page finds it again by itself." };
    tell(answer.problem);
    return answer;
  };
  const keep = () => server.present({ do: "keep", shelf: shelf.value, at: slides[at]?.id || "", mode: room.dataset.mode, prompt: words.value, beside: beside.value });
  const made = (name, text, data = {}) => Object.assign(document.createElement(name), { textContent: text, ...data });
  const choices = (select, entries, value) => {
    select.replaceChildren(...entries.map(({ id, title }) => made("option", title, { value: id })));
    select.value = entries.some(({ id }) => id === value) ? value : entries[0]?.id ?? "";
  };
  const badges = (slide) => slide.badges.map(({ text, tone, title }) => {
    const badge = made("span", text, { title });
    badge.dataset.tone = tone;
    return badge;
  });
  const pictured = ({ src, width, height, caption }) => Object.assign(framed(src, width, height, caption), { draggable: false });

  function turn(to) {
    at = Math.min(Math.max(to, 0), Math.max(slides.length - 1, 0));
    const slide = slides[at], figure = document.createElement("figure");
    room.querySelector(".place").textContent = slides.length ? `${at + 1} / ${slides.length}` : "";
    room.querySelector(".back").disabled = at === 0;
    room.querySelector(".on").disabled = at >= slides.length - 1;
    room.querySelector(".caption").textContent = slide?.caption || "";
    room.querySelector("footer > .badges").replaceChildren(...(slide ? badges(slide) : []));
    if (!slide) { stage.replaceChildren(made("p", "Nothing here to show yet. Draw something under Live.", { className: "hint" })); return; }
    figure.append(pictured(slide), made("figcaption", slide.by));
    stage.replaceChildren(figure);
    for (const near of [slides[at + 1], slides[at - 1]]) if (near) new Image().src = near.src;
  }
  async function fetchSlides(id = "") {
    const answer = await asks({ do: "slides", shelf: shelf.value, ids: shelf.value ? null : only });
    if (!answer.slides) return;
    slides = answer.slides;
    tell(answer.note);
    turn(Math.max(0, slides.findIndex((slide) => slide.id === id)));
  }
  function play(on) {
    clearInterval(playing);
    playing = on ? setInterval(() => turn(at + 1 < slides.length ? at + 1 : 0), PLAY) : 0;
    const button = room.querySelector("[data-play]");
    button.setAttribute("aria-pressed", on);
    button.textContent = on ? "❚❚" : "▶";
    button.ariaLabel = on ? "Pause" : "Play";
  }
  function mode(name, id = "") {
    room.dataset.mode = name;
    for (const button of room.querySelectorAll(".switch [data-mode]")) button.setAttribute("aria-pressed", button.dataset.mode === name);
    tell("");
    if (name === "slides") fetchSlides(id);
    else { play(false); room.querySelector(".place").textContent = ""; live(); words.focus(); }
  }

  // Live: one figure for each job, on its place from the first moment on.
  function live(states = []) {
    if (!jobs.length) { stage.replaceChildren(made("p", "Say what you want to see. The fastest model of this computer draws it.", { className: "hint" })); return; }
    if (stage.querySelectorAll("figure").length !== jobs.length || stage.dataset.jobs !== jobs.map(({ id }) => id).join()) {
      stage.dataset.jobs = jobs.map(({ id }) => id).join();
      stage.replaceChildren(...jobs.map(({ by }) => { const figure = document.createElement("figure"); figure.append(made("p", "", { className: "wait" }), made("figcaption", by)); return figure; }));
    }
    states.forEach((state, place) => {
      const figure = stage.children[place], old = figure.firstElementChild, by = figure.lastElementChild;
      const shown = state.slide || (state.preview && !state.over ? { src: state.preview, width: 1, height: 1, caption: "Preview" } : null);
      if (shown && old.tagName === "IMG") { if (old.getAttribute("src") !== shown.src) Object.assign(old, { src: shown.src, alt: shown.caption }); }
      else if (shown) old.replaceWith(pictured(shown));
      else if (old.tagName === "IMG") old.replaceWith(made("p", "", { className: "wait" }));
      if (!shown) figure.firstElementChild.replaceChildren(made("b", state.title), made("span", state.detail));
      if (state.slide && !by.querySelector(".badges")) { const row = made("p", "", { className: "badges" }); row.append(...badges(state.slide)); by.append(row); }
    });
  }
  async function look() {
    clearTimeout(looking);
    if (!room.open || !jobs.length) return;
    const { jobs: states } = await asks({ do: "look", jobs: jobs.map(({ id }) => id) });
    if (states && room.dataset.mode === "live") live(states);
    if (!states || states.some(({ over }) => !over)) looking = setTimeout(look, LOOK);
  }
  async function draw() {
    const answer = await asks({ do: "draw", prompt: words.value, beside: beside.value });
    if (!answer.jobs) return;
    ({ jobs } = answer);
    live();
    keep();
    look();
  }

  async function open({ of = "", id = "", ids = null } = {}) {
    if (room.open) return;
    room.showModal();
    full = document.documentElement.requestFullscreen?.().catch(() => {});
    const answer = await asks({ do: "open" });
    if (!answer.shelves) return;
    only = ids;
    choices(shelf, [...(ids ? [{ id: "", title: "Selected pictures" }] : []), ...answer.shelves], ids ? "" : of || answer.draft.shelf);
    choices(beside, [{ id: "", title: "nothing" }, ...answer.hosted], answer.draft.beside);
    room.querySelector(".beside").hidden = !answer.hosted.length;
    if (!words.value) words.value = answer.draft.prompt;
    mode(of || ids ? "slides" : answer.draft.mode, id || answer.draft.at);
    moved();
  }
  function leave() {
    keep();
    play(false);
    room.close();
    full?.then(() => document.fullscreenElement && document.exitFullscreen()); // it may still be on its way
    ask();
  }
  function moved() { // the bar goes when nobody moves
    room.classList.remove("still");
    clearTimeout(resting);
    resting = setTimeout(() => room.classList.toggle("still", room.dataset.mode === "slides" && !room.querySelector("header").matches(":focus-within, :hover")), STILL);
  }

  const keys = { ArrowRight: () => turn(at + 1), PageDown: () => turn(at + 1), " ": () => turn(at + 1), ArrowLeft: () => turn(at - 1), PageUp: () => turn(at - 1), Home: () => turn(0), End: () => turn(slides.length - 1), p: () => play(!playing) };
  room.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (room.dataset.mode !== "slides" || event.target.matches("select, input") || (event.key === " " && event.target.matches("button"))) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  room.addEventListener("cancel", (event) => { event.preventDefault(); leave(); });
  document.addEventListener("fullscreenchange", () => !document.fullscreenElement && room.open && leave());
  room.addEventListener("pointermove", moved);
  room.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) { if (room.dataset.mode === "slides" && target.matches(".room, img")) turn(at + 1); return; }
    if ("leave" in button.dataset) leave();
    else if ("play" in button.dataset) play(!playing);
    else if (button.dataset.mode) { mode(button.dataset.mode); keep(); }
    else if (button.matches(".turn")) turn(at + (button.matches(".on") ? 1 : -1));
  });
  shelf.addEventListener("change", () => { fetchSlides(); keep(); shelf.blur(); });
  beside.addEventListener("change", keep);
  words.addEventListener("change", keep);
  room.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); draw(); });
  document.addEventListener("click", ({ target }) => target.closest?.("#present") && open());
  return open;
})();
