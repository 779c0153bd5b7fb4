// The kitchen's displays: tickets a page at a time, by tap, by keyboard and by bump bar; what a display has shown and a
// cook has seen is told to the store; and nothing that waits for a cook is silent.

import { board, live, serverTime, showAges } from "./board.js";
import { newOp } from "./live.js";
import { sound } from "./sound.js";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const ON_SCREEN = 500; // ms that a ticket stands on the screen before it counts as shown
const LOOKED = 2500; // … before a cook who is at the display counts as having seen it
const IN_USE = 120_000; // ms after the last touch in which somebody is at the display
const AGAIN = 8_000; // ms between sounds for a ticket that nobody has seen, or a flag that nobody has acknowledged
const REPORT_AGAIN = 10_000; // ms before what was reported in vain is reported again
const UNDO_SHOWN = 12_000; // ms
const UNDO_KEPT = 20;
const ORDER = ["queued", "cooking", "ready", "served"];
const tickets = $("#tickets");
const onScreen = new Map(); // card id → since when (ms)
const reported = new Map(); // what was told to the store → when
const heard = new Set(); // news that has sounded
const undos = []; // what this display has moved on, the last one at the end
const asked = new Map(); // op → what it would take to undo it
let touched = 0; // a display that has just been opened is not in use yet: it may have come back by itself
let soundedAt = 0;

board({
  inSight,
  changed(elements) {
    const focused = document.activeElement === document.body ? chosen : null;
    for (const element of elements) if (element.matches("article")) watcher.observe(element);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    listen();
  },
  settled: showPages,
  sending: (command, form, button) => remember(command, button),
  quiet: (command) => command.do === "shown",
  answered(answer, command) {
    const undo = asked.get(command.op);
    asked.delete(command.op);
    if (answer.ok && undo) offer(undo);
  },
});

const cards = () => [...tickets.children];

function inSight() {
  return [...onScreen.keys()].map((id) => document.getElementById(id)).filter(Boolean);
}

// ---- what is on the screen

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !target.isConnected) {
        if (!target.isConnected && document.getElementById(target.id)) continue;
        onScreen.delete(target.id);
      } else if (!onScreen.has(target.id)) onScreen.set(target.id, Date.now());
    }
    number();
    showAges(inSight());
  },
  { root: matchMedia("(max-width: 640px)").matches ? null : tickets, threshold: 0.4 },
);

/** The first nine tickets on the screen answer to the keys 1 to 9. */
function number() {
  const seen = cards().filter((card) => onScreen.has(card.id));
  seen.forEach((card, place) => ($(".place", card).textContent = place < 9 ? place + 1 : ""));
}

/** Tells the store which tickets this screen shows, and which a cook has seen who is at it. */
function report() {
  if (document.visibilityState !== "visible" || !document.body.classList.contains("proved")) return;
  const now = Date.now();
  const inUse = now - touched < IN_USE;
  for (const card of inSight()) {
    const { ticket, table, unseen } = card.dataset;
    const since = onScreen.get(card.id);
    if (!unseen || now - since < ON_SCREEN) continue;
    const looked = inUse && now - since > LOOKED;
    if (!looked && !("unshown" in card.dataset)) continue;
    const key = `${ticket} ${unseen} ${looked}`;
    if (now - (reported.get(key) || 0) < REPORT_AGAIN) continue;
    reported.set(key, now);
    live.send({ address: "/kitchen/do", command: { do: "shown", table, ticket, looked, op: newOp() } });
  }
}

// ---- pages

const pages = $(".pages");
const gap = () => parseFloat(getComputedStyle(tickets).columnGap) || 0;

function pageWidth() {
  return tickets.clientWidth + gap();
}

function showPages() {
  const width = pageWidth();
  const number = Math.max(1, Math.round((tickets.scrollWidth + gap()) / width));
  const here = Math.min(number, Math.round(tickets.scrollLeft / width) + 1);
  pages.hidden = number < 2;
  $("b", pages).textContent = `${here}/${number}`;
  pages.classList.toggle("unseen", $$("[data-unseen]", tickets).some((card) => !onScreen.has(card.id)));
}

function turn(by) {
  const page = Math.round(tickets.scrollLeft / pageWidth()) + by;
  tickets.scrollTo({ left: Math.max(0, page) * pageWidth(), behavior: "instant" });
  showPages();
}

$(".next", pages).addEventListener("click", () => turn(1));
$(".back-page", pages).addEventListener("click", () => turn(-1));
addEventListener("resize", showPages);

// ---- what must be heard

const NEWS = [
  ["unseen", "ticket"],
  ["flagged", "void"],
  ["trouble", "again"],
];

/** Whatever has come since the last time sounds once. */
function listen() {
  let kind;
  for (const [mark, word] of NEWS) {
    for (const each of $$(`[data-${mark}]`)) {
      const key = `${each.dataset.ticket} ${mark} ${each.dataset[mark]}`;
      if (heard.has(key)) continue;
      heard.add(key);
      kind = word;
    }
  }
  if (!kind) return;
  soundedAt = Date.now();
  sound(kind);
}

/** … and again, until a cook has seen it. */
function insist() {
  const limit = Number(tickets.dataset.again || 0) * 1000;
  let late = 0;
  for (const card of $$("[data-unseen]", tickets)) {
    const waits = serverTime() - Number(card.dataset.unseen) > limit;
    card.classList.toggle("again", waits);
    late += waits;
  }
  if (Date.now() - soundedAt < AGAIN) return;
  if (late) sound("again");
  else if ($("[data-flagged]", tickets)) sound("void");
  else return;
  soundedAt = Date.now();
}

// ---- undo

/** What it would take to undo this. */
function remember(command, button) {
  if (command.do !== "advance") return;
  const card = button?.closest("article");
  const lines = $$("[data-line]", card).filter(
    ({ dataset: { line, state } }) =>
      (!command.line || line === command.line) && ORDER.includes(state) && ORDER.indexOf(state) < ORDER.indexOf(command.to),
  );
  if (!lines.length) return;
  const back = Object.fromEntries(lines.map(({ dataset }) => [dataset.line, dataset.state]));
  const what = command.line ? $(".dish", lines[0]).textContent : button.textContent;
  asked.set(command.op, { table: command.table, name: $("h2 b", card).textContent, what: what.trim(), back });
}

const done = $("#done");
let doneTimer;

function offer(undo) {
  undos.push(undo);
  if (undos.length > UNDO_KEPT) undos.shift();
  const text = $("span", done);
  text.textContent = text.dataset.text.replace("{table}", undo.name).replace("{what}", undo.what);
  done.hidden = false;
  clearTimeout(doneTimer);
  doneTimer = setTimeout(() => (done.hidden = true), UNDO_SHOWN);
}

function undo() {
  const last = undos.pop();
  done.hidden = true;
  if (last) live.send({ address: "/kitchen/do", command: { do: "undo", table: last.table, back: last.back, op: newOp() } });
}

$("button", done).addEventListener("click", undo);

// ---- keyboard and bump bar

const DEFAULTS = {
  next: "ArrowRight", previous: "ArrowLeft", down: "ArrowDown", up: "ArrowUp", bump: "Enter",
  understood: "a", undo: "Backspace", recall: "r", forward: "PageDown", backward: "PageUp",
};
let keys = { ...DEFAULTS, ...JSON.parse(localStorage.getItem("keys") || "{}") };
let chosen = null;
let learning = null; // the button of the dialog that waits for a key

const ACTS = {
  next: () => choose(1),
  previous: () => choose(-1),
  down: () => chooseLine(1),
  up: () => chooseLine(-1),
  bump: () => (document.activeElement.matches(".go, .back") ? document.activeElement.click() : bump(card())),
  understood: () => $(".heed", card() || document)?.click(),
  undo,
  recall() {
    const drawer = $("#recent details");
    if (!drawer) return;
    drawer.open = true;
    $("button", drawer)?.focus();
  },
  forward: () => turn(1),
  backward: () => turn(-1),
};

const card = () => chosen && document.getElementById(chosen);
const bump = (card) => card && ($(".heed", card) || $(".all", card))?.click();

function choose(by) {
  const all = cards();
  const at = all.indexOf(card());
  const next = at < 0 ? all.find((each) => onScreen.has(each.id)) : all[Math.min(all.length - 1, Math.max(0, at + by))];
  if (!next) return;
  chosen = next.id;
  const page = Math.floor((next.offsetLeft - tickets.offsetLeft) / pageWidth());
  if (!onScreen.has(next.id)) tickets.scrollTo({ left: page * pageWidth(), behavior: "instant" });
  next.focus({ preventScroll: true });
  showPages();
}

function chooseLine(by) {
  const lines = $$(".go", card() || document).filter((each) => each.matches("button"));
  const at = lines.indexOf(document.activeElement);
  lines[Math.min(lines.length - 1, Math.max(0, at + by))]?.focus({ preventScroll: true });
}

addEventListener("keydown", (event) => {
  const { key, target } = event;
  touched = Date.now();
  if (learning) {
    event.preventDefault();
    if (key !== "Escape") keys = { ...keys, [learning.dataset.act]: key };
    localStorage.setItem("keys", JSON.stringify(keys));
    learning = null;
    showKeys();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, dialog, summary")) return;
  document.body.classList.add("keyed");
  if (/^[1-9]$/.test(key)) {
    bump(inSight().find((each) => $(".place", each).textContent === key));
    return;
  }
  const act = Object.keys(ACTS).find((name) => keys[name].toLowerCase() === key.toLowerCase());
  if (!act || (act === "bump" && !target.closest("#tickets"))) return;
  event.preventDefault();
  ACTS[act]();
});
addEventListener("pointerdown", () => (touched = Date.now()));
tickets.addEventListener("focusin", ({ target }) => (chosen = target.closest("article")?.id ?? chosen));

const dialog = $("#keys");

function showKeys() {
  for (const button of $$("[data-act]", dialog)) {
    button.classList.toggle("waiting", button === learning);
    button.textContent = button === learning ? button.dataset.waiting : keys[button.dataset.act];
  }
}

dialog.addEventListener("click", ({ target }) => {
  if (target.dataset.act) learning = target;
  else if ("reset" in target.dataset) {
    keys = { ...DEFAULTS };
    localStorage.removeItem("keys");
  } else if ("close" in target.dataset) dialog.close();
  showKeys();
});
$("#open-keys").addEventListener("click", () => {
  showKeys();
  dialog.showModal();
});

cards().forEach((card) => watcher.observe(card));
setInterval(() => {
  report();
  insist();
}, 1000);
listen();
showPages();
document.fonts.ready.then(showPages);
