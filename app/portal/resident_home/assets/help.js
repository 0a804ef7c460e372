// A call for help: kept on the device and sent the moment it is pressed; what is said of it is what is known of it.
//
// Until the server has it, it is not sent, and after a few seconds that is said, with whom to phone. It goes on being
// tried, from every page and every tab, always as the same call, so it is never made twice.

import { refresh } from "../ground/live.js";
import { isAble, keep } from "../offline/outbox.js";
import { meaning, person, post } from "../offline/sending.js";
import { changeItem, dropItem, dropUnposted, itemsOf } from "../offline/store.js";

const COUNTDOWN = 10_000; // milliseconds in which it can be taken back
const PATIENCE = 5_000; // milliseconds after which what is not confirmed is called not sent
const PLACE_PATIENCE = 10_000;
const PLACE_OLDEST = 10 * 60_000;
const AGAIN = 3_000;
const OLD = 5 * 60_000; // milliseconds after which a call that never arrived is not the one that is pressed for now
const SETTLED = 2_000; // milliseconds the server may take to begin calling

const who = document.documentElement.dataset.pushWho ?? "";
const panel = document.getElementById("sos");
const words = panel.dataset;
const part = (name) => panel.querySelector(`[data-sos-${name}]`);
const [counting, left, alert, says, phones, trying, drop] = ["counting", "left", "alert", "says", "phones", "trying", "drop"].map(part);

let call = null; // the call for help this page tells of
const takenBack = []; // the calls of this page that were: they keep no later one from it
let place = null;
let ticking = null;
let isToBeShown = false; // how the call stands, once the page tells it

function clockTime(instant) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short", timeZone: document.documentElement.dataset.zone }).format(new Date(instant));
}

// --- what is known of it ---------------------------------------------------------------------------------------------

// A clock that was put back meanwhile is no reason to wait.
function ageOf(one, now) {
  const age = now - one.given;
  return age < 0 ? Infinity : age;
}

function isUnsent(now) {
  if (call.refused) return true;
  const settled = call.back ? call.back !== "taking" : call.sentAt;
  return !settled && (call.failed || !navigator.onLine || ageOf(call, now) >= PATIENCE);
}

function sentence() {
  switch (call.back) {
    case "taking": return isUnsent(Date.now()) ? words.unsure : words.takingBack;
    case "done": return words.takenBack;
    case "late": return words.tooLate;
    default:
  }
  if (call.refused) return words.refused;
  if (!call.sentAt) return words.sending;
  const sent = words.sent.replace("{at}", clockTime(call.sentAt));
  return ageOf(call, Date.now()) < COUNTDOWN ? sent : `${sent}. ${words.sentNext}`;
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function draw() {
  panel.hidden = !call;
  if (!call) return;
  const now = Date.now();
  const remains = Math.ceil((COUNTDOWN - ageOf(call, now)) / 1000);
  panel.toggleAttribute("data-counting", remains > 0 && !call.back && !call.refused);
  counting.hidden = remains <= 0 || Boolean(call.back) || Boolean(call.refused);
  say(left, String(Math.max(0, remains)));
  const unsent = isUnsent(now);
  const isNew = unsent && !call.back && !alert.firstElementChild;
  if (isNew) alert.append(part("unsent").content.cloneNode(true));
  if (!unsent || call.back) alert.replaceChildren();
  phones.hidden = !unsent;
  trying.hidden = Boolean(call.refused);
  drop.hidden = !unsent || !counting.hidden || Boolean(call.back);
  say(says, unsent && !call.back && !call.refused ? "" : sentence());
  panel.toggleAttribute("data-old", !isOfNow(now)); // then the button is there again
  panel.dataset.state = call.back ?? (call.refused ? "refused" : call.sentAt ? "sent" : unsent ? "unsent" : "sending");
  // Last, as what stands above it has gone by now: what matters most must not lie under the bar.
  if (isNew) alert.scrollIntoView({ block: "start" });
}

function tick() {
  draw();
  ticking ??= setInterval(draw, 250);
}

// --- calling ---------------------------------------------------------------------------------------------------------

async function press(event) {
  if (!isAble) return; // an old browser sends the form as it is
  event.preventDefault();
  const given = Date.now();
  if (call && isOfNow(given)) {
    panel.scrollIntoView({ block: "center" });
    return;
  }
  const sosId = crypto.randomUUID();
  // What was refused never arrives; one of long ago that may have goes on, and is the same alarm if it does.
  if (call?.itemId) (call.refused ? dropItem : dropUnposted)(call.itemId).catch(() => {});
  call = { sosId, given };
  tick();
  panel.scrollIntoView({ block: "center" });
  const fields = [["sos_id", sosId], ...placeFields(given)];
  try {
    const item = await keep({ kind: "sos", says: words.says, action: "/me/help", fields, key: sosId, urgent: true, given, phones: numbers() });
    call.itemId = item.id;
    sendBeside(item).catch(() => {}); // it goes on being tried in order
  } catch {
    sendUnkept({ action: "/me/help", fields, key: sosId, urgent: true, given });
  }
  part("cancel").focus({ preventScroll: true });
}

// A call of before whose try hangs, or what takes one back, must not hold up the one of now: it is sent beside them, too.
async function sendBeside(item) {
  const mine = call;
  const isBehind = (await itemsOf(who)).some((one) => one.urgent && one.state === "waiting" && one.id < item.id);
  if (!isBehind || !(await changeItem(item.id, { posted: Date.now() }))) return;
  const { what, said } = await once(item);
  if (what !== "sent") return;
  await dropItem(item.id);
  if (mine === call && !mine.sentAt) sent(said);
}

// Whom to phone, for any page that has to say that it was not sent.
function numbers() {
  const texts = (one) => [...one.querySelectorAll("span")].map((part) => part.firstChild?.textContent.trim() ?? "");
  return [...phones.querySelectorAll("a[href^='tel:']")].map((one) => ({ says: texts(one).join(" "), href: one.getAttribute("href") }));
}

// Whether what is pressed now is the call there is already.
function isOfNow(now) {
  if (call.back || call.refused) return false;
  return call.sentAt ? now - call.sentAt <= COUNTDOWN : ageOf(call, now) < OLD;
}

// The device keeps nothing: it is sent for as long as the page is open.
async function sendUnkept(item) {
  const mine = call;
  const isWanted = () => mine === call && !mine.sentAt && !mine.back && !mine.refused;
  while (isWanted()) {
    const answered = await once(item);
    if (mine !== call) return;
    if (answered.what === "sent") return void sent(answered.said);
    if (answered.what === "refused") return void refused();
    mine.failed = true;
    await pause();
  }
}

function pause() {
  return new Promise((resolve) => { setTimeout(resolve, AGAIN); });
}

// One try beside what sends in order: what came of it, "again" where nothing did.
async function once(item) {
  try {
    const signedIn = await person(PATIENCE);
    if (signedIn.who !== who) return { what: "nobody" };
    const { status, said } = await post({ ...item, ahead: item.ahead ??= signedIn.ahead }, signedIn);
    return { what: meaning(status, said), status, said };
  } catch {
    return { what: "again" };
  }
}

function sent(answer) {
  call.sentAt = Date.now();
  call.alarmId = answer?.alarm_id;
  call.failed = false;
  draw();
  dropBefore(call.given).catch(() => {});
  // Who is called is told as soon as it can no longer be taken back, and stands where it is seen.
  setTimeout(() => {
    isToBeShown = !call?.back;
    refresh();
  }, Math.max(0, call.given + COUNTDOWN + SETTLED - Date.now()));
}

function showStanding() {
  const standing = isToBeShown && document.querySelector(".standing:not(.counting)");
  if (!standing) return;
  isToBeShown = false;
  standing.scrollIntoView({ block: "start" });
}

// Whoever is called now needs not be called for what was pressed before and never arrived.
async function dropBefore(given) {
  const calls = (await itemsOf(who)).filter((one) => one.kind === "sos" && one.given < given);
  await Promise.all(calls.map((one) => dropItem(one.id)));
}

function refused() {
  call.refused = true;
  draw();
}

// --- taking it back --------------------------------------------------------------------------------------------------

async function cancel() {
  const mine = call;
  mine.back = "taking";
  draw();
  if (!mine.alarmId && mine.itemId && (await dropUnposted(mine.itemId).catch(() => false))) {
    mine.back = "done"; // nothing had left the device
    return draw();
  }
  if (mine.itemId) await dropItem(mine.itemId).catch(() => {});
  const fields = [["sos_id", mine.sosId], ...takenBack.map((sosId) => ["before", sosId])];
  if (mine.alarmId) fields.push(["alarm", mine.alarmId]);
  takenBack.push(mine.sosId);
  const item = { kind: "sos_back", says: words.says, action: "/me/help/cancel", fields, key: `back-${mine.sosId}`, urgent: true, given: mine.given };
  const kept = await keep(item).catch(() => null);
  // Besides what sends in order: a call that hangs must not hold up that it is taken back.
  for (;;) {
    const { what } = await once(item);
    if (what === "sent" || what === "refused") {
      if (kept) await dropItem(kept.id).catch(() => {});
      return backAnswered(mine, what === "sent");
    }
    if (kept) return undefined; // it goes on being tried
    await pause();
  }
}

// A call that never arrived, and is needed no more: a refused one is dropped, any other taken back as far as it goes.
function putAway() {
  if (!call.refused) return void cancel();
  if (call.itemId) dropItem(call.itemId).catch(() => {});
  call.back = "done";
  draw();
}

function backAnswered(mine, isTaken) {
  mine.back = isTaken ? "done" : "late";
  draw();
}

// --- what other tabs and the outbox tell -----------------------------------------------------------------------------

function isTooLate(item) {
  dropItem(item.id).catch(() => {});
  if (call && item.key === `back-${call.sosId}`) backAnswered(call, false);
}

document.addEventListener("outbox:sent", ({ detail: { item, answer } }) => {
  if (item.key === call?.sosId) sent(answer);
  else if (call && item.key === `back-${call.sosId}`) backAnswered(call, true);
});
document.addEventListener("outbox:refused", ({ detail: { item } }) => {
  if (item.key === call?.sosId) refused();
  else if (item.kind === "sos_back") isTooLate(item);
});
document.addEventListener("outbox:elsewhere", ({ detail }) => {
  if (call && detail.key === call.sosId && !call.sentAt) sent(null);
  if (call && detail.key === `back-${call.sosId}`) backAnswered(call, true);
});
document.addEventListener("outbox:again", ({ detail }) => {
  if (call && detail.lane === "urgent" && !call.sentAt) {
    call.failed = true;
    draw();
  }
});
document.addEventListener("outbox:changed", ({ detail }) => adopt(detail.items ?? []));

// A call that was made before this page was opened, or in another tab; and what became of this page's own elsewhere.
function adopt(items) {
  const own = call && items.find((one) => one.kind === "sos" && one.key === call.sosId);
  if (own && own.state === "refused" && !call.refused && !call.back && !call.sentAt) refused();
  if (own?.state === "waiting" && call.refused) call.refused = false; // it is tried again
  const late = call?.back === "taking" && items.find((one) => one.key === `back-${call.sosId}` && one.state === "refused");
  if (late) isTooLate(late);
  const calls = items.filter((one) => one.kind === "sos");
  const waits = calls.at(-1) ?? items.findLast((one) => one.kind === "sos_back" && one.state === "waiting");
  if (!waits || (call && (waits.key.endsWith(call.sosId) || waits.given <= call.given))) return;
  const sosId = waits.key.replace(/^back-/, "");
  call = { sosId, given: waits.given, itemId: waits.kind === "sos" ? waits.id : undefined };
  if (waits.kind === "sos_back") call.back = "taking";
  if (waits.state === "refused") call.refused = true;
  tick();
}

// --- where the device is ---------------------------------------------------------------------------------------------

function placeFields(now) {
  if (!place || now - place.at > PLACE_OLDEST) return [];
  return [["latitude", String(place.latitude)], ["longitude", String(place.longitude)], ["accuracy", String(place.accuracy)]];
}

function look() {
  const found = ({ coords }) => {
    place = { at: Date.now(), latitude: coords.latitude, longitude: coords.longitude, accuracy: Math.round(coords.accuracy) };
    showPlace(true);
  };
  navigator.geolocation.getCurrentPosition(found, () => {}, { maximumAge: PLACE_OLDEST, timeout: PLACE_PATIENCE });
}

function showPlace(isOn) {
  const line = document.querySelector("[data-place]");
  if (!line) return;
  line.hidden = false;
  line.querySelector("[data-place-ask]").hidden = isOn;
  line.querySelector("[data-place-on]").hidden = !isOn;
}

// Known ahead, so that nothing is waited for when it is pressed; nobody is asked for leave in that moment.
async function bePlaced() {
  if (!("geolocation" in navigator)) return;
  const leave = await navigator.permissions?.query({ name: "geolocation" });
  if (leave?.state === "granted") look();
  else if (leave?.state !== "denied") showPlace(false);
}

document.querySelector("[data-place-ask]")?.addEventListener("click", look);
document.querySelector("[data-sos]").addEventListener("submit", press);
part("cancel").addEventListener("click", cancel);
drop.addEventListener("click", putAway);
addEventListener("offline", () => call && draw());
document.addEventListener("live:swapped", showStanding);
itemsOf(who).then(adopt, () => {});
bePlaced().catch(() => {});
