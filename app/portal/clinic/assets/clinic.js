// The clinic: everything by keyboard, and the note of a visit kept while it is typed.
const rows = () => [...document.querySelectorAll("[data-row]")];
let chosenId = null;

function choose(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.id && row.id === chosenId);
  const next = all[Math.min(Math.max(at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step, 0), all.length - 1)];
  chosenId = next.id;
  for (const row of all) row.classList.toggle("chosen", row === next);
  (next.querySelector("a, button") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

const does = {
  j: () => choose(1),
  ArrowDown: () => choose(1),
  k: () => choose(-1),
  ArrowUp: () => choose(-1),
  n: () => document.querySelector("[data-call]:not([aria-disabled])")?.click(),
  "/": () => document.getElementById("f-find")?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
};
for (let number = 1; number <= 6; number += 1) {
  does[number] = () => document.querySelectorAll(".tabs a")[number - 1]?.click();
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const sign = document.getElementById("sign");
    if (!sign || !event.target.closest?.("#noteform")) return;
    event.preventDefault();
    sign.form.requestSubmit(sign);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, select, textarea, dialog[open]")) return;
  const act = does[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
document.getElementById("keys-button")?.addEventListener("click", () => does["?"]());

// --- the note ---------------------------------------------------------------------------------------------------------

const PAUSE = 1_500; // milliseconds without a press before what was typed is kept
const SOON = 50; // until what was typed meanwhile is kept, too
const AGAIN = 5_000; // until it is tried again where nobody answered
const note = document.getElementById("noteform");

if (note) {
  const said = document.getElementById("kept");
  let timer = null;
  let isSending = false;
  let isDirty = false;
  let isOver = false;
  // What was sent and nobody answered: it may be kept already. Until that is known the very same is sent again, so that
  // the server knows its own; what was typed meanwhile comes after it.
  let unanswered = null;

  const soon = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(keep, wait);
  };

  // What was sent, as the form would send it now if nothing else had been typed.
  function withVersion(sent) {
    const fields = new URLSearchParams(sent);
    fields.set("version", note.elements.version.value);
    return fields.toString();
  }

  async function keep() {
    if (isSending || !isDirty || isOver) return;
    isSending = true;
    isDirty = false;
    let next = 0;
    const sent = unanswered ?? new URLSearchParams(new FormData(note)).toString();
    const isOld = unanswered !== null;
    let isRefused = false; // for what it says: it is not kept, and is not sent like that again
    try {
      const answer = await fetch(note.dataset.autosave, {
        method: "POST", credentials: "same-origin", redirect: "manual", cache: "no-store",
        headers: { "Content-Type": "application/x-www-form-urlencoded" },
        body: sent, signal: AbortSignal.timeout(10_000),
      });
      if (answer.ok) {
        unanswered = null;
        note.elements.version.value = String((await answer.json()).version);
        said.textContent = said.dataset.kept;
        if (isOld && new URLSearchParams(new FormData(note)).toString() !== withVersion(sent)) {
          isDirty = true;
          next = SOON;
        }
      } else if (answer.status === 409 || answer.status === 412) {
        // Another window wrote meanwhile: nothing is written over, and the person decides.
        said.textContent = said.dataset.changed;
        isOver = true;
        isDirty = true; // it is kept nowhere yet
      } else {
        isRefused = [400, 413, 422].includes(answer.status);
        throw new Error(String(answer.status));
      }
    } catch {
      unanswered = isRefused ? null : sent;
      said.textContent = said.dataset.behind;
      isDirty = true;
      next = AGAIN;
    }
    isSending = false;
    if (isDirty && !isOver) soon(next || PAUSE);
  }

  note.addEventListener("input", () => {
    isDirty = true;
    soon(PAUSE);
  });
  // What is typed and not kept is not lost by a press beside it.
  addEventListener("beforeunload", (event) => {
    if (isDirty && !note.dataset.sent) event.preventDefault();
  });
  note.addEventListener("submit", (event) => {
    if ((isSending || unanswered !== null) && !note.dataset.waited) {
      // The version that is being kept is the one to be signed; of what nobody answered it is asked once more first.
      event.preventDefault();
      note.dataset.waited = "1";
      const by = event.submitter;
      if (!isSending) keep();
      const wait = setInterval(() => {
        if (isSending) return;
        clearInterval(wait);
        note.requestSubmit(by);
      }, 50);
      return;
    }
    clearTimeout(timer);
    isOver = true;
  });
}
