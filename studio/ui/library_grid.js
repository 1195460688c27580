// The library page, part 1: a grid of any length. Only the tiles in sight exist; pages are fetched when they come in sight
// and forgotten when they are far away. Gradio calls the joined parts once, with: element, upload, server.
const root = element.querySelector(".library"), $$ = (id) => document.getElementById(id);
const find = (name) => document.querySelector(`#library [data-part=${name}], #library-side [data-part=${name}]`);
const open = () => document.querySelector(".desk")?.dataset.tab === "library";
const scroller = root.querySelector(".scroll"), sizer = root.querySelector(".grid");
const PAGE = 120, GAP = 8, MOST_PAGES = 40, TILE = 172, SMALL_TILE = 112;
const make = (tag, more = {}) => Object.assign(document.createElement(tag), more);
const grid = { count: 0, marks: [], edition: "", columns: 4, side: TILE, turn: 0 };
const pages = new Map(), tiles = new Map(), spare = [], under_way = new Set(), thumbs_tried = new Map();
let wanted = {}, fetching = 0, small_timer = 0;

const at = (index) => pages.get(Math.floor(index / PAGE))?.items[index % PAGE];
const find_index = (id) => {
  for (const [number, { items }] of pages) {
    const place = items.findIndex((item) => item.id === id);
    if (place >= 0) return number * PAGE + place;
  }
  return -1;
};

function outlined({ count, marks, edition }, anew) { // what is shown stays until its new page is there
  const of = JSON.stringify(wanted), seen = anew && pages.get(0)?.of === of ? pages.get(0) : null;
  Object.assign(grid, { count, marks, edition });
  grid.turn += 1;
  if (anew) pages.clear();
  for (const page of pages.values()) page.old = true;
  if (seen) pages.set(0, { items: seen.items, old: false });
  measure();
}

async function glimpse() { // the first page is there at once; how many there are takes longer to count
  const of = JSON.stringify(wanted), turn = grid.turn;
  const page = await server.library_page({ wanted, start: null, end: null }).catch(() => null);
  if (!page || !page.items.length || turn !== grid.turn || of !== JSON.stringify(wanted)) return;
  pages.clear();
  pages.set(0, { items: page.items, old: false, of });
  Object.assign(grid, { count: page.items.length, marks: [] });
  measure();
}

function measure() {
  const width = scroller.clientWidth - 2 * (innerWidth < 760 ? 12 : 20);
  if (width <= 0) return;
  const wish = innerWidth < 760 ? SMALL_TILE : TILE;
  grid.columns = Math.max(2, Math.floor((width + GAP) / (wish + GAP)));
  grid.side = Math.floor((width - GAP * (grid.columns - 1)) / grid.columns);
  sizer.style.height = `${Math.max(0, Math.ceil(grid.count / grid.columns) * (grid.side + GAP) - GAP)}px`;
  sizer.style.setProperty("--side", `${grid.side}px`);
  paint();
}

function in_sight(more = 0) {
  const row = grid.side + GAP, top = scroller.scrollTop - 16;
  const first = Math.max(0, Math.floor(top / row) - more) * grid.columns;
  const last = Math.min(grid.count, (Math.ceil((top + scroller.clientHeight) / row) + more) * grid.columns);
  return [first, last];
}

function paint() {
  const [first, last] = in_sight(2);
  for (const [index, tile] of tiles) {
    if ((index >= first && index < last) || (tile === document.activeElement && index < grid.count)) continue;
    tiles.delete(index);
    tile.remove();
    if (spare.length < 60) spare.push(tile);
  }
  for (let index = first; index < last; index++) {
    let tile = tiles.get(index);
    if (!tile) { tile = spare.pop() || blank(); tiles.set(index, tile); tile.key = ""; sizer.append(tile); }
    fill(tile, index);
  }
  clearTimeout(fetching);
  fetching = setTimeout(fetch_pages, 30);
}

function blank() {
  const tile = make("button", { type: "button", className: "shot" });
  const mark = make("i", { className: "mark" });
  mark.dataset.mark = "";
  tile.append(make("img", { alt: "", draggable: false }), mark, make("span", { className: "rated" }), make("span", { className: "badge-state" }));
  tile.firstElementChild.onerror = () => tile.classList.add("gone");
  return tile;
}

const REVIEWS = { pending: "waits for a review", escalated: "waits for a review", rejected: "rejected" };
function fill(tile, index) {
  const item = at(index), on = Boolean(item && chosen.has(item.id));
  const row = Math.floor(index / grid.columns), column = index % grid.columns;
  const key = item ? `${item.id} ${item.thumb} ${item.stars} ${item.review} ${item.state} ${on} ${index} ${grid.columns} ${grid.side} ${cursor === index}` : `${index} ${grid.columns} ${grid.side}`;
  if (tile.key === key) return;
  tile.key = key;
  tile.style.transform = `translate(${column * (grid.side + GAP)}px, ${row * (grid.side + GAP)}px)`;
  tile.dataset.index = index;
  tile.dataset.id = item?.id || "";
  tile.tabIndex = index === cursor || (cursor < 0 && index === 0) ? 0 : -1;
  tile.setAttribute("aria-pressed", on);
  const image = tile.firstElementChild, told = REVIEWS[item?.review] || "";
  tile.classList.toggle("gone", item?.thumb === null);
  if (item?.thumb) { if (image.getAttribute("src") !== item.thumb) image.src = item.thumb; } else image.removeAttribute("src");
  const words = item ? item.prompt || item.name : "Loading";
  tile.setAttribute("aria-label", item ? [words, item.stars ? `${item.stars} stars` : "", told, item.imported ? "made elsewhere" : ""].filter(Boolean).join(", ") : words);
  tile.title = words;
  tile.draggable = Boolean(item);
  tile.children[2].textContent = item?.stars ? `★ ${item.stars}` : "";
  tile.children[3].textContent = told || (item?.imported ? "imported" : "");
}

async function fetch_pages() {
  if (!open()) return;
  const [first, last] = in_sight(), from = Math.floor(first / PAGE), to = Math.floor(Math.max(first, last - 1) / PAGE);
  const [above, below] = [from - 1, to + 1];
  for (const number of [...Array.from({ length: to - from + 1 }, (_, step) => from + step), below, above]) fetch_page(number);
  if (pages.size > MOST_PAGES) for (const number of [...pages.keys()].sort((a, b) => Math.abs(b - from) - Math.abs(a - from)).slice(0, pages.size - MOST_PAGES)) pages.delete(number);
  ask_small();
}

async function fetch_page(number) {
  if (number < 0 || number >= grid.marks.length || under_way.has(`${grid.turn} ${number}`)) return;
  const known = pages.get(number);
  if (known && !known.old) return;
  const turn = grid.turn, name = `${turn} ${number}`;
  under_way.add(name);
  const page = await server.library_page({ wanted, start: grid.marks[number], end: grid.marks[number + 1] || null }).catch(() => null);
  under_way.delete(name);
  if (!page || turn !== grid.turn) return;
  pages.set(number, { items: page.items, old: false });
  paint();
}
const page_of = async (index) => { await fetch_page(Math.floor(index / PAGE)); return at(index); };

async function ask_small() { // small copies of what is in sight, until they are made
  clearTimeout(small_timer);
  const [first, last] = in_sight(1), missing = [];
  for (let index = first; index < last; index++) {
    const item = at(index);
    if (item && item.thumb === "" && (thumbs_tried.get(item.id) || 0) < 40) missing.push(item);
  }
  if (!missing.length || !open()) return;
  const found = await server.library_thumbs(missing.slice(0, 200).map((item) => item.id)).catch(() => null);
  for (const item of missing) {
    thumbs_tried.set(item.id, (thumbs_tried.get(item.id) || 0) + 1);
    if (found && item.id in found) item.thumb = found[item.id] || null;
  }
  if (thumbs_tried.size > 5000) thumbs_tried.clear();
  for (const [index, tile] of tiles) fill(tile, index);
  small_timer = setTimeout(ask_small, 250);
}

scroller.addEventListener("scroll", () => { paint(); remember(); }, { passive: true });
new ResizeObserver(() => { const place = in_sight()[0]; measure(); if (place) show_index(place); }).observe(scroller);

function show_index(index, nearest = false) {
  const row = grid.side + GAP, top = Math.floor(index / grid.columns) * row, low = scroller.scrollTop, view = scroller.clientHeight;
  if (!nearest) scroller.scrollTop = top;
  else if (top < low) scroller.scrollTop = top;
  else if (top + row + 32 > low + view) scroller.scrollTop = top + row + 32 - view;
  paint();
}
