// What can be done with something that was not taken: send it again, drop it, or send what the server offers instead.

import { changeItem, dropItem } from "./store.js";

/** Makes an element with a text and, where one is given, a class. */
export function text(tag, said, kind = "") {
  const made = document.createElement(tag);
  made.textContent = said;
  made.className = kind;
  return made;
}

/** Returns the buttons of an item that was not taken; `send` sends what waits, `changed` draws the list anew. */
export function actsOf(item, words, send, changed) {
  const acts = text("div", "", "acts");
  const again = text("button", words.again);
  again.type = "button";
  // What was refused was not done: it is tried as something new.
  again.addEventListener("click", () => changeItem(item.id, { state: "waiting", key: crypto.randomUUID(), said: "" }).then(send, () => {}));
  if (item.decide) acts.append(decision(item, send));
  const drop = text("button", words.drop);
  drop.type = "button";
  drop.addEventListener("click", () => dropItem(item.id).then(changed, () => {}));
  acts.append(again, drop);
  return acts;
}

// What the server offers instead: the same, at the time it was given, with what whoever gave it decides, or types anew.
function decision({ id, decide, fields }, send) {
  const made = text("form", "", "deciding");
  const input = decide.asks && askFor(made, id, decide.asks);
  made.append(text("button", decide.label, "main"));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = input ? { ...decide.fields, [decide.asks.name]: input.value } : decide.fields;
    const others = fields.filter(([name]) => !(name in given));
    const changed = { state: "waiting", key: crypto.randomUUID(), said: "", decide: null, fields: [...others, ...Object.entries(given)] };
    changeItem(id, changed).then(send, () => {});
  });
  return made;
}

function askFor(form, id, { name, label }) {
  const input = document.createElement("input");
  Object.assign(input, { id: `decide-${id}`, name, required: true, autocomplete: "off", inputMode: "numeric", maxLength: 20 });
  const said = text("label", label);
  said.htmlFor = input.id;
  form.append(said, input);
  return input;
}
