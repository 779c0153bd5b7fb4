// The page's line to the server: commands out, blocks in. Shared by the guests' page and the staff's boards.
// Markup comes only from the server; there is no text of ours in here.

const PROTOCOL = "html.ordering.v1";
const STABLE = 10_000; // ms that a connection must last before the next loss is answered at once again
const BACK_OFF = { base: 500, cap: 15_000 }; // ms
const AGAIN = 2_000; // ms before a command is sent again that the store could not confirm
const GIVE_UP = 24 * 3600_000; // ms for which the server remembers an op

/** An id for one intention: made once, kept through retries. (randomUUID is missing on plain http.) */
export function newOp() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const NUMBERS = new Set(["qty", "by", "seen", "count"]);

/** The command that a form sends when `submitter` is pressed: its fields, and the query of its formaction. */
export function commandOf(form, submitter) {
  const address = new URL(submitter?.getAttribute("formaction") || form.action, location.href);
  const command = { modifiers: [] };
  for (const [name, value] of [...new FormData(form), ...address.searchParams]) {
    if (name === "_xsrf" || name === "sitting" || name === "back") continue;
    if (name.split(":")[0] === "modifiers") command.modifiers.push(value);
    else if (NUMBERS.has(name)) command[name] = value === "null" ? null : Number(value);
    else command[name] = name === "on" ? value === "true" : value;
  }
  if (command.do !== "add") delete command.modifiers;
  if (command.do !== "place") delete command.seen;
  return { address: address.pathname, command: { ...command, op: newOp() }, pressed: submitter?.getAttribute("formaction") };
}

let alertTimer;

/** Says a sentence of the server's where nobody overlooks it. */
export function say(sentence) {
  const line = document.getElementById("alert");
  line.textContent = sentence;
  line.hidden = false;
  clearTimeout(alertTimer);
  alertTimer = setTimeout(() => (line.hidden = true), 7000);
}

/** A control wears "pending" until its command is answered, also when its block was replaced meanwhile. */
export function wearPending(live) {
  const pressed = new Set([...live.pending.values()].map((waiting) => waiting.pressed));
  for (const control of document.querySelectorAll("[aria-busy=true]")) {
    if (!pressed.has(control.getAttribute("formaction"))) control.removeAttribute("aria-busy");
  }
  for (const press of pressed) {
    if (!press) continue;
    for (const control of document.querySelectorAll(`[formaction="${CSS.escape(press)}"]`)) {
      control.setAttribute("aria-busy", "true");
    }
  }
}

/** Puts the blocks of a push in place without moving what the reader looks at. Returns the elements that are new or
 *  other than before. `whole`: nothing else may remain in the containers. */
export function applyPush(push, whole) {
  const anchor = anchorInSight();
  const focus = focusedControl();
  const changed = [];
  for (const id of push.gone) document.getElementById(id)?.remove();
  for (const [id, html] of Object.entries(push.set)) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.firstElementChild;
    const old = document.getElementById(id);
    if (!old) homeless.set(id, fresh);
    else if (old.outerHTML === fresh.outerHTML) continue;
    else old.replaceWith(keepOpen(old, fresh));
    changed.push(fresh);
  }
  for (const [name, ids] of Object.entries(push.order)) arrange(name, ids, whole);
  homeless.clear();
  focus?.();
  anchor?.();
  return changed;
}

const homeless = new Map(); // blocks that are new, until their container is arranged

function arrange(name, ids, whole) {
  const container = document.getElementById(name);
  if (!container) return;
  const wanted = ids.map((id) => homeless.get(id) || document.getElementById(id)).filter(Boolean);
  wanted.forEach((element, place) => {
    if (container.children[place] !== element) container.insertBefore(element, container.children[place] || null);
  });
  if (whole) while (container.children.length > wanted.length) container.lastElementChild.remove();
}

/** What a reader has opened stays open when the block is replaced. */
function keepOpen(old, fresh) {
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, place) => (details.open = open[place] || details.open));
  return fresh;
}

/** Remembers where the reader looks: the first block below the top edge; returns what puts it back there. */
function anchorInSight() {
  if (scrollY < 2) return null;
  const x = Math.min(innerWidth / 2, 200);
  for (let y = 80; y < innerHeight - 100; y += 60) {
    const block = document.elementFromPoint(x, y)?.closest("[id]");
    if (!block || block.contains(document.querySelector("main")) || getComputedStyle(block).position === "fixed") continue;
    const { id } = block;
    const top = block.getBoundingClientRect().top;
    return () => {
      const now = document.getElementById(id)?.getBoundingClientRect().top;
      if (now !== undefined && Math.abs(now - top) > 1) scrollBy({ top: now - top, behavior: "instant" });
    };
  }
  return null;
}

/** Remembers which control has the focus; returns what gives it back to its successor in the new block. */
function focusedControl() {
  const control = document.activeElement;
  const block = control?.closest?.("[id]");
  if (!block || control === document.body) return null;
  const key = control.getAttribute("formaction") || control.getAttribute("href");
  if (!key) return null;
  return () => {
    if (document.contains(control)) return;
    const place = document.getElementById(block.id) || document;
    const same = place.querySelector(`[formaction="${CSS.escape(key)}"], [href="${CSS.escape(key)}"]`);
    (same || place.querySelector("button, a"))?.focus({ preventScroll: true });
  };
}

/** The connection. Callbacks: onPush(push, whole), onAnswer(answer, command), onBeat(beat), onState(connected). */
export class Live {
  constructor({ url, silence, onPush, onAnswer, onBeat, onState }) {
    Object.assign(this, { url, silence, onPush, onAnswer, onBeat, onState });
    this.key = `pending ${url.split("&lang")[0]}`;
    this.pending = new Map(Object.entries(JSON.parse(sessionStorage.getItem(this.key) || "{}")));
    this.tries = 0;
    this.connect();
    addEventListener("online", () => this.lookAgain());
    addEventListener("pageshow", (event) => event.persisted && this.reconnect());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.lookAgain());
    setInterval(() => this.watch(), 1000);
  }

  /** Sends a command and keeps it until it is answered, through reconnects and reloads. */
  send({ address, command, pressed }) {
    this.pending.set(command.op, { address, command, pressed, since: Date.now() });
    this.keep();
    this.deliver(command.op);
  }

  keep() {
    sessionStorage.setItem(this.key, JSON.stringify(Object.fromEntries(this.pending)));
  }

  connect() {
    this.heard = Date.now();
    this.whole = true;
    const socket = (this.socket = new WebSocket(new URL(this.url, location.href.replace(/^http/, "ws")), PROTOCOL));
    socket.onopen = () => {
      this.opened = Date.now();
      for (const op of this.pending.keys()) this.deliver(op);
    };
    socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  hear(message) {
    this.heard = Date.now();
    if (message.set) {
      const whole = this.whole;
      this.whole = false;
      this.onPush(message, whole);
      if (whole) this.onState(true);
    } else if ("live" in message) this.onBeat?.(message);
    else this.answered(message);
  }

  answered(answer) {
    const waiting = this.pending.get(answer.op);
    if (!waiting) return;
    if (answer.error === "store_away" && Date.now() - waiting.since < GIVE_UP) {
      setTimeout(() => this.deliver(answer.op), AGAIN);
      return;
    }
    this.pending.delete(answer.op);
    this.keep();
    this.onAnswer(answer, waiting.command);
  }

  /** By the socket when it is open; else by POST; else when there is a socket again. The op keeps it from counting twice. */
  async deliver(op) {
    const waiting = this.pending.get(op);
    if (!waiting) return;
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(waiting.command));
      return;
    }
    try {
      const response = await fetch(waiting.address, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-XSRFToken": document.querySelector("[name=_xsrf]").value },
        body: JSON.stringify({ ...waiting.command, sitting: document.body.dataset.sitting }),
      });
      this.answered(await response.json());
    } catch {
      // No network: `onopen` sends it.
    }
  }

  lost(code) {
    this.onState(false);
    if (code >= 4000) return; // ours: not to come back
    if (Date.now() - (this.opened || 0) > STABLE) this.tries = 0;
    const wait = Math.random() * Math.min(BACK_OFF.cap, BACK_OFF.base * 2 ** this.tries++);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  reconnect() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    clearTimeout(this.timer);
    this.onState(false);
    this.connect();
  }

  /** The page is looked at again, or the network is back: a socket that slept may be dead without knowing. */
  lookAgain() {
    if (this.socket?.readyState !== WebSocket.OPEN || Date.now() - this.heard > 5000) this.reconnect();
  }

  watch() {
    if (this.socket?.readyState === WebSocket.OPEN && Date.now() - this.heard > this.silence) this.reconnect();
  }
}
