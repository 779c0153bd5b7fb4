// The floor's pages: what guests call for is heard, by the waiter of the table first and by everyone after a while; and
// money is sent in minor units.

import { board, serverTime } from "./board.js";
import { minor } from "./party.js";
import { sound } from "./sound.js";

const AGAIN = 15_000; // ms between sounds for what nobody has taken
const THEIRS_FIRST = 60_000; // ms for which only the waiter of a table hears of it
const { body } = document;
const mine = document.getElementById("mine"); // not on a table's own page
const plan = document.getElementById("plan"); // as well
const heard = new Set();
let soundedAt = 0;

board({
  sending(command, form) {
    for (const field of form.querySelectorAll("input[data-money]")) command[field.name] = minor(field);
    if (command.method && command.method !== "cash") delete command.given;
    if (command.do !== "part") {
      delete command.lines; // what is ticked is about parting only
      delete command.guests;
    }
    if (command.do === "discount") command.percent ||= 0;
  },
  changed() {
    listen();
    if (document.activeElement === body && asked) document.querySelector(`main [data-ask=${asked}]`)?.focus();
  },
});

let asked = ""; // which dialog's button had the focus last: it may have gone with its block
document.addEventListener("focusin", ({ target }) => {
  if (!target.closest("dialog")) asked = target.dataset.ask || "";
});

/** Whether this concerns whoever looks: their table, nobody's, or one whose waiter has not come. */
function concerns(element) {
  const { waiter = "", since } = element.closest("[data-waiter]")?.dataset ?? {};
  return !waiter || waiter === body.dataset.me || (since && serverTime() - Number(since) > THEIRS_FIRST);
}

/** What waits for somebody of the floor. */
const waiting = () => [...document.querySelectorAll("[data-call], .alarm")].filter(concerns);

function listen() {
  const troubles = document.querySelectorAll("[data-trouble]"); // heard once: whoever can mend it knows
  const name = ({ id, dataset }) => dataset.call || dataset.trouble || id;
  const news = [...waiting(), ...troubles].filter((each) => !heard.has(name(each)));
  for (const each of news) heard.add(name(each));
  if (news.length) ring();
  showMine();
  showPlan();
}

function ring() {
  soundedAt = Date.now();
  sound("call");
}

/** On the plan each table stands where it stands in the house. */
function showPlan() {
  if (!plan) return;
  const on = plan.getAttribute("aria-pressed") === "true";
  body.classList.toggle("plan", on);
  for (const table of document.querySelectorAll(".table[data-x]")) {
    table.style.left = on ? `${table.dataset.x}%` : "";
    table.style.top = on ? `${table.dataset.y}%` : "";
  }
}

function showMine() {
  const only = mine?.getAttribute("aria-pressed") === "true";
  for (const table of document.querySelectorAll(".table[data-waiter], .alarm")) {
    table.classList.toggle("own", table.dataset.waiter === body.dataset.me);
    table.classList.toggle("theirs", only && !concerns(table));
  }
}

for (const button of [mine, plan]) {
  button?.setAttribute("aria-pressed", localStorage.getItem(button.id) === "true");
  button?.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    localStorage.setItem(button.id, on);
    showMine();
    showPlan();
  });
}

setInterval(() => {
  listen();
  if (waiting().length && Date.now() - soundedAt > AGAIN) ring();
}, 1000);
listen();
