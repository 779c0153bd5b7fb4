// The staff's boards: kitchen and floor. Silence never looks like "no orders": without a proof within three seconds the
// whole page says that it may be out of date.

import { applyPush, commandOf, Live, say, wearPending } from "./live.js";

const { body } = document;
const STALE = 3000; // ms without a proof that this page's number is the store's
const WARN = 8 * 60_000; // ms: a ticket's age turns amber
const LATE = 15 * 60_000; // … and red
const words = document.getElementById("ages").dataset;
let provedAt = performance.now();
let denied = false; // the server itself says that it has lost the store
let clockOffset = 0; // this device's clock against the server's, so that ages are right on a tablet that is late

const live = new Live({
  url: body.dataset.live,
  silence: 5000,
  onPush(push, whole) {
    showNumber(push.v);
    for (const element of applyPush(push, whole)) {
      if (!whole && element.matches(".ticket, .table, li")) element.classList.add("just");
    }
    showAges();
    wearPending(live);
  },
  onAnswer(answer) {
    wearPending(live);
    if (answer.error) say(answer.message);
  },
  onBeat(beat) {
    showNumber(beat.v);
    denied = !beat.live;
    if (beat.live) provedAt = performance.now();
    showFreshness();
  },
  onState: () => showFreshness(),
});

function showNumber(v) {
  document.querySelector("#fresh .number b").textContent = v;
}

function showFreshness() {
  const age = performance.now() - provedAt;
  const stale = denied || age > STALE;
  body.classList.toggle("stale", stale);
  body.classList.toggle("proved", !stale);
  document.getElementById("stale").hidden = !stale;
  for (const place of document.querySelectorAll("#fresh .age, #stale .age")) place.textContent = ago(age);
}

function ago(ms) {
  const seconds = Math.floor(ms / 1000);
  return seconds < 120 ? words.seconds.replace("{n}", seconds) : words.minutes.replace("{n}", Math.floor(seconds / 60));
}

function showAges() {
  const now = Date.now() + clockOffset;
  for (const time of document.querySelectorAll("time[data-at]")) {
    const age = Math.max(0, now - Number(time.dataset.at));
    const minutes = Math.floor(age / 60_000);
    time.textContent = `${minutes}:${String(Math.floor(age / 1000) % 60).padStart(2, "0")}`;
    const ticket = time.closest(".ticket");
    if (ticket) ticket.dataset.age = age > LATE ? "late" : age > WARN ? "warn" : "fresh";
  }
}

document.addEventListener("submit", (event) => {
  const sent = commandOf(event.target, event.submitter);
  if (!sent.address.endsWith("/do")) return;
  event.preventDefault();
  live.send(sent);
  wearPending(live);
});

fetch("/healthz").then((answer) => {
  const told = Date.parse(answer.headers.get("Date"));
  if (Math.abs(told - Date.now()) > 2000) clockOffset = told - Date.now();
});
setInterval(() => {
  showAges();
  showFreshness();
}, 500);
showAges();
showFreshness();
