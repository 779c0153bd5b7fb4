// The plan of the house: tables are dragged, or moved with the arrow keys; where one is let go, it stands.

import { newOp } from "./live.js";

const STEP = 2; // per cent for an arrow key
const SETTLED = 500; // ms after the last key before it is saved
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const timers = new Map();

const inside = (per) => Math.round(Math.min(100, Math.max(0, per)));

function put(table, x, y) {
  Object.assign(table.dataset, { x: inside(x), y: inside(y) });
  table.style.left = `${table.dataset.x}%`;
  table.style.top = `${table.dataset.y}%`;
}

async function save(table) {
  const command = { do: "arrange", op: newOp(), table: table.dataset.table, x: Number(table.dataset.x), y: Number(table.dataset.y) };
  const headers = { "Content-Type": "application/json", "X-XSRFToken": table.parentElement.dataset.xsrf };
  const line = document.getElementById("alert");
  try {
    const answer = await (await fetch("/manage/do", { method: "POST", headers, body: JSON.stringify(command) })).json();
    line.textContent = answer.message || "";
  } catch (error) {
    line.textContent = String(error);
  }
  line.hidden = !line.textContent;
}

for (const table of document.querySelectorAll(".house button")) {
  put(table, Number(table.dataset.x), Number(table.dataset.y));
  table.addEventListener("pointerdown", (event) => table.setPointerCapture(event.pointerId));
  table.addEventListener("pointermove", (event) => {
    if (!table.hasPointerCapture(event.pointerId)) return;
    const house = table.parentElement.getBoundingClientRect();
    put(table, ((event.clientX - house.left) / house.width) * 100, ((event.clientY - house.top) / house.height) * 100);
    table.classList.add("dragged");
  });
  table.addEventListener("pointerup", () => {
    if (table.classList.contains("dragged")) save(table);
    table.classList.remove("dragged");
  });
  table.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    put(table, Number(table.dataset.x) + arrow[0] * STEP, Number(table.dataset.y) + arrow[1] * STEP);
    clearTimeout(timers.get(table));
    timers.set(table, setTimeout(() => save(table), SETTLED));
  });
}
