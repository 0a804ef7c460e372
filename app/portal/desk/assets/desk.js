// The desk: a sound and a number on the tab while alarms wait, and everything by keyboard.
const AGAIN = 8_000; // milliseconds between two sounds while something waits
const UNHEARD = 20_000; // milliseconds without a line after which the desk is told: nothing that comes in would be heard
const KEPT = "hearthline.desk.sound";
const title = document.title;
const button = document.getElementById("sound");
let sounding = null; // an AudioContext, once somebody pressed the button: browsers play nothing before
let isWanted = localStorage.getItem(KEPT) === "on";
let runs = false;
let known = new Set();
let downSince = 0;

function waiting() {
  const said = document.getElementById("waiting")?.dataset.waiting ?? "";
  return said.split(" ").filter(Boolean);
}

function tone(context, frequency, at) {
  const voice = context.createOscillator();
  const loudness = context.createGain();
  voice.frequency.value = frequency;
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(0.35, at + 0.02);
  loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.4);
  voice.connect(loudness).connect(context.destination);
  voice.start(at);
  voice.stop(at + 0.45);
}

function play(first, second) {
  if (!runs) return;
  const now = sounding.currentTime;
  tone(sounding, first, now);
  tone(sounding, second, now + 0.45);
  document.documentElement.dataset.sounded = String(Number(document.documentElement.dataset.sounded ?? 0) + 1);
}

const sound = () => play(880, 660);

/** Sounds again and again while something waits, and lower while nobody could hear of it. */
function again() {
  const isDown = ["down", "over"].includes(document.documentElement.dataset.line);
  downSince = isDown ? downSince || performance.now() : 0;
  if (waiting().length) sound();
  else if (isDown && performance.now() - downSince > UNHEARD) play(330, 330);
}

function look() {
  if (!document.getElementById("waiting")) return;
  const now = waiting();
  const wanted = now.length ? `(${now.length}) ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
  if (now.some((id) => !known.has(id))) sound();
  known = new Set(now);
}

/** The button says what is so, not what was asked for: a device can take the sound away at any time. */
function show() {
  const before = runs;
  runs = isWanted && sounding?.state === "running";
  if (!button) return;
  button.setAttribute("aria-pressed", String(runs));
  button.classList.toggle("needs", isWanted && !runs);
  button.querySelector("span").textContent = runs ? button.dataset.on : button.dataset.off;
  if (runs && !before && waiting().length) sound();
}

function begin() {
  if (!sounding) {
    sounding = new AudioContext();
    sounding.addEventListener("statechange", show);
  }
  sounding.resume().catch(() => {}); // never answered where the browser wants a press first
}

function turn(on) {
  isWanted = on;
  localStorage.setItem(KEPT, on ? "on" : "off");
  if (on) begin();
  else sounding?.suspend();
  show();
}

const cards = () => [...document.querySelectorAll(".queue [data-alarm]")];
let chosenId = "";

function choose(step) {
  const all = cards();
  if (!all.length) return;
  const at = all.findIndex((card) => card.dataset.alarm === chosenId);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  chosenId = next.dataset.alarm;
  mark();
  next.querySelector(".who a").focus();
  next.scrollIntoView({ block: "nearest" });
}

function mark() {
  for (const card of cards()) card.classList.toggle("chosen", card.dataset.alarm === chosenId);
}

function chosen() {
  return document.getElementById(`alarm-${chosenId}`);
}

const does = {
  j: () => choose(1),
  ArrowDown: () => choose(1),
  k: () => choose(-1),
  ArrowUp: () => choose(-1),
  c: () => (document.getElementById("act-claim") ?? chosen()?.querySelector("form button"))?.click(),
  q: () => document.getElementById("back")?.click(),
  s: () => button && turn(!runs),
  "?": () => document.getElementById("keys")?.showModal(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest?.("input, select, textarea, dialog[open]")) return;
  const act = does[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

button?.addEventListener("click", () => turn(!runs));
document.getElementById("keys-button")?.addEventListener("click", () => does["?"]());

// Whoever had it on is asked by any press: browsers let no page make a sound before one, and devices take it away.
for (const press of ["pointerup", "keydown"]) {
  addEventListener(press, (event) => {
    if (isWanted && !runs && !button?.contains(event.target)) begin();
  }, { capture: true });
}

// How long ago something was goes on while nothing is fetched.
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const said = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const begun = new WeakMap(); // element -> what it said, and when that was

function grow() {
  for (const element of document.querySelectorAll("time[data-seconds]")) {
    const given = element.dataset.seconds;
    if (begun.get(element)?.given !== given) begun.set(element, { given, at: performance.now() });
    else {
      const seconds = Number(given) + Math.floor((performance.now() - begun.get(element).at) / 1000);
      // As the server rounds: a minute is said from 72 seconds on. What is days away is a date, and stays it.
      if (Math.abs(seconds) >= 6 * 86400) continue;
      const [unit, length] = UNITS.find(([name, one]) => name === "second" || Math.abs(seconds) >= 1.2 * one);
      const text = said.format(-Math.round(seconds / length), unit);
      if (element.textContent !== text) element.textContent = text;
    }
  }
}
if (document.querySelector(".queue, .deskalarm, #queue")) {
  grow();
  setInterval(grow, 1000);
}

// What was asked and done at an alarm stays ticked: the page is another after each press.
const TICKED = "hearthline.desk.ticked.";
const TICKS_KEPT = 86_400_000; // milliseconds after which the ticks of an alarm are let go
const script = document.querySelector("[data-ticks]");

function ticked() {
  try {
    return JSON.parse(localStorage.getItem(TICKED + script.dataset.ticks))?.ticks ?? [];
  } catch {
    return [];
  }
}

function letGo() {
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(TICKED)) continue;
    let at = 0;
    try {
      at = JSON.parse(localStorage.getItem(key)).at;
    } catch {
      // not ours, or not whole
    }
    if (!(Date.now() - at < TICKS_KEPT)) localStorage.removeItem(key);
  }
}

if (script) {
  letGo();
  const kept = new Set(ticked());
  const boxes = [...script.querySelectorAll("[data-tick]")];
  for (const box of boxes) box.checked = kept.has(box.dataset.tick);
  script.addEventListener("change", () => {
    const ticks = boxes.filter((box) => box.checked).map((box) => box.dataset.tick);
    localStorage.setItem(TICKED + script.dataset.ticks, JSON.stringify({ at: Date.now(), ticks }));
  });
}

const followed = document.getElementById("queue") ?? document.getElementById("waits");
if (followed) {
  new MutationObserver(() => {
    look();
    mark();
  }).observe(followed, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-waiting"] });
  if (isWanted) begin();
  show();
  look();
  setInterval(again, AGAIN);
}
