// Types into a note whose keeping is answered as told: node note.mjs <clinic.js> <status>, or "lost" for a first answer
// that never comes while typing goes on. Prints whether whoever leaves the page then is asked, how often it was tried to
// keep it, and what was sent.

import { readFileSync } from "node:fs";

const [script, status] = process.argv.slice(2);
const heard = {};
const note = {
  dataset: { autosave: "/autosave" }, elements: { version: { value: "1" } },
  addEventListener: (name, act) => { heard[`note:${name}`] = act; },
};
const said = { dataset: { kept: "kept", changed: "changed", behind: "behind" }, textContent: "" };
globalThis.document = {
  getElementById: (id) => ({ noteform: note, kept: said })[id] ?? null,
  querySelectorAll: () => [], querySelector: () => null,
};
globalThis.addEventListener = (name, act) => { heard[name] = act; };
let typed = "words";
globalThis.FormData = class {
  *[Symbol.iterator]() { yield ["version", note.elements.version.value]; yield ["plan", typed]; }
};
const isLost = status === "lost";
const sent = [];
globalThis.fetch = async (_address, { body }) => {
  sent.push(String(body));
  if (isLost && sent.length === 1) throw new TypeError("the answer is lost");
  return Response.json({ version: sent.length }, { status: isLost ? 200 : Number(status) });
};
const real = globalThis.setTimeout;
if (isLost) globalThis.setTimeout = (act, wait) => real(act, wait / 20);

(0, eval)(`(() => {${readFileSync(script, "utf8")}})()`);
heard["note:input"]();
if (isLost) {
  await new Promise((resolve) => { real(resolve, 150); });
  typed = "more words";
  heard["note:input"]();
}
await new Promise((resolve) => { real(resolve, isLost ? 1_000 : 3_500); });
let isAsked = false;
heard.beforeunload({ preventDefault: () => { isAsked = true; } });
console.log(JSON.stringify({ isAsked, tries: sent.length, said: said.textContent, ...(isLost ? { sent } : {}) }));
process.exit(0);
