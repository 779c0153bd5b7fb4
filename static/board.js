// What every page of the staff does. Silence never looks like "no orders": without a proof within three seconds the
// whole page says that it may be out of date.

import { applyPush, commandOf, Live, say, submitterOf, wearPending } from "./live.js";

const { body } = document;
const STALE = 3000; // ms without a proof that this page's number is the store's
const SHIELD = 400; // ms that a card which has moved takes no tap
const MINUTE = 60_000;
const words = document.getElementById("ages").dataset;
let proved = now();
let denied = false; // the server itself says that it has lost the store
let clockOffset = 0; // this device's clock against the server's, so that ages are right on a tablet that is late
let page; // what the page adds

const CARD = ".ticket, .table, .whole, .alarm";
const cards = () => [...document.querySelectorAll(CARD)];
const known = new Set(cards().map((card) => card.id));

/** The connection. */
export const live = new Live({
  url: body.dataset.live,
  silence: 5000,
  onPush(push, whole) {
    showNumber(push.v);
    const before = places();
    const ticks = [...document.querySelectorAll("main input:checked")].map(({ name, value }) => [name, value]);
    const changed = applyPush(push, whole);
    for (const [name, value] of ticks) {
      const field = document.querySelector(`main input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
      if (field) field.checked = true;
    }
    showAges(changed);
    for (const id of push.gone) known.delete(id);
    for (const element of changed) {
      if (!element.matches(CARD)) continue;
      if (!known.has(element.id)) element.classList.add("new");
      else if (!whole) element.classList.add("just");
      known.add(element.id);
    }
    wearPending(live);
    page?.changed?.(changed);
    settled(() => {
      shield(before);
      page?.settled?.();
    });
  },
  onAnswer(answer, command) {
    wearPending(live);
    if (answer.error && !page?.quiet?.(command)) say(answer.message);
    page?.answered?.(answer, command);
  },
  onBeat(beat) {
    showNumber(beat.v);
    denied = !beat.live;
    if (beat.live) proved = now();
    showFreshness();
  },
  onState: () => showFreshness(),
});

/** Lets a page add to this: `changed(elements)` after a push, `settled()` when it is on the screen, `answered(answer,
 *  command)`, `quiet(command)` for commands whose refusal concerns nobody, `sending(command, form)` before one goes out,
 *  `inSight()` the cards that can be seen. */
export function board(additions) {
  page = additions;
}

/** After the next frame, when places have been worked out anyway: asking for them sooner would do it twice. */
function settled(then) {
  requestAnimationFrame(() => setTimeout(then));
}

// ---- how fresh it is

/** Both clocks: the first stands still while some tablets sleep, the second can be set. */
function now() {
  return { steady: performance.now(), wall: Date.now() };
}

/** The server's time, in ms since 1970. */
export const serverTime = () => Date.now() + clockOffset;

function sinceProved() {
  const { steady, wall } = now();
  return Math.max(steady - proved.steady, wall - proved.wall);
}

function showNumber(v) {
  document.querySelector("#fresh .number b").textContent = v;
}

function showFreshness() {
  const age = sinceProved();
  const stale = denied || age > STALE;
  body.classList.toggle("stale", stale);
  body.classList.toggle("proved", !stale);
  document.getElementById("stale").hidden = !stale;
  for (const place of document.querySelectorAll("p .age")) put(place, ago(age));
}

function ago(ms) {
  const seconds = Math.floor(ms / 1000);
  return seconds < 120 ? words.seconds.replace("{n}", seconds) : words.minutes.replace("{n}", Math.floor(seconds / 60));
}

/** A board whose login has ended would stay red for ever; a fresh page leads to the login. */
async function leaveWhenLoggedOut() {
  if (sinceProved() < 10_000) return;
  const answer = await fetch(location.href, { redirect: "manual", cache: "no-store" }).catch(() => null);
  if (answer?.type === "opaqueredirect") location.reload();
}

// ---- ages

/** The ages in these elements; those of cards that nobody sees need not run. */
export function showAges(elements = page?.inSight?.() ?? [document]) {
  const time = serverTime();
  for (const place of elements.flatMap((element) => [...element.querySelectorAll("time[data-at]")])) {
    const age = Math.max(0, time - Number(place.dataset.at));
    put(place, place.dataset.minutes?.replace("{n}", Math.floor(age / MINUTE)) ?? clock(age));
    const ticket = place.closest(".ticket");
    if (!ticket || "waits" in ticket.dataset) continue;
    const { warn, late } = ticket.dataset;
    const worn = age > late * MINUTE ? "late" : age > warn * MINUTE ? "warn" : "fresh";
    if (ticket.dataset.age !== worn) ticket.dataset.age = worn;
  }
}

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function clock(ms) {
  const minutes = Math.floor(ms / MINUTE);
  return minutes < 100 ? `${minutes}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}` : words.minutes.replace("{n}", minutes);
}

// ---- where the cards stand

function places() {
  return new Map((page?.inSight?.() ?? cards()).map((card) => [card.id, card.getBoundingClientRect()]));
}

/** A card that has just moved takes no tap for a moment: the finger was on its way to the one that stood there. */
function shield(before) {
  const moved = [...before.keys()].map((id) => document.getElementById(id)).filter((card) => {
    if (!card) return false;
    const was = before.get(card.id);
    const is = card.getBoundingClientRect();
    return Math.hypot(is.left - was.left, is.top - was.top) > 20;
  });
  for (const card of moved) card.classList.add("moved");
  setTimeout(() => moved.forEach((card) => card.classList.remove("moved")), SHIELD);
}

// ---- what the staff do

document.addEventListener("submit", (event) => {
  const sent = commandOf(event.target, submitterOf(event));
  if (!sent.address.endsWith("/do")) return;
  event.preventDefault();
  page?.sending?.(sent.command, event.target, submitterOf(event));
  event.target.closest("dialog")?.close();
  if (event.target.id !== "command") event.target.reset();
  live.send(sent);
  wearPending(live);
});

// ---- a tablet that nobody has touched for a while asks who is there

const LOCK_AFTER = Number(body.dataset.lock || 0) * MINUTE;
let touched = Date.now();
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => (touched = Date.now()), { passive: true });

function lockWhenLeft() {
  if (LOCK_AFTER && Date.now() - touched > LOCK_AFTER) document.querySelector("form.who").submit();
}

fetch("/healthz").then((answer) => {
  const told = Date.parse(answer.headers.get("Date"));
  if (Math.abs(told - Date.now()) > 2000) clockOffset = told - Date.now();
});
setInterval(() => {
  showAges();
  showFreshness();
  lockWhenLeft();
}, 500);
setInterval(leaveWhenLoggedOut, 15_000);
showAges();
showFreshness();
