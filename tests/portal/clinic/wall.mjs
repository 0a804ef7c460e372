// Lets the screen on the wall hang for hours: node wall.mjs <display.js>, with what happens as JSON on standard input,
// [[seconds, answer, page], ...]: until then the board and the screen's own page are answered so (a number is a status).
// Prints what is seen after each of them: the numbers, whether it says that it is out of date, how often it was loaded.

import { readFileSync } from "node:fs";

const script = readFileSync(process.argv[2], "utf8");
const { starts, zone, steps, kept } = JSON.parse(readFileSync(0, "utf8"));
let now = Date.parse(starts);
const timers = [];
let loads = 0;
let pressed = "false";
let answer = null;
let page = 200;

const real = { Date, setImmediate };
globalThis.Date = class extends real.Date {
  constructor(...given) { super(...(given.length ? given : [now])); }
  static now() { return now; }
};
globalThis.setTimeout = (act, wait) => { timers.push({ at: now + wait, act }); };
globalThis.setInterval = (act, wait) => { timers.push({ at: now + wait, act, every: wait }); };
globalThis.AbortSignal = { timeout: () => null };
globalThis.location = { href: "/display", reload: () => { loads += 1; } };
globalThis.sessionStorage = { getItem: () => kept, setItem: () => {} };
Object.defineProperty(globalThis, "navigator", { value: {} });
globalThis.AudioContext = class { state = "suspended"; async resume() { this.state = "running"; } };
globalThis.fetch = async (address) => {
  const given = address === "/part" ? answer : page;
  if (given === null) throw new TypeError("no line");
  if (typeof given === "number") return { ok: given < 300, status: given, text: async () => '<main id="board">' };
  return { ok: true, status: 200, text: async () => JSON.stringify(given) };
};
globalThis.DOMParser = class {
  parseFromString(text) {
    return { getElementById: () => {
      const { version, numbers } = JSON.parse(text);
      return { dataset: { version, newest: "" }, numbers };
    } };
  }
};
const board = {
  dataset: { src: "/part", version: "1" }, classList: { toggle: () => {} }, shown: { numbers: ["0"] },
  replaceChildren(node) { this.shown = node ?? { numbers: [] }; },
  querySelector() { return this.shown.numbers.length ? {} : null; },
};
const down = { hidden: true };
const found = {
  board, down, clock: { dataset: { zone }, textContent: "" }, now: { dataset: { newest: "" } },
  sound: { addEventListener: () => {}, getAttribute: () => pressed, setAttribute: (_, value) => { pressed = value; } },
};
globalThis.document = {
  getElementById: (id) => found[id], addEventListener: () => {}, visibilityState: "visible", importNode: (node) => node,
};
(0, eval)(`(() => {${script}})()`);

const settled = () => new Promise((done) => { real.setImmediate(() => real.setImmediate(done)); });
await settled();
const seen = [];
for (const [seconds, board_, page_] of steps) {
  [answer, page] = [board_, page_ ?? 200];
  const until = now + seconds * 1_000;
  for (;;) {
    timers.sort((one, other) => one.at - other.at);
    if (!timers.length || timers[0].at > until) break;
    const due = timers.shift();
    now = due.at;
    if (due.every) timers.push({ ...due, at: now + due.every });
    await due.act();
    await settled();
  }
  now = until;
  seen.push([board.shown.numbers.join(" "), !down.hidden, loads]);
}
console.log(JSON.stringify({ seen, time: found.clock.textContent, sounds: pressed }));
