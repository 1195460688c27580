// The drawer of used prompts: a button at each prompt field opens it; a click puts a prompt, or a wildcard, into the field.
const past = document.getElementById("history");
const asking_past = { form: "", turn: 0, timer: 0 };
const prompt_of = (form, field = "prompt") => document.querySelector(`#${form}-${field} textarea`);

function typeInto(input, text) {
  if (!input) return;
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(input, text);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function openPast() {
  asking_past.form = tab();
  past.querySelector("input").value = "";
  past.showModal();
  past.querySelector("input").focus();
  findPast();
}

async function findPast(forget = 0) {
  const turn = ++asking_past.turn, words = past.querySelector("input").value;
  const found = await server.prompts({ words, forget });
  if (turn !== asking_past.turn) return;
  const list = (found?.prompts || []).map(pastEntry);
  const none = Object.assign(document.createElement("li"), { className: "quiet", textContent: found?.problem || (words ? "No prompt holds these words." : "Prompts that you use appear here.") });
  past.querySelector("ul").replaceChildren(...(list.length ? list : [none]));
  past.querySelector("section p").replaceChildren(...(found?.wildcards || []).map(wildcardChip));
}

function pastEntry({ id, text, negative, used, when }) {
  const entry = document.createElement("li"), use = document.createElement("button"), drop = document.createElement("button");
  use.type = drop.type = "button";
  use.className = "use";
  const words = Object.assign(document.createElement("b"), { textContent: text });
  const facts = [when, used > 1 ? `${used} times` : "", negative ? `without: ${negative}` : ""].filter(Boolean).join(" · ");
  use.append(words, Object.assign(document.createElement("small"), { textContent: facts }));
  use.onclick = () => {
    typeInto(prompt_of(asking_past.form), text);
    if (negative) typeInto(prompt_of(asking_past.form, "negative_prompt"), negative);
    past.close();
    prompt_of(asking_past.form)?.focus();
  };
  Object.assign(drop, { className: "icon", textContent: "✕", ariaLabel: `Forget: ${text}`, title: "Forget this prompt" });
  drop.onclick = () => findPast(id);
  entry.append(use, drop);
  return entry;
}

function wildcardChip(name) {
  const chip = Object.assign(document.createElement("button"), { type: "button", textContent: `__${name}__` });
  chip.onclick = () => {
    const input = prompt_of(asking_past.form), at = input?.selectionStart ?? 0;
    if (!input) return;
    typeInto(input, `${input.value.slice(0, at)}__${name}__${input.value.slice(input.selectionEnd)}`);
    past.close();
    input.focus();
    input.setSelectionRange(at + name.length + 4, at + name.length + 4);
  };
  return chip;
}

past.addEventListener("input", () => { clearTimeout(asking_past.timer); asking_past.timer = setTimeout(findPast, 200); });
past.addEventListener("click", (event) => (event.target === past || "close" in (event.target.dataset || {})) && past.close());

// Each prompt field gets the button; Gradio may draw a field anew, so it is looked for again when a form changes.
function offerPast() {
  for (const field of document.querySelectorAll("#forms .field-prompt")) {
    if (field.querySelector(":scope > .past")) continue;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "past", textContent: "History", title: "Prompts so far, and wildcards" });
    button.onclick = openPast;
    field.append(button);
  }
}
new MutationObserver(offerPast).observe(document.getElementById("forms"), { childList: true, subtree: true });
offerPast();
