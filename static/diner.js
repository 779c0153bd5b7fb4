// The guests' page. Without this file every command is a plain form, and the page a reload.

import { applyPush, commandOf, Live, say, submitterOf, wearPending } from "./live.js";

const { body } = document;
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const me = body.dataset.me;
const dialog = document.getElementById("dialog");
const SEEN_AFTER = 500; // ms that a change must have been on the screen before it counts as seen
const ASKING_AFTER = 3000; // ms without an answer after which the page says that it asks about the order
const SIGN = 20_000; // ms between signs of life, which count for 45 s
const SETTLED = 1500; // ms at a category before it is where this guest is
const FOLLOW_APART = 3000; // ms that a page stays at least before it goes where its party is
const TOAST = { news: 4500, undo: 8000, notice: 6000 }; // ms

body.classList.add("scripted-page");
history.replaceState(null, "", body.dataset.address + location.hash); // a reload stays in this sitting
$("#cookies").hidden = navigator.cookieEnabled;

// ---- what comes in

let version = Number(body.dataset.v);
let news = $("#news").dataset.v;

const live = new Live({
  url: body.dataset.live,
  view: body.dataset.view,
  silence: 35_000,
  onPush(push, whole) {
    version = push.v;
    noteVersion(push.v);
    const states = new Map($$("#rounds .line").map((line) => [line.id, line.dataset.state]));
    const changed = applyPush(push, whole);
    if (body.dataset.state !== $("#sitting").dataset.state) {
      body.dataset.state = $("#sitting").dataset.state;
      keepToSheet();
    }
    followParty();
    showMine();
    refreshSheet();
    if (!whole) changed.forEach(markJustChanged);
    for (const { id, dataset } of changed) if (/queued|cooking/.test(states.get(id)) && dataset.ready) tell(dataset.ready);
    showNews(whole);
    wearPending(live);
  },
  onAnswer(answer, sent) {
    wearPending(live);
    showAsking();
    followParty();
    if (answer.error) say(answer.message);
    else if (sent.do === "place") {
      tell($("#notice").dataset.placed.replace("{n}", answer.round));
      go("#order");
    }
    if (answer.ok) noteOwn(answer.v);
  },
  onBeat: (beat) => showLive(beat.live),
  onState(on) {
    showLive(on);
    if (on) sign();
  },
});

/** The party has moved, joined another, or this guest has gone with others: a fresh page is where they are now. */
function followParty() {
  const { at, left = "", gone } = $("#sitting").dataset;
  const here = at === body.dataset.code && gone === undefined && !left.split(" ").includes(me);
  if (here || live?.pending.size) return;
  setTimeout(() => location.replace(body.dataset.address), Math.max(0, FOLLOW_APART - performance.now()));
}

function showLive(on) {
  body.classList.toggle("is-live", on);
  body.classList.toggle("not-live", !on);
}

/** The page asks what became of an order whose answer has not come: after a lost reply, and after a reload. */
function showAsking() {
  const late = [...live.pending.values()].some(({ command, since }) => command.do === "place" && Date.now() - since > ASKING_AFTER);
  body.classList.toggle("asking", late);
}
setInterval(showAsking, 1000);

/** What is this guest's own, or away, on blocks that are the same for everyone. */
function showMine() {
  const here = $("#presence").dataset.here.split(" ");
  for (const guest of $("#guests").children) {
    guest.classList.toggle("mine", guest.dataset.guest === me);
    guest.classList.toggle("away", here[0] !== "" && guest.dataset.guest !== me && !here.includes(guest.dataset.guest));
  }
  for (const claim of $$(".claim")) claim.classList.toggle("mine", (claim.dataset.by || "").split(" ").includes(me));
  for (const share of $$(".shares [data-guest]")) share.classList.toggle("mine", share.dataset.guest === me);
  for (const word of $$("#presence [data-guest]")) word.hidden = word.dataset.guest === me;
  const share = $(`[data-guest="${CSS.escape(me)}"][data-share]`)?.dataset.share;
  if (share) $("#my-share b").textContent = share;
}

function markJustChanged(element) {
  if (element.matches(".line, .row, .round")) element.classList.add("just");
}

const QUIET = /^(more|fewer|noted|held|unheld|shared|unshared|split_)/; // shown, but not read aloud

function showNews(first) {
  const line = $("#news");
  if (line.dataset.v === news) return;
  news = line.dataset.v;
  const { act, guest } = line.dataset;
  if (first || !news || (guest === me && act !== "removed")) return;
  showFor("#news", act === "removed" ? TOAST.undo : TOAST.news);
  if (guest !== me && !QUIET.test(act)) $("#heard").textContent = $("span:not(.dot)", line).textContent;
}

/** A gentle notice: something is ready, or an order has arrived. */
function tell(sentence) {
  $("#notice").textContent = sentence;
  showFor("#notice", TOAST.notice);
  navigator.vibrate?.(80);
}

const timers = {};
function showFor(selector, time) {
  $(selector).classList.add("shown");
  clearTimeout(timers[selector]);
  timers[selector] = setTimeout(() => $(selector).classList.remove("shown"), time);
}

// ---- what this guest has seen: nobody sends what came onto the page while their finger was on its way

let seen = version;
const noted = []; // [version, when it came]
function noteVersion(v) {
  noted.push([v, performance.now()]);
  if (location.hash !== "#confirm-sheet") seen = v;
}
function noteOwn(v) {
  if (v === seen + 1) seen = v;
}
function seenByNow() {
  const now = performance.now();
  while (noted.length && now - noted[0][1] > SEEN_AFTER) seen = Math.max(seen, noted.shift()[0]);
  return Math.min(seen, version);
}

// ---- what goes out

document.addEventListener("submit", (event) => {
  event.preventDefault(); // every form but the search is a command
  if (event.target.id === "find") return;
  const sent = commandOf(event.target, submitterOf(event));
  if (sent.command.do === "place") sent.command.seen = seenByNow();
  if (dialog.open) {
    sent.pressed = dialog.dataset.from;
    dialog.close();
  }
  live.send(sent);
  wearPending(live);
});

// ---- who is where

let place = "";
let settling;
function sign() {
  if (document.visibilityState === "visible") live.whisper({ do: "here", at: place });
}
setInterval(sign, SIGN);

function moveTo(category) {
  clearTimeout(settling);
  settling = setTimeout(() => {
    if (category === place) return;
    place = category;
    sign();
  }, SETTLED);
}

// ---- parts of the page that lie over the menu, opened by their address

function go(hash) {
  if (location.hash && location.hash !== hash) location.replace(hash);
}

/** The button that sends comes up where the finger is still: a double tap must not send what nobody has read. A key
 *  (`detail` 0) is no finger. */
let asked = 0;
addEventListener(
  "click",
  (event) => {
    if (event.target.closest('[href="#confirm-sheet"]')) asked = event.timeStamp;
    else if (event.target.closest("#confirm .primary") && event.detail && event.timeStamp - asked < 500) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);

addEventListener("hashchange", showSheet);
function showSheet() {
  if (location.hash === "#confirm-sheet") seen = version;
  const sheet = keepToSheet();
  if (sheet) {
    sheet.tabIndex = -1;
    sheet.focus({ preventScroll: true });
  }
}

/** While a sheet lies over the page, nothing behind it can be reached. Returns that sheet. */
function keepToSheet() {
  const sheet = $(".sheet:target");
  const over = sheet && getComputedStyle(sheet).position === "fixed" ? sheet : null;
  for (const part of $$("header, main, .dock, .sheet")) part.inert = Boolean(over) && part !== over;
  return over;
}
addEventListener("resize", keepToSheet);

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || dialog.open) return;
  if (!find.hidden) openFind(false);
  else $(".sheet:target .close")?.click();
});

// ---- a dish's sheet and a line's note: a dialog where the browser has one, else the page behind the link

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a");
  if (!link) return;
  if (link.hasAttribute("data-close") && dialog.open) {
    event.preventDefault();
    dialog.close();
  }
  const item = new URLSearchParams(link.search).get("dish");
  if (!dialog.showModal || !(item || link.dataset.line)) return;
  event.preventDefault();
  dialog.replaceChildren($(item ? "#sheet-item" : "#sheet-note").content.cloneNode(true));
  dialog.dataset.item = item || "";
  dialog.dataset.from = item ? link.getAttribute("href") : "";
  (item ? fillItem : fillNote)($("form", dialog), link.dataset);
  dialog.showModal();
  dialog.scrollTop = 0;
});

function fillItem(form) {
  const dish = document.getElementById(`dish-${dialog.dataset.item}`);
  form.dataset.price = dish.dataset.price;
  $("[name=item]", form).value = dialog.dataset.item;
  $(".title", form).textContent = $("h3", dish).textContent;
  for (const part of [".other", ".about", ".tags"]) $(part, form).innerHTML = $(part, dish)?.innerHTML || "";
  const look = $(".tile", dish).cloneNode(true);
  $("img", look)?.setAttribute("sizes", "(min-width: 600px) 560px, 100vw");
  $(".look", form).replaceChildren(look);
  const choices = document.getElementById(`choices-${dialog.dataset.item}`);
  if (choices) $(".choices", form).append(choices.content.cloneNode(true));
  $$("fieldset", form).forEach(limitChoices);
  showCost(form);
  refreshSheet();
}

function fillNote(form, { line, note, name }) {
  $("[name=line]", form).value = line;
  $("[name=note]", form).value = note;
  $("h2", form).textContent = name;
}

/** What is left, when it is served and whom it concerns, as the card behind the sheet says it now. */
function refreshSheet() {
  const row = dialog.open || dialog.dataset.item ? document.getElementById(`item-${dialog.dataset.item}`) : null;
  const form = $("form", dialog);
  if (!row || !form) return;
  const now = $(".now", form);
  const words = $$(".warn, .few", row).map((word) => word.cloneNode(true));
  if (now.textContent.trim() !== words.map((word) => word.textContent).join("").trim()) now.replaceChildren(...words);
  $(".primary", form).disabled = !$(".more", row);
}

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
  const by = Number(event.target.dataset?.by);
  if (!by) return;
  const qty = $("[name=qty]", dialog);
  qty.value = Math.min(99, Math.max(1, Number(qty.value) + by));
  showCost(qty.form);
});
dialog.addEventListener("input", (event) => {
  const group = event.target.closest("fieldset");
  if (group) limitChoices(group);
  showCost(event.target.form);
});
dialog.addEventListener("close", () => (dialog.dataset.item = ""));

/** More than a group allows can't be ticked, and fewer than it needs can't be sent. */
function limitChoices(group) {
  const boxes = $$("[type=checkbox]", group);
  if (!boxes.length) return;
  const chosen = boxes.filter((box) => box.checked).length;
  for (const box of boxes) box.disabled = chosen >= Number(group.dataset.max) && !box.checked;
  boxes[0].setCustomValidity(chosen < Number(group.dataset.min) ? $("legend", group).textContent : "");
}

function showCost(form) {
  const cost = $(".cost", form);
  if (!cost) return;
  const extras = $$("[data-extra]", form).filter((choice) => choice.checked);
  const each = extras.reduce((sum, choice) => sum + Number(choice.dataset.extra), Number(form.dataset.price));
  cost.textContent = money(Math.max(0, each) * Math.max(1, Number($("[name=qty]", form).value)));
}

function money(amount) {
  const digits = amount % 100 ? 2 : 0;
  const format = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits });
  return body.dataset.money.replace("{n}", format.format(amount / 100));
}

// ---- search and filters: on the page itself, so that they work in a basement, too

const find = $("#find");
const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
/** As it is heard: what many type for the same sound. */
const sounded = (text) => text.replace(/([zcs])h/g, "$1").replace(/ng/g, "n").replace(/v/g, "u");
const LATIN = /^[a-z0-9]+$/;
const dishes = $$(".dish").map((element) => {
  const [whole = "", initials = ""] = element.dataset.find.split(" ");
  const words = plain($$("h3, .other", element).map((part) => part.textContent).join(" "));
  return {
    element,
    text: plain($(".text", element).textContent),
    words: words.split(/[^a-z0-9]+/).filter(Boolean),
    whole: sounded(whole),
    initials,
    tags: element.dataset.tags.split(" "),
  };
});

function said(dish, query) {
  const typed = query.replace(/\s+/g, "");
  return dish.text.includes(query) || (LATIN.test(typed) && (dish.whole.includes(sounded(typed)) || dish.initials.includes(typed)));
}

/** What somebody may have meant who mistyped; only asked when nothing is called so. */
function meant(dish, query) {
  const typed = query.replace(/\s+/g, "");
  if (!LATIN.test(typed)) return false;
  const heard = sounded(typed);
  if (heard.length > 4 && distance(heard, dish.whole, true) <= 1) return true;
  return query.split(/\s+/).every((part) => dish.words.some((word) => near(part, word)));
}

/** Whether somebody who typed this may have meant that word, or its beginning. */
function near(typed, word) {
  if (word.startsWith(typed)) return true;
  const slips = typed.length > 7 ? 2 : typed.length > 2 ? 1 : 0;
  if (!slips || (typed.length < 5 && typed[0] !== word[0])) return false;
  return [-1, 0, 1].some((more) => distance(typed, word.slice(0, typed.length + more)) <= slips);
}

/** Letters that are wrong, missing, too many or swapped with their neighbour (optimal string alignment); `within`:
 *  compared with whichever part of the other comes nearest. */
function distance(one, other, within) {
  let before = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => (within ? 0 : at));
  for (let i = 1; i <= one.length; i++) {
    const now = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      now[j] = Math.min(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (swapped) now[j] = Math.min(now[j], before[j - 2] + 1);
    }
    before = last;
    last = now;
  }
  return within ? Math.min(...last) : last[other.length];
}

function search() {
  const query = plain(find.elements.q.value.trim());
  const chosen = (name) => $$(`[name=${name}]:checked`, find).map((box) => box.value);
  const only = chosen("only");
  const without = chosen("without");
  const fitting = dishes.filter(
    ({ tags }) => only.every((tag) => tags.includes(tag)) && !without.some((tag) => tags.includes(tag)),
  );
  const named = fitting.filter((dish) => said(dish, query));
  const hits = new Set(named.length ? named : fitting.filter((dish) => meant(dish, query)));
  const shown = hits.size;
  for (const dish of dishes) dish.element.classList.toggle("hide", !hits.has(dish));
  for (const section of $$(".category")) section.classList.toggle("hide", !$(".dish:not(.hide)", section));
  const { some, none } = $(".found").dataset;
  $(".found").textContent = query || only.length || without.length ? (shown ? some.replace("{n}", shown) : none) : "";
}

const searchButton = $("#search");
function openFind(open) {
  find.hidden = !open;
  body.classList.toggle("finding", open);
  searchButton.setAttribute("aria-expanded", open);
  if (open) {
    scrollTo(0, 0);
    find.elements.q.focus();
  } else {
    find.reset();
    searchButton.focus({ preventScroll: true });
  }
  search();
}
searchButton.addEventListener("click", () => openFind(find.hidden));
$(".end", find).addEventListener("click", () => openFind(false));
find.addEventListener("input", search);
for (const link of $$(".categories a")) link.addEventListener("click", () => find.hidden || openFind(false));

// ---- the category bar follows the scroll

const links = new Map($$(".categories a").map((link) => [link.hash.slice(1), link]));
const observer = new IntersectionObserver(follow, { rootMargin: "-12% 0px -80% 0px" });
for (const section of $$(".category")) observer.observe(section);

function follow(entries) {
  for (const { target, isIntersecting } of entries) links.get(target.id)?.classList.toggle("on", isIntersecting);
  const on = $(".categories .on");
  on?.parentElement.scrollTo({ left: on.offsetLeft - 60 });
  if (on) moveTo(on.hash.slice(5));
}

showMine();
showSheet();
