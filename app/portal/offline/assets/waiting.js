// What waits on this device is shown where it was pressed: `[data-kept-sign]` in its `[data-step]`, its button shut.
//
// A form with `data-says` is called that in the list, with what was typed. One that calls for help says with
// `[data-help-waits]` that it has not gone yet. It is loaded before the outbox, as it looks at what is pressed before
// that keeps it.

import { refresh } from "../ground/live.js";

const HELP_PATIENCE = 3_000; // milliseconds within which a call for help may be on its way

let helpTimer = null;
let waiting = []; // of this person, given on this phone, not sent yet

const pathOf = (form) => new URL(form.action).pathname;

function valueOf(item, name) {
  return item.fields.find(([one]) => one === name)?.[1];
}

/** Returns what of this person is kept on this device: to be sent, or not taken. */
export function keptHere() {
  return waiting;
}

/** Whether an item is what this form would say again. */
function isSame(item, form) {
  if (item.action !== pathOf(form)) return false;
  const same = (name) => !form.elements.namedItem(name) || valueOf(item, name) === form.elements.namedItem(name).value;
  return ["task_id", "is_done", "status"].every(same);
}

function mark() {
  for (const step of document.querySelectorAll("[data-step]")) {
    const forms = [...step.querySelectorAll("form[data-outbox]")];
    const isAbout = (item, form) => item.action === pathOf(form)
      && (!form.elements.namedItem("task_id") || valueOf(item, "task_id") === form.elements.namedItem("task_id").value);
    const about = waiting.filter((item) => item.state === "waiting" && forms.some((form) => isAbout(item, form)));
    const sign = step.querySelector("[data-kept-sign]");
    if (sign) sign.hidden = about.length === 0;
    step.toggleAttribute("data-waits", about.length > 0);
    for (const form of forms) {
      if (form.dataset.outboxAgain !== undefined) continue;
      const isKept = about.some((item) => isSame(item, form));
      if (isKept) form.dataset.kept = "1";
      for (const button of form.querySelectorAll("button")) {
        if (isKept) button.setAttribute("aria-disabled", "true");
      }
    }
  }
  sayHelpWaits();
}

function sayHelpWaits() {
  const help = document.querySelector("[data-help-waits]");
  if (!help) return;
  const calls = waiting.filter((item) => item.urgent && item.state === "waiting" && item.action === pathOf(help.closest("form")));
  help.hidden = !calls.some((item) => Date.now() - item.given >= HELP_PATIENCE);
  clearTimeout(helpTimer);
  if (calls.length && help.hidden) helpTimer = setTimeout(sayHelpWaits, HELP_PATIENCE);
}

addEventListener("submit", ({ target: form }) => {
  if (!form.dataset.says) return;
  const words = (form.elements.namedItem("text") ?? form.elements.namedItem("value"))?.value ?? "";
  form.dataset.outboxSays = `${form.dataset.says}: ${words.slice(0, 80)}`;
}, { capture: true });

document.addEventListener("outbox:changed", ({ detail }) => { waiting = detail.items; mark(); });
for (const what of ["outbox:sent", "outbox:refused", "outbox:elsewhere"]) document.addEventListener(what, () => refresh());
document.addEventListener("live:swapped", mark);
