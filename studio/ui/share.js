// The share dialog: every change makes the copy anew and tells what is in it; the button saves exactly that file.
const share = document.getElementById("share");
const made = { id: "", turn: 0, timer: 0 };

function openShare(id) {
  made.id = id;
  share.showModal();
  makeShare();
}

async function makeShare() {
  const form = share.querySelector("form"), turn = ++made.turn, link = share.querySelector("a");
  form.quality.disabled = form.format.value === "png";
  link.setAttribute("aria-disabled", "true");
  share.querySelector("output").textContent = "Making the copy …";
  const asked = { id: made.id, format: form.format.value, quality: Number(form.quality.value), max_side: Number(form.max_side.value) || null };
  for (const name of ["prompt", "settings", "user", "parents"]) asked[name] = form[name].checked;
  const copy = await server.copy_for_others(asked);
  if (turn !== made.turn) return;
  for (const name of ["stays", "left_out", "survives"]) {
    const list = share.querySelector(`[data-list=${name}]`);
    list.replaceChildren(...(copy?.[name] || []).map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    list.parentElement.toggleAttribute("data-none", !list.children.length);
  }
  share.querySelector("output").textContent = copy?.problem || `${copy.width} × ${copy.height}, ${copy.kilobytes} KB`;
  if (!copy || copy.problem) return;
  Object.assign(link, { href: copy.src, download: copy.name }).removeAttribute("aria-disabled");
}

share.addEventListener("input", () => { clearTimeout(made.timer); made.timer = setTimeout(makeShare, 300); });
share.addEventListener("click", (event) => (event.target === share || "close" in (event.target.dataset || {})) && share.close());
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-share]");
  if (button) openShare(button.dataset.share);
});
