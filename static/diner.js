// The guests' page. Without this file every command is a plain form and the page a reload; with it the page lives.

import { applyPush, commandOf, Live, say, wearPending } from "./live.js";

const { body } = document;
const me = body.dataset.me;
const dialog = document.getElementById("dialog");
const SEEN_AFTER = 500; // ms that a change must have been on the screen before it counts as seen

history.replaceState(null, "", body.dataset.address + location.hash); // a reload stays in this sitting

// ---- what comes in

let version = Number(body.dataset.v);
let news = document.getElementById("news").dataset.v;

const live = new Live({
  url: body.dataset.live,
  silence: 35_000,
  onPush(push, whole) {
    version = push.v;
    noteVersion(push.v);
    const changed = applyPush(push, whole);
    body.dataset.state = document.getElementById("sitting").dataset.state;
    showMine();
    if (!whole) changed.forEach(markJustChanged);
    showNews(whole);
    wearPending(live);
  },
  onAnswer(answer, sent) {
    wearPending(live);
    if (answer.error) say(answer.message);
    else if (sent.do === "place") go("#order");
    if (answer.ok) noteOwn(answer.v);
  },
  onBeat: (beat) => showLive(beat.live),
  onState: showLive,
});

function showLive(on) {
  body.classList.toggle("is-live", on);
  body.classList.toggle("not-live", !on);
}

function showMine() {
  for (const guest of document.getElementById("guests").children) guest.classList.toggle("mine", guest.dataset.guest === me);
  const share = document.querySelector(`[data-guest="${CSS.escape(me)}"][data-share]`)?.dataset.share;
  if (share) document.querySelector("#my-share b").textContent = share;
}

function markJustChanged(element) {
  if (element.matches(".line, .row, .round")) element.classList.add("just");
}

let toastTimer;
function showNews(first) {
  const line = document.getElementById("news");
  if (line.dataset.v === news) return;
  news = line.dataset.v;
  if (first || !news || line.dataset.guest === me) return;
  line.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => document.getElementById("news").classList.remove("shown"), 4500);
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
addEventListener("hashchange", () => {
  if (location.hash === "#confirm-sheet") seen = version;
});
function seenByNow() {
  const now = performance.now();
  while (noted.length && now - noted[0][1] > SEEN_AFTER) seen = Math.max(seen, noted.shift()[0]);
  return Math.min(seen, version);
}

// ---- what goes out

document.addEventListener("submit", (event) => {
  const sent = commandOf(event.target, event.submitter);
  if (!sent.address.endsWith("/do")) return;
  event.preventDefault();
  if (sent.command.do === "place") sent.command.seen = seenByNow();
  live.send(sent);
  if (dialog.open) dialog.close();
  wearPending(live);
});

function go(hash) {
  if (location.hash && location.hash !== hash) location.replace(hash);
}

// ---- sheets: a dialog where the browser has one, else the page behind the link

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a");
  if (!link) return;
  if (link.hasAttribute("data-close") && dialog.open) {
    event.preventDefault();
    dialog.close();
  }
  const item = link.pathname.match(/\/item\/([^/]+)$/)?.[1];
  const sheet = document.getElementById(item ? `sheet-${item}` : "sheet-note");
  if (!dialog.showModal || !sheet || !(item || link.dataset.line)) return;
  event.preventDefault();
  dialog.replaceChildren(sheet.content.cloneNode(true));
  if (!item) fillNote(dialog.querySelector("form"), link.dataset);
  dialog.showModal();
});

function fillNote(form, { line, note, name }) {
  form.line.value = line;
  form.note.value = note;
  form.querySelector("h2").textContent = name;
}

dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("change", limitChoices);

/** More than a group allows can't be ticked. */
function limitChoices(event) {
  const group = event.target.closest("fieldset");
  if (!group) return;
  const boxes = [...group.querySelectorAll("[type=checkbox]")];
  const full = boxes.filter((box) => box.checked).length >= Number(group.dataset.max);
  for (const box of boxes) box.disabled = full && !box.checked;
}

// ---- the category bar follows the scroll

const links = new Map([...document.querySelectorAll(".categories a")].map((link) => [link.hash.slice(1), link]));
const observer = new IntersectionObserver(follow, { rootMargin: "-70px 0px -75% 0px" });
for (const section of document.querySelectorAll("main > section")) observer.observe(section);

function follow(entries) {
  for (const { target, isIntersecting } of entries) links.get(target.id)?.classList.toggle("on", isIntersecting);
  const on = document.querySelector(".categories .on");
  on?.parentElement.scrollTo({ left: on.offsetLeft - 60 });
}

showMine();
