// Types into a note whose keeping is answered as told: node note.mjs <clinic.js> <status>
// Prints whether whoever leaves the page then is asked, and how often it was tried to keep it.

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
globalThis.FormData = class { *[Symbol.iterator]() { yield ["plan", "words"]; } };
let tries = 0;
globalThis.fetch = async () => { tries += 1; return Response.json({ version: 2 }, { status: Number(status) }); };

(0, eval)(`(() => {${readFileSync(script, "utf8")}})()`);
heard["note:input"]();
await new Promise((resolve) => { setTimeout(resolve, 3_500); });
let isAsked = false;
heard.beforeunload({ preventDefault: () => { isAsked = true; } });
console.log(JSON.stringify({ isAsked, tries, said: said.textContent }));
process.exit(0);
