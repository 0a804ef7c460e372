// Under a thumb: where a part of the page has just changed, what lies there now need not be what was meant.
//
// For a moment a press where something else could be pressed before does nothing; the next one does. Whoever presses
// where nothing was has seen what came, and by keyboard what has the focus is meant.

const SETTLES = 600; // milliseconds: a thumb that is on its way cannot be called back sooner
const SAID = 6_000; // milliseconds
const SCROLLED = 40; // pixels by which the reader has moved the page themselves
const ACTS = "button, a[href], summary";

let changes = []; // of the last moment: when, how far the page was scrolled, and what lay where before

function meaning(act) {
  return `${act.textContent.trim()}|${act.getAttribute("href") ?? act.form?.getAttribute("action") ?? ""}`;
}

/** Returns where everything lies that can be pressed, and what it does. */
export function whereActsAre() {
  return [...document.querySelectorAll(ACTS)].map((act) => ({ place: act.getBoundingClientRect(), does: meaning(act) }));
}

/** Keeps for a moment what lay where before a part was changed. */
export function settle(acts) {
  const at = performance.now();
  changes = [...changes.filter((one) => at - one.at < SETTLES), { at, scroll: scrollY, acts }];
}

function isAnother(act, x, y) {
  const does = meaning(act);
  const lies = ({ left, right, top, bottom }) => left <= x && x <= right && top <= y && y <= bottom;
  return changes.some(({ at, scroll, acts }) => performance.now() - at < SETTLES
    && Math.abs(scrollY - scroll) < SCROLLED
    && acts.some((one) => lies(one.place) && one.does !== does));
}

/** Says that nothing was done, over the page, so that nothing moves once more: whoever pressed must not think they had. */
function tell() {
  document.querySelector(".toast")?.remove();
  const said = document.createElement("p");
  said.className = "toast";
  said.setAttribute("role", "alert");
  said.textContent = document.getElementById("line-status")?.dataset.changed ?? "";
  document.body.append(said);
  setTimeout(() => said.remove(), SAID);
}

addEventListener("click", (event) => {
  const act = event.target.closest?.(ACTS);
  if (!act || !event.detail || !isAnother(act, event.clientX, event.clientY)) return; // a press of a key has no detail
  event.preventDefault();
  event.stopImmediatePropagation();
  tell();
}, { capture: true });
