// What is not sent yet, line by line, and what its person can do with what was not taken.

import { changeItem, dropItem } from "./store.js";

/** Makes an element with a text. */
export function made(tag, said, kind = "") {
  const element = document.createElement(tag);
  element.textContent = said;
  element.className = kind;
  return element;
}

/** Makes the line of an item; `then` has what is done afterwards: `send` and `changed`. */
export function row({ item, state, given, isSignedOut }, words, then) {
  const line = document.createElement("li");
  line.dataset.state = item.state;
  if (item.says) line.append(made("strong", item.says), " · ");
  line.append(made("span", `${given} · ${state}`));
  if (item.state === "gone") {
    line.append(dropping(item, words.seen, then));
  } else if (item.state === "refused") {
    if (!item.isUnsure) line.append(made("p", item.said || words.unknown));
    line.append(actsOf(item, words, then));
  } else if (isSignedOut) {
    const link = made("a", words.signIn, "button");
    link.href = `/portal/sign-in?next=${encodeURIComponent(location.pathname)}`;
    line.append(link);
  }
  return line;
}

// What was refused was not done: it is tried as something new. So is what may have been done, by whoever has looked.
function anew(more = {}) {
  return { state: "waiting", key: crypto.randomUUID(), said: "", posted: false, isUnsure: false, ...more };
}

function actsOf(item, words, then) {
  const acts = made("div", "", "acts");
  const again = made("button", words.again);
  again.type = "button";
  again.addEventListener("click", () => changeItem(item.id, anew()).then(then.send, () => {}));
  if (item.decide) acts.append(decision(item, then));
  acts.append(again, dropping(item, words.drop, then));
  return acts;
}

function dropping(item, says, then) {
  const drop = made("button", says);
  drop.type = "button";
  drop.addEventListener("click", () => dropItem(item.id).then(then.changed, () => {}));
  return drop;
}

// What the server offers instead: the same, at the time it was given, with what whoever gave it decides, or types anew.
function decision({ id, decide, fields }, then) {
  const form = made("form", "", "deciding");
  const input = decide.asks && askFor(form, id, decide.asks);
  form.append(made("button", decide.label, "main"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = input ? { ...decide.fields, [decide.asks.name]: input.value } : decide.fields;
    const others = fields.filter(([name]) => !(name in given));
    changeItem(id, anew({ decide: null, fields: [...others, ...Object.entries(given)] })).then(then.send, () => {});
  });
  return form;
}

function askFor(form, id, { name, label }) {
  const input = document.createElement("input");
  Object.assign(input, { id: `decide-${id}`, name, required: true, autocomplete: "off", inputMode: "numeric", maxLength: 20 });
  const said = made("label", label);
  said.htmlFor = input.id;
  form.append(said, input);
  return input;
}
