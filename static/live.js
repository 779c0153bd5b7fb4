// The page's line to the server: commands out, blocks in; for guests' pages and staff's boards. All markup is the server's.

const PROTOCOL = "html.ordering.v1";
const STABLE = 10_000; // ms that a connection must last before the next loss is answered at once again
const BACK_OFF = { base: 500, cap: 15_000 }; // ms
const AGAIN = 2_000; // ms before a command is sent again that the store could not confirm
const UNANSWERED = 12_000; // ms: a line on which nothing answers a command is dead
const GIVE_UP = 24 * 3600_000; // ms for which the server remembers an op
const SLEPT = 10 * 60_000; // ms out of sight after which the page must show the truth before it takes a tap
const BLOCKED = 2; // sockets in a row that never said a word: WebSockets are blocked here, so the page asks instead
const POLLED = 30_000; // ms between new tries of a socket while the page asks
const PATIENCE = 35_000; // ms for an answer by HTTP; the server keeps a question for 25 s

/** An id for one intention: made once, kept through retries. (randomUUID is missing on plain http.) */
export function newOp() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let lastPressed;
addEventListener("click", (event) => (lastPressed = event.target.closest?.("button")), true);

/** The button that sent a form; Safari before 15.4 does not say it. */
export const submitterOf = (event) => event.submitter || (lastPressed?.form === event.target ? lastPressed : null);

const NUMBERS = new Set(["qty", "seen", "count", "people", "percent", "colour", "round"]);
const SEVERAL = new Set(["modifiers", "tags", "lines", "guests"]); // fields that come as lists
const FLAGS = new Set(["on", "shared", "looked"]);

/** The command that a form sends when `submitter` is pressed: its fields, and the query of its formaction. */
export function commandOf(form, submitter) {
  const address = new URL(submitter?.getAttribute("formaction") || form.action, location.href);
  const sent = [...new FormData(form), ...address.searchParams];
  const command = { do: new Map(sent).get("do") };
  for (const [name, value] of sent) {
    if (name === "_xsrf" || name === "back" || (name === "sitting" && command.do !== "reopen")) continue;
    const list = name.split(":")[0];
    if (SEVERAL.has(list)) command[list] = [...(command[list] || []), value];
    else if (NUMBERS.has(name) || (name === "by" && command.do === "change")) command[name] = value === "null" ? null : Number(value);
    else command[name] = FLAGS.has(name) ? value === "true" : value;
  }
  if (!/place|acknow/.test(command.do)) delete command.seen;
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
    if (!pressed.has(control.getAttribute("formaction") || control.getAttribute("href"))) control.removeAttribute("aria-busy");
  }
  for (const press of pressed) {
    if (!press) continue;
    const address = CSS.escape(press);
    for (const control of document.querySelectorAll(`[formaction="${address}"], .more[href="${address}"]`)) {
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

/** The connection. Callbacks: onPush(push, whole), onAnswer(answer, command), onBeat(beat), onState(connected).
 *  `view`: where to ask for the view when WebSockets are blocked. */
export class Live {
  constructor({ url, view, silence, onPush, onAnswer, onBeat, onState }) {
    Object.assign(this, { url, view, silence, onPush, onAnswer, onBeat, onState });
    this.key = `pending ${url.split("&lang")[0]}`;
    this.pending = new Map(Object.entries(JSON.parse(sessionStorage.getItem(this.key) || "{}")));
    this.tries = 0;
    this.mute = 0; // sockets in a row that closed without a word
    this.connect();
    addEventListener("online", () => this.lookAgain());
    addEventListener("pageshow", (event) => event.persisted && this.wake());
    document.addEventListener("visibilitychange", () => this.seen());
    for (const type of ["click", "submit"]) addEventListener(type, keepStill, true);
    setInterval(() => this.watch(), 1000);
  }

  // ---- commands: each is kept until it is answered, and they go out in the order in which they were tapped

  /** Sends a command and keeps it until it is answered, through reconnects and reloads. */
  send({ address, command, pressed }) {
    this.pending.set(command.op, { address, command, pressed, since: Date.now() });
    this.keep();
    this.deliver();
  }

  /** Sends what nobody has to be told of again: lost without harm. */
  whisper(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  keep() {
    sessionStorage.setItem(this.key, JSON.stringify(Object.fromEntries(this.pending)));
  }

  /** By the socket when it is open; else by POST; else when there is a network again. The op keeps it from counting twice. */
  deliver() {
    if (this.socket?.readyState !== WebSocket.OPEN) return void this.post();
    for (const [op, { command }] of this.pending) {
      if (this.sent.has(op)) continue;
      this.sent.add(op);
      this.socket.send(JSON.stringify(command));
    }
  }

  async post() {
    if (this.posting) return;
    this.posting = true;
    try {
      while (this.pending.size && this.socket?.readyState !== WebSocket.OPEN) {
        const [op, { address, command }] = this.pending.entries().next().value;
        const response = await ask(address, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-XSRFToken": document.querySelector("[name=_xsrf]").value },
          body: JSON.stringify({ ...command, sitting: document.body.dataset.sitting }),
        });
        if (!this.answered({ ...(await response.json()), op })) break;
      }
    } catch {
      // No network: what brings it back calls `deliver` again.
    }
    this.posting = false;
  }

  /** Whether the command is done with. */
  answered(answer) {
    const waiting = this.pending.get(answer.op);
    if (!waiting) return true;
    if (["store_away", "busy"].includes(answer.error) && Date.now() - waiting.since < GIVE_UP) {
      clearTimeout(this.again);
      this.again = setTimeout(() => {
        this.sent.clear();
        this.deliver();
      }, AGAIN);
      return false;
    }
    this.pending.delete(answer.op);
    this.keep();
    this.onAnswer(answer, waiting.command);
    return true;
  }

  // ---- the view: pushed by a socket, or asked for where there can be none

  connect() {
    this.heard = Date.now();
    this.whole = true;
    this.sent = new Set(); // ops that went out on this socket
    const socket = (this.socket = new WebSocket(new URL(this.url, location.href.replace(/^http/, "ws")), PROTOCOL));
    socket.onopen = () => {
      this.opened = Date.now();
      this.deliver();
    };
    socket.onmessage = (event) => socket === this.socket && this.hear(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  hear(message) {
    this.heard = Date.now();
    if (message.set) {
      const whole = this.whole;
      this.whole = false;
      this.mute = 0;
      this.polling?.abort();
      this.show(message, whole);
    } else if ("live" in message) this.onBeat?.(message);
    else this.answered(message);
  }

  show(push, whole) {
    this.onPush(push, whole);
    if (!whole) return;
    document.body.classList.remove("waking");
    this.onState(true);
  }

  lost(code) {
    this.mute = this.whole ? this.mute + 1 : 0;
    if (!this.polling) this.onState(false);
    if (code >= 4000) return; // ours: not to come back
    if (this.view && this.mute >= BLOCKED) this.poll();
    if (Date.now() - (this.opened || 0) > STABLE) this.tries = 0;
    const wait = this.polling ? POLLED : Math.random() * Math.min(BACK_OFF.cap, BACK_OFF.base * 2 ** this.tries++);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  /** Asks for the view again and again: the server answers when there is something new. */
  async poll() {
    if (this.polling) return;
    const polling = (this.polling = new AbortController());
    let have = "";
    let pause = BACK_OFF.base;
    while (!polling.signal.aborted) {
      try {
        const response = await ask(`${this.view}&have=${encodeURIComponent(have)}`, {}, polling.signal);
        if (!response.ok) throw new Error(response.status);
        if (response.status === 200) {
          const message = await response.json();
          if (message.set) {
            have = response.headers.get("ETag") || "";
            this.show(message, response.headers.get("View") === "whole");
          } else this.onBeat?.(message);
        }
        this.deliver();
        pause = BACK_OFF.base;
      } catch {
        if (polling.signal.aborted) break;
        this.onState(false);
        have = "";
        await new Promise((done) => setTimeout(done, Math.random() * pause));
        pause = Math.min(BACK_OFF.cap, pause * 2);
      }
    }
    this.polling = null;
  }

  reconnect() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    clearTimeout(this.timer);
    if (!this.polling) this.onState(false);
    this.connect();
  }

  /** Out of sight, or in sight again: a socket that slept may be dead without knowing. */
  seen() {
    if (document.visibilityState !== "visible") this.hidden = Date.now();
    else if (this.hidden && Date.now() - this.hidden > SLEPT) this.wake();
    else this.lookAgain();
  }

  /** Nothing on the page is to be trusted, or tapped, before the whole view has come. */
  wake() {
    document.body.classList.add("waking");
    this.polling?.abort();
    this.reconnect();
  }

  lookAgain() {
    if (this.socket?.readyState !== WebSocket.OPEN || Date.now() - this.heard > 5000) this.reconnect();
  }

  watch() {
    const open = this.socket?.readyState === WebSocket.OPEN;
    const asked = [...this.pending.values()].some((each) => Date.now() - each.since > UNANSWERED);
    if (open && Date.now() - this.heard > (asked ? UNANSWERED : this.silence)) this.reconnect();
    if (!open && this.polling && this.pending.size) this.deliver();
  }
}

function keepStill(event) {
  if (!document.body.classList.contains("waking")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** `fetch` that gives up: a line that is half open would wait for ever. */
async function ask(address, options, signal) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE);
  signal?.addEventListener("abort", () => giveUp.abort());
  try {
    return await fetch(address, { ...options, signal: giveUp.signal });
  } finally {
    clearTimeout(timer);
  }
}
