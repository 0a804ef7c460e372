// What is live on a page follows what is committed.
//
// The stream says which parts changed, never what they show: each part is fetched again, and the server decides anew
// what may be seen. After every connection all parts are fetched, so nothing is missed while there was none.
//
//   <section id="queue" data-live="desk" data-live-src="/portal/desk/queue/part">…</section>
//
// data-live: the topics it shows, separated by blanks. data-live-say: what is said to those who do not see the page when
// it changes. data-live-outdates: what no longer holds once it has changed (a selector). data-live-every: seconds after
// which it is fetched again though nothing happened, as it tells how long ago something was, or that it is late. Where many pages hear of the same, the server says over which time they are to spread their fetches.
//
// data-rights (with an id) is on what is not live and goes by the reader's rights: when these may be others, the page is
// asked for once more, and what it shows there now is put in its place. One that is not for them any more is left.

import { settle, whereActsAre } from "./steady.js";

const STREAM = "/portal/live";
const PATIENCE = 3000; // milliseconds a line may be down before it is told
const SILENT = 45000; // milliseconds without a sign after which a line is taken for dead: the server beats every 15 s
const SLOWEST = 20000; // milliseconds an answer may take
const BEHIND = 2; // fetches of a part that fail one after the other until it is told that what is shown may be old
const GAP = 300; // milliseconds between two fetches of one part
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 30000;
const SHOWN = 5000; // milliseconds that "up to date again" stands
const RECONNECT_SPREAD = 4000; // milliseconds: all pages of a process come back at once
const CHECKS = 5000; // milliseconds between two looks whether the page may still be shown
const ANY = "*";
// Nobody did anything: it keeps nobody signed in, and what is in the background was not read.
const asks = () => ({ Accept: "text/html", "X-Live": "1", "X-Seen": document.hidden ? "0" : "1" });
const { pushWho = "", viewing = "" } = document.documentElement.dataset; // whose page it is, as it was loaded

const listeners = new Map(); // topic -> functions
const parts = new WeakMap(); // element -> what is under way
const state = { source: null, isUp: false, isTold: false, isOver: false, tries: 0, heardAt: 0, downSince: 0, wasUp: false, lookedAt: -Infinity, misses: 0 };
const timers = {};

function later(name, milliseconds, what) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(what, milliseconds);
}

function elements() {
  return document.querySelectorAll("[data-live][data-live-src]");
}

/** Calls `fn(topics)` whenever a nudge names `topic`, or may: after a time without a line. Returns what ends that. */
export function onTopic(topic, fn) {
  const called = listeners.get(topic) ?? new Set();
  listeners.set(topic, called.add(fn));
  return () => called.delete(fn);
}

/** Fetches the parts that show one of `topics` again. */
export function refresh(topics = [ANY], spread = 0) {
  const isAll = topics.includes(ANY);
  const isNamed = (element) => element.dataset.live.split(/\s+/).some((one) => topics.includes(one));
  for (const element of elements()) if (isAll || isNamed(element)) fetchSoon(element, spread);
  for (const [topic, called] of listeners) if (isAll || topics.includes(topic)) for (const fn of called) fn(topics);
}

// --- parts -----------------------------------------------------------------------------------------------------------

function fetchSoon(element, spreadOver = 0) {
  const part = parts.get(element) ?? { isWaiting: false, isFetching: false, isStale: false, failures: 0, fetchedAt: 0 };
  parts.set(element, part);
  if (part.isFetching || part.isWaiting) {
    part.isStale = part.isFetching; // once more when this one is there
    return;
  }
  part.isWaiting = true;
  clearTimeout(part.timer);
  const spread = spreadOver * Math.random();
  const wait = Math.max(0, part.fetchedAt + GAP - performance.now());
  part.timer = setTimeout(() => fetchNow(element, part), spread + wait);
}

async function fetchNow(element, part) {
  part.isWaiting = false;
  if (!element.isConnected || state.isOver) return;
  part.isFetching = true;
  part.isStale = false;
  try {
    const answer = await fetch(element.dataset.liveSrc, {
      credentials: "same-origin",
      redirect: "manual",
      headers: asks(),
      cache: "no-store",
      signal: AbortSignal.timeout(SLOWEST),
    });
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      over();
      return;
    }
    if (answer.status === 403 || answer.status === 404) {
      // What may not be seen any more does not stay on the screen.
      if (element.childNodes.length) element.replaceChildren();
      lookAgain();
    } else if (isAnothers(answer)) {
      leave();
      return;
    } else if (answer.ok) {
      swap(element, await answer.text());
    } else {
      throw new Error(String(answer.status));
    }
    part.failures = 0;
  } catch {
    part.failures += 1;
    if (part.failures >= BEHIND) tellDown();
    part.isStale = false;
    part.isWaiting = true;
    part.timer = setTimeout(() => fetchNow(element, part), backoff(part.failures));
  } finally {
    part.isFetching = false;
    part.fetchedAt = performance.now();
    if (part.isStale) fetchSoon(element);
    else caughtUp();
  }
}

function backoff(tries) {
  return Math.min(FIRST_RETRY * 2 ** (tries - 1), LONGEST_RETRY) * (0.5 + Math.random() / 2);
}

// --- whose page it is, and whether it may still be shown ---------------------------------------------------------------

/** Says whether somebody else is answered by now: another signed in, or support began or stopped to look on. */
function isAnothers(answer) {
  const differs = (name, own) => (answer.headers.get(name) ?? own) !== own;
  return answer.ok && Boolean(pushWho || viewing) && (differs("X-Who", pushWho) || differs("X-Viewing", viewing));
}

const isOwnPage = () => document.body.classList.contains("simple");

/** Takes what was shown off the screen: whoever sits there now need not be who was signed in. */
function cover() {
  document.title = document.title.split(" · ").at(-1);
  document.getElementById("main")?.replaceChildren();
  for (const named of document.querySelectorAll(".bar .who, .viewing, .toast, dialog")) named.remove();
}

/** Leaves the page for what its address shows now. */
function leave() {
  if (state.isOver) return;
  state.isOver = true;
  close();
  cover();
  location.replace(location.pathname + location.search);
}

function lookAgain(spread = 0) {
  // A resident's own pages go by nobody's consent.
  if (isOwnPage() || timers.look) return;
  const since = performance.now() - state.lookedAt;
  const wait = state.misses ? backoff(state.misses) : 0; // many pages ask: a server that is down must get up again
  later("look", Math.max(wait, CHECKS - since) + spread * Math.random(), look);
}

function missed() {
  state.misses += 1;
  lookAgain();
}

async function look() {
  timers.look = null;
  if (state.isOver) return;
  state.lookedAt = performance.now();
  let answer = null, text = "";
  try {
    answer = await fetch(location.pathname + location.search, {
      credentials: "same-origin",
      redirect: "manual",
      headers: asks(),
      cache: "no-store",
      signal: AbortSignal.timeout(SLOWEST),
    });
    text = await answer.text();
  } catch {
    missed(); // the answer may be lost, and what it would have said still holds
    return;
  }
  if (answer.status === 429 || answer.status >= 500) return void missed();
  state.misses = 0;
  if (answer.status === 403 || answer.status === 404 || isAnothers(answer)) leave();
  else if (answer.ok) showAnew(text);
}

function showAnew(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const element of document.querySelectorAll("[data-rights][id]")) {
    const now = fresh.getElementById(element.id);
    if (now) morph(element, document.importNode(now, true));
    else element.replaceChildren();
  }
}

// --- putting the new in the place of the old -------------------------------------------------------------------------

function swap(element, text) {
  const parsed = new DOMParser().parseFromString(text, "text/html");
  // A part answers with the element itself, or with what is in it.
  const found = element.id ? parsed.getElementById(element.id) : null;
  const fresh = document.importNode(found ?? parsed.body, true);
  const before = element.textContent;
  const kept = remember(element);
  const acts = whereActsAre();
  morph(element, fresh);
  recall(element, kept);
  if (element.dataset.liveOutdates && element.textContent !== before) {
    for (const outdated of document.querySelectorAll(element.dataset.liveOutdates)) outdated.remove();
  }
  settle(acts);
  if (element.dataset.liveSay && element.textContent !== before) say(element.dataset.liveSay);
  element.dispatchEvent(new CustomEvent("live:swapped", { bubbles: true }));
}

/** Makes the children of `old` those of `fresh`, and leaves alone what is the same: focus, scroll and media stay. */
function morph(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) if (child.id) keyed.set(child.id, child);
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    let match = next.id ? keyed.get(next.id) : null;
    if (!match && place && isAlike(place, next)) match = place;
    if (!match) {
      old.insertBefore(next, place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else old.insertBefore(match, place);
    update(match, next);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function isAlike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");
}

function update(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.isEqualNode(fresh)) return;
  const isLive = old.hasAttribute("data-live-src"); // a part of its own within this one
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isOwn(old, name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!isOwn(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.nodeName === "TEXTAREA" && !isTyped(old)) old.defaultValue = fresh.defaultValue;
  else if (!isLive || fresh.childNodes.length) morph(old, fresh);
}

/** What the reader has set, not the server. */
function isOwn(element, name) {
  return (name === "open" && element.nodeName === "DETAILS") || (name === "value" && isTyped(element));
}

function isTyped(field) {
  if (!("defaultValue" in field) || field.type === "hidden") return false;
  return field.type === "checkbox" || field.type === "radio"
    ? field.checked !== field.defaultChecked
    : field.value !== field.defaultValue;
}

// What is the same element after the swap has kept what was done with it. What was replaced by one of the same name has
// it given back: the fields of a form, the focus and where the caret stands, what was scrolled.

function nameOf(field) {
  const form = field.form;
  return field.id || `${form?.id || form?.getAttribute("action") || ""}|${field.name}|${field.type}`
    + (field.type === "radio" || field.type === "checkbox" ? `|${field.value}` : "");
}

function fieldsOf(element) {
  return [...element.querySelectorAll("input, textarea, select")].filter((one) => one.type !== "hidden");
}

function remember(element) {
  const typed = new Map();
  for (const field of fieldsOf(element)) {
    if (field.nodeName === "SELECT") {
      const isChosen = [...field.options].some((one) => one.selected !== one.defaultSelected);
      if (isChosen) typed.set(nameOf(field), { value: field.value, node: field });
    } else if (field.type !== "file" && isTyped(field)) {
      typed.set(nameOf(field), { value: field.value, isChecked: field.checked, node: field });
    }
  }
  const active = document.activeElement;
  const isWithin = active && active !== element && element.contains(active);
  const focus = isWithin ? { node: active, name: "form" in active ? nameOf(active) : active.id, caret: caretOf(active) } : null;
  return { typed, focus, scroll: [element.scrollTop, element.scrollLeft] };
}

function caretOf(field) {
  try {
    return [field.selectionStart, field.selectionEnd];
  } catch {
    return [null, null]; // of what has no caret
  }
}

function recall(element, { typed, focus, scroll }) {
  let again = null;
  for (const field of fieldsOf(element)) {
    const known = typed.get(nameOf(field));
    if (known && !(known.node === field && known.value === field.value)) {
      if (field.type === "checkbox" || field.type === "radio") field.checked = known.isChecked;
      else field.value = known.value;
    }
    if (focus && nameOf(field) === focus.name) again = field;
  }
  [element.scrollTop, element.scrollLeft] = scroll;
  if (!focus || focus.node === document.activeElement) return;
  again = element.contains(focus.node) ? focus.node : (again ?? byName(element, focus.name));
  if (!again) {
    // What had the focus is gone: the reader stays where they were, and does not begin at the top of the page.
    again = element;
    if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
  }
  again.focus({ preventScroll: true });
  if (focus.caret[0] !== null && again.setSelectionRange) again.setSelectionRange(...focus.caret);
}

function byName(element, name) {
  if (!name) return null;
  return [...element.querySelectorAll("button, a, [id]")].find((one) => one.id === name || ("form" in one && nameOf(one) === name)) ?? null;
}

// --- what is said ----------------------------------------------------------------------------------------------------

/** Says something to those who do not see the page, in their own time, and the same only once in a while. */
function say(text) {
  later("say", 1000, () => {
    let voice = document.getElementById("live-voice");
    if (!voice) {
      voice = document.createElement("p");
      voice.id = "live-voice";
      voice.className = "unseen";
      voice.setAttribute("role", "status");
      document.body.append(voice);
    }
    voice.textContent = "";
    later("said", 100, () => { voice.textContent = text; });
  });
}

function banner() {
  return document.getElementById("line-status");
}

/** Whether something that is shown could not be fetched again: the line alone does not make a page true. */
function isBehind() {
  return [...elements()].some((element) => (parts.get(element)?.failures ?? 0) >= BEHIND);
}

function tellDown() {
  const line = banner();
  if (!line || state.isOver || (state.isUp && !isBehind())) return;
  state.isTold = true;
  clearTimeout(timers.hide);
  line.classList.remove("up");
  line.textContent = line.dataset.down;
  line.hidden = false;
}

/** Says "up to date again" once it is so: the line is up, and all that was fetched since is there. */
function caughtUp() {
  if (!state.isTold || !state.isUp) return;
  for (const element of elements()) {
    const part = parts.get(element);
    if (part && (part.isWaiting || part.isFetching || part.failures)) return;
  }
  state.isTold = false;
  const line = banner();
  line.classList.add("up");
  line.textContent = line.dataset.up;
  later("hide", SHOWN, () => {
    line.hidden = true;
    line.textContent = "";
  });
}

/** Whoever is signed out is told so, and how to come back; nothing is asked for any more. */
function over() {
  if (state.isOver) return;
  state.isOver = true;
  mark("over");
  close();
  for (const timer of Object.values(timers)) clearTimeout(timer);
  if (!isOwnPage()) cover();
  const line = banner();
  if (!line) return;
  const link = document.createElement("a");
  link.href = `/portal/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = line.dataset.signIn;
  line.classList.remove("up");
  line.replaceChildren(line.dataset.over, " ", link);
  line.hidden = false;
}

// --- the line --------------------------------------------------------------------------------------------------------

function close() {
  state.source?.close();
  state.source = null;
  state.isUp = false;
}

/** For looks and scripts: whether the line is up, down or over. */
function mark(word) {
  document.documentElement.dataset.line = word;
}

function isDown() {
  if (state.isUp || !state.downSince) state.downSince = performance.now();
  state.isUp = false;
  mark("down");
  if (state.isTold) tellDown();
  else if (!timers.down) later("down", PATIENCE, tellDown);
}

function isUp() {
  state.isUp = true;
  mark("up");
  state.tries = 0;
  state.downSince = 0;
  clearTimeout(timers.down);
  timers.down = null;
  heard();
  // What waits to be tried again is tried now.
  for (const element of elements()) if (parts.get(element)?.failures) parts.get(element).isWaiting = false;
  refresh();
  if (state.wasUp || state.misses) {
    // What ended while there was no line was not heard of.
    clearTimeout(timers.look);
    timers.look = null;
    state.misses = 0;
    lookAgain(RECONNECT_SPREAD);
  }
  state.wasUp = true;
  if (!elements().length) caughtUp();
}

function heard() {
  state.heardAt = performance.now();
}

function connect() {
  close();
  if (state.isOver) return;
  const source = new EventSource(STREAM);
  state.source = source;
  heard();
  source.addEventListener("ready", isUp);
  source.addEventListener("beat", heard);
  source.addEventListener("changed", (event) => {
    heard();
    const { topics, spread } = JSON.parse(event.data);
    refresh(topics, spread);
    if (topics.includes(ANY)) lookAgain(spread);
  });
  source.addEventListener("over", over);
  source.addEventListener("error", () => {
    if (state.source !== source) return;
    isDown();
    // A line that broke is tried again by the browser; one that was refused is not.
    if (source.readyState === EventSource.CLOSED) ask();
  });
}

/** Finds out why a line was refused: whoever is signed out is told so, else it is tried again later. */
async function ask() {
  close();
  state.tries += 1;
  const stop = new AbortController();
  const tooLong = setTimeout(() => stop.abort(), SLOWEST); // a net that swallows everything answers nothing, either
  try {
    const answer = await fetch(STREAM, { credentials: "same-origin", redirect: "manual", cache: "no-store", signal: stop.signal });
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      over();
      return;
    }
  } catch {
    // nobody answers
  } finally {
    clearTimeout(tooLong);
    stop.abort();
  }
  later("connect", backoff(state.tries), connect);
}

/** A line that has not given a sign for long is dead, whatever the browser thinks: phones sleep, networks change. */
function lookAfter() {
  // Also of a page in the background: at the desk it is heard, not seen.
  if (state.isOver || !state.source) return;
  if (performance.now() - state.heardAt > SILENT) {
    isDown();
    connect();
  }
}

/** What tells how long ago something was grows old by itself; what nobody sees is fetched once it is seen. */
function growOld() {
  if (state.isOver || document.hidden) return;
  for (const element of elements()) {
    const part = parts.get(element);
    const every = Number(element.dataset.liveEvery ?? 0) * 1000;
    if (every && performance.now() - (part?.fetchedAt ?? 0) >= every) fetchSoon(element);
  }
}

function begin() {
  connect();
  setInterval(lookAfter, 5000);
  setInterval(growOld, 5000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || state.isOver) return;
    // A phone that slept may have a line that only looks alive.
    if (performance.now() - state.heardAt > SILENT) connect();
    else refresh();
  });
  addEventListener("online", connect);
  addEventListener("offline", () => {
    isDown();
    tellDown();
  });
  // A page that the browser kept and shows again, and one that is left.
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  addEventListener("pagehide", close);
}

if (document.getElementById("line-status")) begin();
