// The plan of a day by hand: an order is dragged onto somebody's row, and sends the form it has there, no other.
//
// The form is the truth: who may be chosen, and when, are its options. What is refused stays where it was, and it is
// said why. By keyboard, and without scripts, the form is used as it stands.

import { refresh } from "../ground/live.js";

const FAR = 6; // pixels from which on it is dragged and not pressed
const EDGE = 70; // pixels from the window's edge within which it moves along
const STEP = 14; // pixels
const OFTEN = 40; // milliseconds

const said = document.getElementById("drag-said");
const trouble = document.getElementById("drag-trouble");
let held = null; // what is dragged: by which pointer, from where, its form, what follows the pointer

const formOf = (id) => document.querySelector(`form[data-moves="${CSS.escape(id)}"]`);
const filled = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name] ?? "");

function announce(text) {
  if (said.textContent !== text) said.textContent = text;
}

function refuse(form, why) {
  const look = Object.assign(document.createElement("a"), { href: form.dataset.page, textContent: trouble.dataset.look });
  trouble.replaceChildren(`${filled(trouble.dataset.back, { order: form.dataset.label, why })} `, look);
  trouble.hidden = false;
  announce("");
}

// --- where it is let go ----------------------------------------------------------------------------------------------

function instantAt(svg, x, y) {
  const point = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM().inverse());
  const { since, until, from, to } = svg.dataset;
  const share = (point.x - Number(from)) / (Number(to) - Number(from));
  return Date.parse(since) + share * (Date.parse(until) - Date.parse(since));
}

function nearest(select, instant) {
  const away = (option) => Math.abs(Date.parse(option.value) - instant);
  return [...select.options].reduce((best, one) => (away(one) < away(best) ? one : best));
}

/** Returns whose row lies there and when: of the times that were agreed the nearest; nothing beside all rows. */
function targetAt(form, x, y, grabbed) {
  const row = document.elementsFromPoint(x, y).find((one) => one.dataset?.account);
  if (!row) return null;
  const option = [...form.elements.namedItem("worker_id").options].find((one) => one.value === row.dataset.account);
  const times = form.elements.namedItem("starts_at");
  const at = times && nearest(times, instantAt(row.ownerSVGElement, x - grabbed, y));
  return { row, account: row.dataset.account, option, at: at?.value, name: option?.text.trim() ?? "", time: at?.text.trim() ?? form.dataset.at };
}

// --- dragging --------------------------------------------------------------------------------------------------------

function begin(event) {
  const thing = event.target.closest?.("[data-order]");
  const form = thing && formOf(thing.dataset.order);
  if (!form || !event.isPrimary || event.button !== 0 || held) return;
  event.preventDefault();
  const box = thing.getBoundingClientRect();
  // A bar is held where it was taken: its beginning lies so far to the left of the pointer.
  const grabbed = thing.ownerSVGElement ? event.clientX - box.left : 0;
  held = { thing, id: thing.dataset.order, pointer: event.pointerId, x: event.clientX, y: event.clientY, grabbed, ghost: null };
  thing.setPointerCapture(event.pointerId);
}

function lift() {
  trouble.hidden = true;
  held.ghost = document.createElement("div");
  held.ghost.className = "ghost";
  held.ghost.setAttribute("aria-hidden", "true");
  document.body.append(held.ghost);
  held.thing.classList.add("lifted");
  held.moving = setInterval(moveAlong, OFTEN);
}

// Whoever holds something at the window's edge is shown what lies beyond it.
function moveAlong() {
  if (held.at < EDGE) scrollBy(0, -STEP);
  else if (held.at > innerHeight - EDGE) scrollBy(0, STEP);
}

function drag(event) {
  if (!held || event.pointerId !== held.pointer) return;
  const { clientX: x, clientY: y } = event;
  if (!held.ghost) {
    if (Math.hypot(x - held.x, y - held.y) < FAR) return;
    lift();
  }
  held.at = y;
  const form = formOf(held.id);
  const target = form && targetAt(form, x, y, held.grabbed);
  mark(target?.row);
  const over = target ? filled(said.dataset.over, target) : said.dataset.nowhere;
  held.ghost.textContent = form ? `${form.dataset.label} → ${over}` : over;
  held.ghost.style.transform = `translate(${Math.min(x + 12, innerWidth - 240)}px, ${y + 12}px)`;
  announce(over);
}

function mark(row) {
  for (const one of document.querySelectorAll(".plan-drop.over")) if (one !== row) one.classList.remove("over");
  row?.classList.add("over");
}

function end() {
  clearInterval(held?.moving);
  held?.ghost?.remove();
  held?.thing.classList.remove("lifted");
  mark(null);
  const was = held;
  held = null;
  return was;
}

function drop(event) {
  if (!held || event.pointerId !== held.pointer) return;
  const { ghost, id, grabbed } = end();
  if (!ghost) return;
  const form = formOf(id);
  const target = form && targetAt(form, event.clientX, event.clientY, grabbed);
  if (!form || !target) announce(said.dataset.nowhere);
  else if (!target.option) refuse(form, trouble.dataset.none);
  else send(form, target);
}

// --- the form --------------------------------------------------------------------------------------------------------

async function send(form, target) {
  form.elements.namedItem("worker_id").value = target.account;
  if (target.at) form.elements.namedItem("starts_at").value = target.at;
  const body = new FormData(form);
  const order = form.dataset.label;
  announce(filled(said.dataset.sending, target));
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Outbox": "1" }, credentials: "same-origin" });
    const told = await answer.json();
    if (answer.ok) announce(filled(said.dataset.sent, { ...target, order }));
    else refuse(form, told.said ?? "");
  } catch {
    refuse(form, trouble.dataset.lost);
  }
  // What was refused was not done: the next try is another.
  form.elements.namedItem("key").value = crypto.randomUUID();
  for (const select of form.querySelectorAll("select")) for (const one of select.options) one.selected = one.defaultSelected;
  refresh();
}

function offer() {
  for (const one of document.querySelectorAll(".handle, [data-drag-hint]")) one.hidden = false;
}

addEventListener("pointerdown", begin);
addEventListener("pointermove", drag);
addEventListener("pointerup", drop);
addEventListener("pointercancel", () => end());
addEventListener("keydown", (event) => { if (event.key === "Escape" && held) { end(); announce(said.dataset.nowhere); } });
document.addEventListener("live:swapped", offer);
offer();
