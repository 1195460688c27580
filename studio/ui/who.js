// Who is signed in, the way out, and back to the sign-in page when a session has ended.
function greet({ name, role }) {
  document.body.dataset.role = role;
  const box = $("who");
  if (!box || !name) return;
  const person = Object.assign(document.createElement("b"), { textContent: name });
  const out = Object.assign(document.createElement("a"), { href: "logout", textContent: "Sign out", title: "Sign out here and wherever else you are signed in" });
  person.title = `Signed in as ${role}`;
  box.replaceChildren(person, out);
  box.hidden = false;
}
async function stillSignedIn() {
  const answer = await fetch("gradio_api/login_check").catch(() => null);
  if (answer?.status === 401) location.reload();
}
