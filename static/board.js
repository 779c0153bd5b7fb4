// The staff's boards: kitchen and floor. Silence never looks like "no orders": without a proof within three seconds the
// whole page says that it may be out of date.

import { minor } from "./party.js";
import { applyPush, commandOf, Live, say, submitterOf, wearPending } from "./live.js";

const { body } = document;
const STALE = 3000; // ms without a proof that this page's number is the store's
const WARN = 8 * 60_000; // ms: a ticket's age turns amber
const LATE = 15 * 60_000; // … and red
const SHIELD = 400; // ms that a card which has moved takes no tap
const ROW = 8; // px: a row of .tickets.packed in board.css
const GAP = 14; // px between tickets
const words = document.getElementById("ages").dataset;
const tickets = document.getElementById("tickets"); // kitchen only
const scroller = document.querySelector("main");
const more = document.getElementById("more"); // kitchen only
let proved = now();
let denied = false; // the server itself says that it has lost the store
let clockOffset = 0; // this device's clock against the server's, so that ages are right on a tablet that is late

const live = new Live({
  url: body.dataset.live,
  silence: 5000,
  onPush(push, whole) {
    showNumber(push.v);
    const before = places();
    const scrolled = scroller.scrollTop;
    const changed = applyPush(push, whole);
    showAges();
    pack();
    scroller.scrollTop = scrolled;
    for (const element of changed) {
      if (!element.matches(CARD)) continue;
      if (!before.has(element.id)) element.classList.add("new");
      else if (!whole) element.classList.add("just");
    }
    shield(before);
    wearPending(live);
  },
  onAnswer(answer) {
    wearPending(live);
    if (answer.error) say(answer.message);
  },
  onBeat(beat) {
    showNumber(beat.v);
    denied = !beat.live;
    if (beat.live) proved = now();
    showFreshness();
  },
  onState: () => showFreshness(),
});

// ---- how fresh it is

/** Both clocks: the first stands still while some tablets sleep, the second can be set. */
function now() {
  return { steady: performance.now(), wall: Date.now() };
}

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
  for (const place of document.querySelectorAll("p .age")) place.textContent = ago(age);
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

function showAges() {
  const time = Date.now() + clockOffset;
  for (const place of document.querySelectorAll("time[data-at]")) {
    const age = Math.max(0, time - Number(place.dataset.at));
    place.textContent = place.dataset.minutes?.replace("{n}", Math.floor(age / 60_000)) ?? clock(age);
    const ticket = place.closest(".ticket");
    if (ticket && !("waits" in ticket.dataset)) ticket.dataset.age = age > LATE ? "late" : age > WARN ? "warn" : "fresh";
  }
}

function clock(ms) {
  const minutes = Math.floor(ms / 60_000);
  return `${minutes}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;
}

// ---- where the cards stand

const CARD = ".ticket, .table";

function places() {
  const cards = [...document.querySelectorAll(CARD)];
  return new Map(cards.map((card) => [card.id, card.getBoundingClientRect()]));
}

/** Tickets of unequal height, read row by row, without holes: each spans as many small rows as it is high. */
function pack() {
  if (!tickets) return;
  tickets.classList.add("packed");
  const cards = [...tickets.children];
  const heights = cards.map((card) => card.offsetHeight);
  cards.forEach((card, place) => (card.style.gridRowEnd = `span ${Math.ceil((heights[place] + GAP) / ROW)}`));
  showMore();
}

/** How many tickets begin below what is in sight. */
function showMore() {
  if (!tickets) return;
  const end = scroller.getBoundingClientRect().bottom - 60;
  const below = [...tickets.children].filter((card) => card.getBoundingClientRect().top > end).length;
  more.hidden = !below;
  more.textContent = below;
}

/** A card that has just moved takes no tap for a moment: the finger was on its way to the one that stood there. */
function shield(before) {
  const moved = [...places()].filter(([id, is]) => {
    const was = before.get(id);
    return was && Math.hypot(is.left - was.left, is.top - was.top) > 20;
  });
  const cards = moved.map(([id]) => document.getElementById(id));
  for (const card of cards) card.classList.add("moved");
  setTimeout(() => cards.forEach((card) => card.classList.remove("moved")), SHIELD);
}

// ---- what the staff do

document.addEventListener("submit", (event) => {
  const sent = commandOf(event.target, submitterOf(event));
  if (!sent.address.endsWith("/do")) return;
  event.preventDefault();
  for (const field of event.target.querySelectorAll("input[data-money]")) sent.command[field.name] = minor(field);
  event.target.closest("dialog")?.close();
  if (event.target.id !== "command") event.target.reset();
  live.send(sent);
  wearPending(live);
});

more?.addEventListener("click", () => scroller.scrollBy({ top: scroller.clientHeight * 0.8, behavior: "smooth" }));
scroller.addEventListener("scroll", showMore, { passive: true });
addEventListener("resize", pack);

fetch("/healthz").then((answer) => {
  const told = Date.parse(answer.headers.get("Date"));
  if (Math.abs(told - Date.now()) > 2000) clockOffset = told - Date.now();
});
setInterval(() => {
  showAges();
  showFreshness();
}, 500);
setInterval(leaveWhenLoggedOut, 15_000);
showAges();
showFreshness();
pack();
document.fonts.ready.then(pack);
