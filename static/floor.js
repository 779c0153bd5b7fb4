// The floor's pages: what guests call for is heard, and money is sent in minor units.

import { board } from "./board.js";
import { minor } from "./party.js";
import { sound } from "./sound.js";

const AGAIN = 15_000; // ms between sounds for a call that nobody has taken, and a ticket that nobody sees
const heard = new Set();
let soundedAt = 0;

board({
  sending(command, form) {
    for (const field of form.querySelectorAll("input[data-money]")) command[field.name] = minor(field);
  },
  changed: listen,
});

/** What waits for somebody of the floor. */
const waiting = () => [...document.querySelectorAll("[data-call], .alarm")];

function listen() {
  const news = waiting().filter((each) => !heard.has(each.dataset.call || each.id));
  for (const each of news) heard.add(each.dataset.call || each.id);
  if (news.length) ring();
}

function ring() {
  soundedAt = Date.now();
  sound("call");
}

setInterval(() => waiting().length && Date.now() - soundedAt > AGAIN && ring(), 1000);
listen();
