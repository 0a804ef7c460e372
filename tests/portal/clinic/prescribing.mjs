// Chooses drugs in the form of a prescription: node prescribing.mjs <prescribing.js>
// Prints what stands in the fields after each of them.

import { readFileSync } from "node:fs";

const [script] = process.argv.slice(2);
const names = ["what", "dosage", "amount", "unit", "days", "what_code", "what_system", "ingredient_code"];
const elements = Object.fromEntries(names.map((name) => [name, { value: name === "what_system" ? "atc" : "" }]));
let choose = null;
elements.what.addEventListener = (_, act) => { choose = act; };
const before = {
  day: "3 May", dosage: "1 at night", amount: "30", unit: "{tablet}", system: "snomed", code: "372567009", ingredient: "1",
};
const options = [{ value: "Metformin", dataset: before }, { value: "Aspirin", dataset: {} }];
const said = { dataset: { said: "as on {day}" }, textContent: "" };
globalThis.document = { getElementById: (id) => ({ rxform: { elements }, drugs: { options }, "rx-filled": said })[id] ?? null };
(0, eval)(`(() => {${readFileSync(script, "utf8")}})()`);

const seen = [];
function choosing(what, typed = {}) {
  for (const [name, value] of Object.entries(typed)) elements[name].value = value;
  elements.what.value = what;
  choose();
  seen.push([said.textContent, ...names.slice(1).map((name) => elements[name].value)].join("|"));
}
choosing("Metf");
choosing("Metformin");
choosing("Metformin 500");
choosing("Metformin");
choosing("Aspirin", { dosage: "2 at noon" });
choosing("Metformin", { what_code: "N02BA01" });
console.log(JSON.stringify(seen));
