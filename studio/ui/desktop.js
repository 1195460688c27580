// What an app on a desktop does: pictures are dragged out as the kept file, open in the system's viewer, and a long job rings.
const TYPES = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", webp: "image/webp" };
document.addEventListener("dragstart", (event) => {
  const from = event.target.closest?.("#frame .picture, #strip .tile"), { large, src, name } = from?.dataset || {};
  if (!name || !(large || src)) return;
  const address = new URL(large || src, location.href).href, type = TYPES[name.split(".").pop().toLowerCase()] || "image/png";
  event.dataTransfer.setData("DownloadURL", `${type}:${name}:${address}`);
  event.dataTransfer.setData("text/uri-list", address);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-open]");
  if (!button) return;
  const problem = await server.open_file({ id: button.dataset.open, reveal: "reveal" in button.dataset });
  if (problem) complain({ field: "", message: problem });
});

// The bell: two soft tones, and a notification while the page is not in sight, when a job that took long has ended.
const bell = $("bell"), LONG = 10_000; // milliseconds from which on a job is long
const rung = { on: localStorage.getItem("studio-bell") === "on", sound: null, begun: {} };

function showBell() {
  bell.setAttribute("aria-pressed", rung.on);
  bell.title = rung.on ? "A long job rings when it ends; press for silence" : "Ring when a long job ends";
  bell.ariaLabel = "Ring when a long job ends";
}

function tone() {
  rung.sound ||= new AudioContext();
  const { sound } = rung, now = sound.currentTime;
  for (const [pitch, at] of [[659.25, 0], [880, 0.16]]) {
    const voice = sound.createOscillator(), loud = sound.createGain();
    voice.frequency.value = pitch;
    loud.gain.setValueAtTime(0, now + at);
    loud.gain.linearRampToValueAtTime(0.16, now + at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.001, now + at + 0.5);
    voice.connect(loud).connect(sound.destination);
    voice.start(now + at);
    voice.stop(now + at + 0.55);
  }
}

bell.addEventListener("click", async () => {
  rung.on = !rung.on;
  localStorage.setItem("studio-bell", rung.on ? "on" : "off");
  showBell();
  if (!rung.on) return;
  tone(); // heard at once, and a browser lets only a press begin a sound
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
});
document.addEventListener("pointerdown", () => { if (rung.on) rung.sound ||= new AudioContext(); rung.sound?.resume(); }, { once: true });

function ring(job) {
  tone();
  document.dispatchEvent(new CustomEvent("studio-rang", { detail: job.id }));
  if (document.hidden && "Notification" in window && Notification.permission === "granted") new Notification("Studio", { body: window.studioLanguage?.say(job.title) ?? job.title, tag: job.id, icon: "/app/icon-192.png" });
}

const drawJob = parts.job;
parts.job = (job) => {
  drawJob(job);
  const { begun } = rung;
  if (["running", "queued", "delayed"].includes(job.state)) begun[job.id] ||= performance.now();
  else if (begun[job.id]) {
    const took = performance.now() - begun[job.id];
    delete begun[job.id];
    if (rung.on && took >= LONG && ["done", "failed", "blocked", "needs_review"].includes(job.state)) ring(job);
  }
};
showBell();
