// Presets: cards of every form, the dialog that saves one, and files that come and go. `parts.presets` is the desk's part.
const saving = document.getElementById("preset"), picking = saving.querySelector("input[type=file]");
const standing = {}; // the preset that each form stands on
let group = localStorage.getItem("studio-preset-group") || "", saveOf = "";
const boxes = () => document.querySelectorAll("#forms details.presets");
const boxOf = (form = tab()) => document.querySelector(`#forms details.presets[data-form="${form}"]`);
const cardOf = (name, form = tab()) => [...(boxOf(form)?.querySelectorAll(".card") || [])].find((card) => card.dataset.id === name);

parts.presets = (html) => {
  for (const box of boxes()) keepFocus(box.querySelector(".list"), html);
  arrange();
};

function arrange() {
  for (const box of boxes()) {
    const form = box.dataset.form, cards = [...box.querySelectorAll(".card")], name = standing[form] || "";
    const groups = [...box.querySelectorAll("[data-group]")], there = groups.some((chip) => chip.dataset.group === group) ? group : "";
    for (const chip of groups) { chip.toggleAttribute("data-on", chip.dataset.group === there); chip.setAttribute("aria-pressed", chip.dataset.group === there); }
    for (const card of cards) {
      card.hidden = (card.dataset.task && card.dataset.task !== form) || (there && card.dataset.in !== there);
      card.dataset.to = form;
      card.setAttribute("aria-pressed", card.dataset.id === name);
    }
    const own = box.querySelector(".own"), card = name && cards.find((each) => each.dataset.id === name);
    own.hidden = !card;
    if (card) own.querySelector("b").textContent = `${card.dataset.title} v${card.dataset.version}`;
  }
}

function stand(form, name) {
  standing[form] = name || "";
  arrange();
}

// Asked when a form opens; from then on each answer of the form tells it.
async function whatStands(form = tab()) {
  if (boxOf(form) && !(form in standing)) stand(form, await server.preset_of(form));
}

function sayPreset(told, form = tab()) {
  const said = boxOf(form)?.querySelector(".said");
  if (!said) return;
  boxOf(form).open = true;
  said.textContent = told?.problem || told?.said || "";
  said.toggleAttribute("data-bad", Boolean(told?.problem));
  if (told?.undo) {
    const undo = Object.assign(document.createElement("button"), { type: "button", textContent: "Undo" });
    undo.onclick = () => actPreset({ do: "restore", id: told.undo });
    said.append(" ", undo);
  }
  said.scrollIntoView({ block: "nearest" });
  ask();
}

async function actPreset(asked) {
  const told = (await server.preset_act(asked)) || { problem: "The studio does not answer. Start it again." };
  if (told.data) {
    const bytes = Uint8Array.from(atob(told.data), (letter) => letter.charCodeAt(0));
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([bytes], { type: "application/zip" })), download: told.file });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
  sayPreset(told);
  return told;
}

async function takeFile(file) {
  if (!file) return;
  if (file.size > 3_000_000) return sayPreset({ problem: `${file.name} is too large for a preset.` });
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  actPreset({ do: "take", id: file.name, data: btoa(text) });
}

// The dialog: for a form as it stands (record empty), or for a kept picture.
function openSaving(record = "") {
  const form = saving.querySelector("form"), card = !record && cardOf(standing[tab()]), { picture } = form.elements;
  saveOf = record;
  form.reset();
  form.elements.title.value = card ? card.dataset.title : "";
  form.elements.group.value = card ? card.dataset.in : group;
  form.elements.description.value = card ? (card.title.split(": ").slice(1).join(": ")) : "";
  form.elements.seed.closest("label").hidden = !record;
  const onShow = record || onStage[0]?.id || "", choices = [[onShow, record ? "This picture" : "The picture on the stage"], ["same", "The one it has"], ["", "None"]];
  picture.replaceChildren(...choices.filter(([id, text]) => id || text === "None").map(([id, text]) => new Option(text, id)));
  const groups = new Set([...document.querySelectorAll("#forms [data-group]")].map((chip) => chip.dataset.group).filter(Boolean));
  document.getElementById("preset-groups").replaceChildren(...[...groups].map((name) => new Option(name)));
  tellVersion();
  saving.showModal();
  form.elements.title.focus();
}

const known = () => {
  const title = saving.querySelector("[name=title]").value.trim().toLowerCase();
  return [...document.querySelectorAll("#forms .presets .card")].find((card) => card.dataset.title.toLowerCase() === title);
};
function tellVersion() {
  const card = known(), { picture } = saving.querySelector("form").elements;
  for (const option of picture.options) if (option.value === "same") option.disabled = option.hidden = !card;
  if (picture.selectedOptions[0]?.disabled) picture.selectedIndex = [...picture.options].findIndex((option) => !option.disabled);
  saving.querySelector("p").textContent = card ? `It is here in version ${card.dataset.version}; saving makes version ${Number(card.dataset.version) + 1}, and an undo is offered.` : "A new preset, version 1.";
}

saving.querySelector("[name=title]").addEventListener("input", tellVersion);
saving.addEventListener("click", (event) => (event.target === saving || "close" in (event.target.dataset || {})) && saving.close());
saving.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  saving.close();
  const { title, group: its, description, picture, seed } = saving.querySelector("form").elements;
  const said = { title: title.value, group: its.value, description: description.value, picture: picture.value };
  if (saveOf) actPreset({ do: "picture", id: saveOf, seed: seed.checked, ...said });
  else trigger("select", { save: said, to: tab() });
});
picking.addEventListener("change", () => { takeFile(picking.files[0]); picking.value = ""; });

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#forms .presets button, [data-preset-of]");
  if (!button) return;
  const { group: of, preset: what, presetOf: record } = button.dataset;
  if (record) openSaving(record);
  else if (of !== undefined) { group = of; localStorage.setItem("studio-preset-group", of); arrange(); }
  else if (what === "new") openSaving();
  else if (what === "take") picking.click();
  else if (what) actPreset({ do: what, id: standing[tab()] });
});
// A pressed card lets go of its preset: the words stay, and the picture's record names it no more.
document.addEventListener("click", (event) => {
  const card = event.target.closest?.("#forms .card[data-choose]");
  if (!card) return;
  const form = tab(), name = card.getAttribute("aria-pressed") === "true" ? "" : card.dataset.id;
  stand(form, name);
  if (name) return;
  event.stopImmediatePropagation();
  trigger("select", { preset: "", to: form });
}, true);
document.addEventListener("dragover", (event) => event.target.closest?.("#forms .presets") && event.dataTransfer.types.includes("Files") && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!event.target.closest?.("#forms .presets") || !event.dataTransfer.files.length) return;
  event.preventDefault();
  takeFile(event.dataTransfer.files[0]);
});
