// The library page, part 3: the boards and filters at its side. They are not there before the tab was opened once.
const FILTERS = ["model", "provider", "task", "tag", "since", "until", "shape", "size", "stars", "cost", "told", "review"];
const PLACES = { all: {}, starred: { stars: 1 }, imported: { imported: true }, trash: { where: "trash" } };
let boards = [], choices = {};

const place_of = () => (wanted.board ? "board" : wanted.where === "trash" ? "trash" : wanted.imported ? "imported" : wanted.place === "starred" ? "starred" : "all");

function draw_side() {
  if (!find("boards")) return;
  draw_boards();
  draw_choices();
  const place = place_of();
  root.dataset.place = place;
  for (const button of document.querySelectorAll("#library-side [data-place]")) button.toggleAttribute("aria-current", false);
  for (const button of document.querySelectorAll("#library-side [data-place]")) if (button.dataset.place === place) button.setAttribute("aria-current", "true");
  const filtered = FILTERS.filter((name) => wanted[name] && !(place === "starred" && name === "stars" && wanted.stars === 1)).length;
  Object.assign(find("filtered"), { textContent: filtered, hidden: !filtered });
  document.querySelector("#library-side [data-library=clear]").hidden = !filtered;
  find("filter-note").textContent = choices.note || "";
  const details = find("filters");
  if (!details.begun) { details.begun = true; details.open = innerWidth >= 760; } // on a phone the pictures come first
  draw_heading(place);
}

function draw_heading(place) {
  const board = boards.find(({ id }) => id === wanted.board), heading = find("heading");
  heading.hidden = !["board", "trash"].includes(place);
  heading.querySelector("b").textContent = place === "trash" ? "Trash" : board?.title || "";
  find("board-acts").hidden = place !== "board" || !board?.mine;
  find("board-shows").hidden = place !== "board" || !board?.count;
  heading.querySelector("[data-form=empty]").hidden = place !== "trash";
  if (place !== "board") heading.querySelector("[data-form=rename]").hidden = true;
  for (const button of root.querySelectorAll("[data-only], [data-not]")) button.hidden = button.dataset.only ? button.dataset.only !== place : button.dataset.not === place;
}

function draw_boards() {
  const box = find("boards"), drawn = JSON.stringify([boards, wanted.board]);
  find("no-boards").hidden = boards.length > 0;
  if (box.drawn === drawn) return;
  box.drawn = drawn;
  const held = document.activeElement?.dataset?.board;
  box.replaceChildren(...boards.map(({ id, title, count }) => {
    const button = make("button", { type: "button", title });
    button.dataset.board = id;
    if (id === wanted.board) button.setAttribute("aria-current", "true");
    button.append(make("span", { textContent: title }), make("i", { textContent: count }));
    const item = make("li");
    item.append(button);
    return item;
  }));
  if (held) box.querySelector(`[data-board="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

function draw_choices() {
  for (const name of ["model", "provider", "task", "tag"]) {
    const select = document.querySelector(`#library-side [data-filter=${name}]`), list = choices[name] || [];
    const drawn = JSON.stringify(list);
    if (select.drawn !== drawn) {
      select.drawn = drawn;
      select.replaceChildren(new Option("Any", ""), ...list.map(([value, title]) => new Option(title, value)));
    }
    if (wanted[name] && ![...select.options].some((option) => option.value === wanted[name])) select.append(new Option(wanted[name], wanted[name]));
  }
  for (const name of FILTERS) {
    const field = document.querySelector(`#library-side [data-filter=${name}]`);
    if (document.activeElement !== field) field.value = wanted[name] || "";
    field.toggleAttribute("data-on", Boolean(wanted[name]));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#library-side button");
  if (!button) return;
  const { place, board, library } = button.dataset;
  if (place) want({ place, ...PLACES[place] }, true);
  else if (board) want({ board }, true);
  else if (library === "clear") want(Object.fromEntries(FILTERS.map((name) => [name, ""])));
});
document.addEventListener("change", (event) => {
  const name = event.target.closest?.("#library-side")?.contains(event.target) && event.target.dataset.filter;
  if (name) want({ [name]: name === "stars" ? Number(event.target.value) || "" : event.target.value });
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest?.("#library-side form");
  if (!form) return;
  event.preventDefault();
  const answer = await act({ do: "board-create", text: form.text.value });
  if (!answer.problem) { form.reset(); want({ board: answer.board }, true); }
});
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => { // tiles dropped onto a board
  const button = dragged && event.target.closest?.("#library-side [data-board]");
  for (const each of document.querySelectorAll("#library-side [data-over]")) if (each !== button) each.removeAttribute("data-over");
  if (!button) return;
  event.preventDefault();
  button.toggleAttribute("data-over", kind === "dragover");
  if (kind === "drop") act({ do: "board-add", board: button.dataset.board, ids: dragged });
});
new MutationObserver(() => open() && find("boards") && !find("boards").begun && ((find("boards").begun = true), draw_side())).observe($$("forms"), { childList: true, subtree: true });
