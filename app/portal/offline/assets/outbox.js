// A form with `data-outbox="<kind>"` is kept on the device before it is sent, and sent once, whatever the line does.
//
//   <form method="post" action="/me/check-in" data-outbox="check_in" data-outbox-says="I'm fine">…</form>
//
// data-outbox-says: what the list of what is not sent calls it (else the words on the button). data-outbox-again: the
// form can be filled in again at once (a message); any other is shut once it was sent off. data-outbox-stay: the page
// stays as it is after it was taken. data-outbox-urgent: goes before everything else and waits for nothing.
// Told on `document`: "outbox:changed", "outbox:sent" and "outbox:refused", each with {item, answer}.

import { made, row } from "./rows.js";
import { forgetOthers } from "./seen.js";
import { itemsOf, keepItem } from "./store.js";
import { sendFor } from "./sending.js";

const LOCK = "hearthline-outbox";
const FIRST_RETRY = 2_000;
const LONGEST_RETRY = 60_000;
const LONGEST_URGENT = 8_000;
const SOON = 1_500; // milliseconds within which what is sent needs no line in the list
const HELP_PATIENCE = 5_000; // milliseconds within which a call for help may be on its way
const SAID_LARGER = new Set(["sos", "sos_back"]); // one's own call for help has a place of its own
const OWN = new Set(["csrf", "key"]);

const root = document.documentElement;
const who = root.dataset.pushWho ?? "";
const list = document.querySelector("[data-outbox-list]");
const words = list?.dataset ?? {};
const mine = new Map(); // key -> the form of this page it was given by
const channel = "BroadcastChannel" in window ? new BroadcastChannel(LOCK) : null;
const tries = { ordinary: 0, urgent: 0 };
const timers = {};
let isSignedOut = false;

/** Whether the browser can do what is needed here; else a form is the plain one. */
export const isAble = typeof crypto.randomUUID === "function" && typeof AbortSignal.timeout === "function";

function tellPage(name, detail) {
  document.dispatchEvent(new CustomEvent(`outbox:${name}`, { detail }));
}

function clockTime(instant) {
  const timeZone = root.dataset.zone; // what the server wrote beside it is in the person's, wherever the device is
  const day = (at) => new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone }).format(at);
  const at = new Date(instant);
  const style = day(at) === day(new Date()) ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(root.lang, { ...style, timeZone }).format(at);
}

// --- taking what is pressed ------------------------------------------------------------------------------------------

function fieldsOf(form, button) {
  const fields = [];
  let key = "";
  for (const [name, value] of new FormData(form, button)) {
    if (name === "key") key = value;
    if (OWN.has(name) || (typeof value !== "string" && !value.size && !value.name)) continue;
    fields.push([name, value]);
  }
  // A copy of a page is the same each time it is opened: its key may have been another form's by now.
  return { fields, key: key && !root.dataset.keptAt ? key : crypto.randomUUID() };
}

function shut(form, isShut) {
  for (const button of form.querySelectorAll("button")) {
    if (isShut) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
  if (isShut) form.dataset.kept = "1";
  else delete form.dataset.kept;
}

function renew(form) {
  form.reset();
  renewKey(form);
}

/** Keeps an item of the person of this page and sends it; throws where the device keeps nothing. */
export async function keep({ kind, says, action, fields, key, urgent = false, given = Date.now(), ...more }) {
  const item = await keepItem({ who, kind, says, action, fields, key, urgent, given, state: "waiting", ...more });
  changed();
  send();
  return item;
}

async function take(event) {
  const form = event.target;
  if (!form.dataset?.outbox || form.method !== "post" || !who || !isAble || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.kept) return;
  const given = Date.now();
  const button = event.submitter;
  const { fields, key } = fieldsOf(form, button);
  const { outbox: kind, outboxSays, outboxUrgent, outboxAgain } = form.dataset;
  shut(form, true);
  const item = {
    kind, key, fields, given,
    says: outboxSays || button?.textContent.trim() || form.textContent.trim().slice(0, 80),
    action: new URL(form.action).pathname + new URL(form.action).search,
    urgent: outboxUrgent !== undefined,
  };
  try {
    mine.set(key, form);
    await keep(item);
    if (outboxAgain !== undefined) {
      renew(form);
      shut(form, false);
    }
  } catch {
    mine.delete(key);
    sendPlain(form, button);
  }
}

// The device keeps nothing: then it is the plain form, or it is said that nothing was sent.
function sendPlain(form, button) {
  shut(form, false);
  if (!navigator.onLine) {
    warn(words.lost);
    return;
  }
  warn(words.full);
  if (button?.name) {
    const hidden = document.createElement("input");
    Object.assign(hidden, { type: "hidden", name: button.name, value: button.value });
    form.append(hidden);
  }
  form.submit();
}

function warn(text) {
  const said = document.createElement("p");
  said.className = "trouble";
  said.setAttribute("role", "alert");
  said.textContent = text ?? "";
  (list ?? document.querySelector("main")).before(said);
  said.scrollIntoView({ block: "nearest" });
}

// --- sending ---------------------------------------------------------------------------------------------------------

function came({ what, item, answer }) {
  tellPage(what, { item, answer });
  channel?.postMessage({ what, kind: item.kind, key: item.key });
  const form = mine.get(item.key);
  if (what === "refused") return void (form && giveBack(form));
  mine.delete(item.key);
  if (form && isDone(form)) leadTo(answer?.next);
  else if (!item.urgent) sayGone();
}

const isDone = ({ dataset }) => dataset.outboxStay === undefined && dataset.outboxAgain === undefined;
// The worker or another tab was quicker: what was pressed on this page does not stand here as if it still waited.
function heard({ what, kind, key }) {
  changed();
  if (what === "sent") tellPage("elsewhere", { what, kind, key });
  const form = mine.get(key);
  if (!form) return;
  if (what === "refused") giveBack(form);
  else if (isDone(form)) leadTo();
  else sayGone();
}

const giveBack = (form) => { shut(form, false); renewKey(form); };

function renewKey(form) {
  const key = form.elements.namedItem("key");
  if (key) key.value = crypto.randomUUID();
}

// The page one would be on had the form been sent by the browser.
function leadTo(next) {
  // A browser takes a backslash for a slash, so where an address leads is asked of it, not read off its beginning.
  if (typeof next === "string" && next.startsWith("/") && new URL(next, location).origin === location.origin) location.assign(next);
  else location.reload();
}

function sayGone() {
  const said = document.querySelector("[data-outbox-said]");
  if (!said || !words) return;
  said.textContent = `${said.dataset.sent} (${clockTime(Date.now())})`;
  said.hidden = false;
}

/** Sends what waits, at once; what is urgent waits for nothing and nobody. */
export function send() {
  if (!who) return;
  run("urgent", () => sendFor(who, true, came), LONGEST_URGENT);
  const locked = () => (navigator.locks ? navigator.locks.request(LOCK, () => sendFor(who, false, came)) : sendFor(who, false, came));
  run("ordinary", locked, LONGEST_RETRY);
}

const running = {};

async function run(lane, work, longest) {
  clearTimeout(timers[lane]);
  if (running[lane]) {
    running[lane].isMore = true;
    return;
  }
  running[lane] = { isMore: false };
  let how = "again";
  try {
    how = await work();
  } catch {
    // The device keeps nothing: there is nothing to send.
    how = "done";
  }
  const { isMore } = running[lane];
  running[lane] = null;
  if (how === "another") return anotherIsHere();
  isSignedOut = how === "nobody";
  if (how === "done") tries[lane] = 0;
  else askForSync();
  if (how === "again" || how === "nobody") tellPage("again", { lane });
  changed();
  if (isMore) return void run(lane, work, longest);
  if (how === "again" || how === "nobody") {
    tries[lane] += 1;
    const wait = Math.min(FIRST_RETRY * 2 ** (tries[lane] - 1), longest) * (0.75 + Math.random() / 4);
    timers[lane] = setTimeout(() => run(lane, work, longest), how === "nobody" ? longest : wait);
  }
}

// Somebody else has signed in in another tab: this page is theirs no more.
async function anotherIsHere() {
  document.body.hidden = true;
  await forgetOthers("").catch(() => {});
  location.reload();
}

function askForSync() {
  navigator.serviceWorker?.ready.then((registration) => registration.sync?.register(LOCK)).catch(() => {});
}

// --- what is not sent yet --------------------------------------------------------------------------------------------

const drawing = { again: null };

function changed() {
  draw().catch(() => {});
}

async function draw() {
  clearTimeout(drawing.again);
  const items = who ? await itemsOf(who) : [];
  tellPage("changed", { items });
  if (!list) return;
  sayUnsentHelp(items);
  const now = Date.now();
  const shown = items.filter((one) => !SAID_LARGER.has(one.kind) && (one.state !== "waiting" || now - one.given > SOON));
  if (items.some((one) => one.state === "waiting" && now - one.given <= SOON)) drawing.again = setTimeout(changed, SOON);
  const rows = list.querySelector("[data-outbox-items]");
  const said = shown.map((item) => ({ item, state: stateOf(item), given: words.given.replace("{at}", clockTime(item.given)), isSignedOut }));
  const wanted = JSON.stringify(said.map(({ item, state, given }) => [item.id, item.says, item.said, state, given]));
  if (rows.dataset.drawn !== wanted) {
    rows.replaceChildren(...said.map((one) => row(one, words, { send, changed })));
    rows.dataset.drawn = wanted;
  }
  list.hidden = shown.length === 0;
}

// On pages that say no more of it: that a call for help has not arrived is never left unsaid.
function sayUnsentHelp(items) {
  const isUnsent = items.some((one) => one.kind === "sos" && Date.now() - one.given > HELP_PATIENCE);
  let said = document.getElementById("sos-unsent");
  if (!isUnsent || document.getElementById("sos")) {
    said?.remove();
    return;
  }
  if (said) return;
  said = made("p", "", "trouble");
  said.id = "sos-unsent";
  said.setAttribute("role", "alert");
  const link = made("a", words.help);
  link.href = words.helpAt;
  said.append(link);
  list.before(said);
}

function stateOf(item) {
  if (item.state === "gone") return words.gone;
  if (item.state === "refused") return item.isUnsure ? words.unsure : words.refused;
  if (isSignedOut) return words.signedOut;
  return tries.ordinary ? words.waiting : words.sending;
}

function isFilledIn() {
  return [...document.querySelectorAll("input, textarea")].some((one) => one.type !== "hidden"
    && (one.type === "file" ? one.files.length : one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked : one.value !== one.defaultValue));
}

// --- pages that are copies, and going away ---------------------------------------------------------------------------

function sayCopy() {
  const note = document.querySelector("[data-kept-note]");
  if (!note || !root.dataset.keptAt) return;
  note.textContent = note.dataset.says.replace("{at}", clockTime(root.dataset.keptAt));
  note.hidden = false;
}

async function refreshCopy() {
  // One that the device could not keep is sent by this page alone.
  const isCalling = () => ["sending", "unsent"].includes(document.getElementById("sos")?.dataset.state);
  if (!root.dataset.keptAt || isCalling()) return;
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5_000) });
    if (answer.status < 500 && !document.activeElement?.matches("input, textarea, select") && !isFilledIn() && !isCalling()) location.reload();
  } catch {
    // Still no line.
  }
}

// Signed out here at once, whether the server hears of it or not.
async function leave(event) {
  const form = event.target;
  if (new URL(form.action).pathname !== "/portal/sign-out") return;
  event.preventDefault();
  await forgetOthers("").catch(() => {});
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { "X-Outbox": "1" },
      credentials: "same-origin",
      signal: AbortSignal.timeout(15_000),
    });
    if (!answer.ok && answer.status !== 401) throw new Error(String(answer.status));
    const said = await answer.json().catch(() => null);
    location.replace(typeof said?.next === "string" ? said.next : "/portal/sign-in");
  } catch {
    warn(words.leave);
  }
}

async function beKept() {
  const { outboxWorker, outboxScope } = root.dataset;
  if (!("serviceWorker" in navigator) || !outboxWorker || !who || root.dataset.keptAt) return;
  await navigator.serviceWorker.register(outboxWorker, { scope: outboxScope });
  const registration = await navigator.serviceWorker.ready;
  registration.active?.postMessage({ keep: true });
  navigator.storage?.persist?.().catch(() => {}); // what is not sent yet is not thrown away when room is short
}

addEventListener("submit", take, { capture: true });
addEventListener("submit", (event) => { if (!event.defaultPrevented) leave(event); });
addEventListener("online", () => { tries.ordinary = tries.urgent = 0; send(); refreshCopy(); });
addEventListener("pageshow", send);
document.addEventListener("visibilitychange", () => { if (!document.hidden) send(); });
channel?.addEventListener("message", ({ data }) => heard(data ?? {}));
sayCopy();
changed();
send();
beKept().catch(() => {});
if (root.dataset.keptAt) setInterval(refreshCopy, 20_000);
