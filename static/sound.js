// What the staff hear: a sound of its own for each kind of news. Browsers let a page sound only after a gesture, so the
// button says openly whether it can be heard.

const TONES = {
  // [hertz, from second, seconds]
  ticket: [[784, 0, 0.18], [1047, 0.2, 0.34]],
  again: [[784, 0, 0.14], [1047, 0.16, 0.14], [784, 0.32, 0.14], [1047, 0.48, 0.3]],
  void: [[330, 0, 0.25], [233, 0.28, 0.5]],
  call: [[659, 0, 0.4], [523, 0.45, 0.6]],
};
const LOUD = 0.5;

const button = document.getElementById("sound");
let context;
let wanted = localStorage.getItem("sound") !== "off";
let awake;

/** Plays one of the sounds and lets the frame of the page flash. */
export function sound(kind) {
  document.body.classList.remove("flash", "void");
  void document.body.offsetWidth; // so that the animation begins anew
  document.body.classList.add("flash");
  if (kind === "void") document.body.classList.add("void");
  if (!wanted || context?.state !== "running") return;
  for (const [hertz, from, seconds] of TONES[kind]) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    const at = context.currentTime + from;
    tone.type = "triangle";
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(LOUD, at);
    gain.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
  }
}

/** Any gesture starts what the browser held back. */
function start() {
  if (wanted) {
    context ||= new AudioContext();
    context.onstatechange = show;
    context.resume().then(show);
  }
  stayAwake();
}

function show() {
  const on = wanted && context?.state === "running";
  button.dataset.on = on;
  button.textContent = on ? button.dataset.onText : button.dataset.offText;
}

/** The screen stays on while this page is looked at (where the browser lets it: on https). */
async function stayAwake() {
  if (awake && !awake.released) return;
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
}

button.addEventListener("click", () => {
  wanted = button.dataset.on !== "true";
  localStorage.setItem("sound", wanted ? "on" : "off");
  if (wanted) {
    start();
    sound("ticket");
  } else context?.suspend();
  show();
});
for (const gesture of ["pointerup", "keydown"]) {
  addEventListener(gesture, ({ target }) => target !== button && context?.state !== "running" && start());
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && awake && stayAwake());
document.body.addEventListener("animationend", ({ target }) => target === document.body && document.body.classList.remove("flash"));
show();
