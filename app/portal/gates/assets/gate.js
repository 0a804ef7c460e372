// The page of a gate: sign in, choose a gate, scan. What decides works without a network; what was decided is uploaded
// whenever there is one.

import { Camera } from "./camera.js";
import { imported } from "./code.js";
import { canOverride, decided, examined, letIn, ready } from "./judging.js";
import { Denied, Server, Unreachable } from "./server.js";
import { unlock } from "./signals.js";
import { SigningIn } from "./signing_in.js";
import { Status } from "./status.js";
import { Store } from "./store.js";
import { Uploads } from "./uploads.js";
import { Counts, clear, show as showVerdict, spoken } from "./verdicts.js";

const words = JSON.parse(document.getElementById("words").textContent);
const $ = (id) => document.getElementById(id);
const LOOK_MILLISECONDS = 60_000; // how often a newer list is asked for
const VERSION_MILLISECONDS = 60 * 60_000; // how often a newer page is
const LONGEST_TEXT = 600;
const ANSWER_MILLISECONDS = 3000; // how long a visitor waits for what the other gates know

const store = new Store();
const server = new Server(store);
const status = new Status(words, document.documentElement.lang, server);
const uploads = new Uploads(store, server);
const counts = new Counts();
const camera = new Camera($("camera"), seen);
const signingIn = new SigningIn(server, say, () => chooseGate());
let gate = null, bundle = null, last = null, day = null;
let turn = Promise.resolve(), queued = 0;
let wanted = new URLSearchParams(location.search).get("gate"); // by the link or the code that led here, once

function show(id) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
  $("tools").hidden = ["opening", "sign-in", "closed"].includes(id);
  $("other-gate").hidden = id !== "scan";
  document.querySelector(`#${id} h1`).focus();
}

function say(key) { $("status").textContent = key ? words[key] ?? words.failed : ""; }

async function start() {
  if (!(await canWork())) {
    $("why").textContent = words[isSecureContext ? "too_old" : "not_secure"];
    return show("closed");
  }
  watchForVersions();
  await store.open();
  await server.open();
  listen();
  if (!server.isSignedIn) return askToSignIn();
  gate = await store.get("gate");
  const kept = await store.get("bundle");
  if (!gate || !kept || (wanted && wanted !== gate.id)) return chooseGate();
  await goOn(kept);
}

// Without a network the gate this device has a list of is better than none.
async function goOn(kept) {
  await take(kept.content);
  await scan();
}

async function canWork() {
  if (!isSecureContext || !navigator.locks) return false;
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32).fill(1), "Ed25519", false, ["verify"]);
    return true;
  } catch (error) {
    return error.name === "DataError"; // known, if not with these bytes
  }
}

// The service worker brings whole versions; the one that is open stays until somebody wants the new one.
async function watchForVersions() {
  if (!navigator.serviceWorker) return;
  let hadOne = Boolean(navigator.serviceWorker.controller);
  const registration = await navigator.serviceWorker.register("/portal/gates/worker.js", { scope: "/portal/gates", updateViaCache: "none" });
  const offer = () => { $("new-version").hidden = !registration.waiting; };
  const follow = () => registration.installing?.addEventListener("statechange", offer);
  registration.addEventListener("updatefound", follow);
  follow();
  offer();
  setInterval(() => registration.update().catch(() => {}), VERSION_MILLISECONDS);
  $("new-version").onclick = () => registration.waiting?.postMessage("take over");
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (hadOne) location.reload();
    hadOne = true; // the first one only keeps what is open already
  });
}

function listen() {
  server.addEventListener("ended", async () => {
    leaveGate();
    await store.keepOnlyPasses();
    await askToSignIn("session_over");
  });
  server.addEventListener("clock", () => status.clock(server.offset));
  uploads.addEventListener("sent", async () => { await noteUpload(); await afterUpload(); });
  uploads.addEventListener("failed", ({ detail }) => { if (detail instanceof Denied) say("upload_denied"); });
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, unlock);
  addEventListener("keydown", towardsTyped);
  addEventListener("unhandledrejection", () => say("failed"));
  document.addEventListener("visibilitychange", () => { if (!document.hidden && bundle) { look(); keepAwake(); } });
  $("typed-form").onsubmit = (event) => {
    event.preventDefault();
    const text = $("typed").value;
    $("typed").value = "";
    if (text.trim()) judge(text.startsWith("HL1:") ? text : text.trim());
  };
  $("override").onclick = () => { $("overriding").returnValue = ""; $("overriding").showModal(); };
  $("overriding").onclose = () => { if ($("overriding").returnValue === "yes") override(); };
  $("open-camera").onclick = openCamera;
  $("light").onclick = switchLight;
  $("upload").onclick = async () => { say(""); await uploads.now(); await look(); };
  $("other-gate").onclick = () => { leaveGate(); chooseGate(); };
  $("sign-out").onclick = signOut;
  $("leaving").onclose = () => { if ($("leaving").returnValue === "lose") leave(); };
  $("gates-again").onclick = () => chooseGate();
}

// A scanner held in the hand types, wherever the focus is.
function towardsTyped(event) {
  const isWritten = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isWritten && !$("scan").hidden && !document.querySelector("dialog[open]")) $("typed").focus();
}

async function askToSignIn(key = "") {
  const waiting = await store.countUnsent();
  $("left-behind").hidden = waiting === 0;
  $("left-behind").textContent = words.left_behind.replace("{count}", waiting);
  signingIn.begin();
  show("sign-in");
  say(key);
}

async function chooseGate(key = "") {
  show("gates");
  say(key);
  try {
    const { content } = await server.ask("GET", "/v1/gates?limit=100");
    const open = content.items.filter((one) => one.is_active);
    $("no-gates").hidden = open.length > 0;
    $("gate-list").replaceChildren(...open.map(gateButton));
    const named = open.find((one) => one.id === wanted);
    wanted = null;
    if (named) await enter(named);
  } catch (error) {
    if (error instanceof Unreachable) {
      const kept = await store.get("bundle");
      if (wanted && gate && kept) {
        wanted = null;
        return goOn(kept);
      }
      say("unreachable");
    }
    else if (!(error instanceof Denied)) throw error;
    else if (server.isSignedIn) say("denied");
  }
  uploads.start();
}

function called({ attraction, name }) {
  return `${attraction[document.documentElement.lang] ?? attraction.en ?? Object.values(attraction)[0]} · ${name}`;
}

function gateButton(one) {
  const line = document.createElement("li");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: called(one) });
  button.onclick = () => enter(one);
  line.append(button);
  return line;
}

async function enter(one) {
  gate = one;
  if (await loadBundle()) {
    await store.put("gate", one);
    await scan();
  }
}

// Brings the newest list; returns whether there is one to work with now.
async function loadBundle() {
  const kept = await store.get("bundle");
  const isOurs = kept?.content.gate_id === gate.id;
  try {
    const answer = await server.ask("GET", `/v1/gates/${gate.id}/bundle`, undefined, { etag: isOurs ? kept.etag : undefined });
    const { content, etag } = answer ?? kept;
    await store.put("bundle", { content, etag, at: server.now() });
    await take(content);
    return true;
  } catch (error) {
    if (error instanceof Unreachable) {
      if (!isOurs) say("unreachable");
      return isOurs;
    }
    if (!(error instanceof Denied)) throw error;
    if (!server.isSignedIn) return false;
    // No longer ours to keep: whoever may not scan here has no use for the list.
    leaveGate();
    await store.put("bundle", undefined);
    await store.put("gate", undefined);
    await chooseGate("denied");
    return false;
  }
}

async function take(content) { bundle = ready(content, await imported(content.keys)); }

async function scan() {
  $("gate-name").textContent = called(gate);
  begin(words.waiting);
  show("scan");
  status.clock(server.offset);
  uploads.start();
  navigator.storage.persist?.(); // what is not uploaded must not make room for something else
  await store.prune(server.now());
  await look();
  await openCamera();
  keepAwake();
}

async function openCamera() {
  const works = await camera.open();
  $("no-camera").hidden = works;
  $("camera").hidden = !works;
  $("open-camera").hidden = works;
  $("light").hidden = !works || !camera.hasLight;
  $("light").setAttribute("aria-pressed", "false");
}

async function switchLight() {
  const isOn = $("light").getAttribute("aria-pressed") === "false";
  await camera.light(isOn);
  $("light").setAttribute("aria-pressed", String(isOn));
}

// A phone that goes dark keeps visitors waiting.
function keepAwake() { navigator.wakeLock?.request("screen").catch(() => {}); }

function leaveGate() {
  camera.close();
  uploads.stop();
  gate = bundle = last = null;
}

// Looks at everything that changes by itself, and asks for a newer list.
let lookingAgain = null;
async function look() {
  clearTimeout(lookingAgain);
  if (!gate) return;
  const midnight = new Date(server.now()).setHours(0, 0, 0, 0);
  day = midnight;
  counts.reset(await store.since(midnight));
  await afterUpload();
  if (await loadBundle()) status.list((await store.get("bundle")).at, Date.parse(bundle.valid_until) < server.now());
  if (gate) lookingAgain = setTimeout(look, LOOK_MILLISECONDS);
}

async function noteUpload() { if (gate) await store.put("synced", server.now()); }

async function afterUpload() {
  status.unsent(await store.countUnsent());
  status.synced(await store.get("synced"));
  status.told(await store.since(0));
}

const direction = () => document.querySelector("input[name=direction]:checked").value;

function begin(title) {
  clear(title);
  $("override").hidden = true;
}

// One after the other: what is said of a visitor is never shown while the next one stands there.
function judge(text) {
  queued += 1;
  turn = turn.then(() => judged(text)).catch(() => say("failed")).finally(() => { queued -= 1; });
}

// What the camera sees meanwhile waits before it.
function seen(text) {
  if (queued > 0) return false;
  judge(text);
  return true;
}

async function judged(text) {
  if (!bundle || $("overriding").open) return;
  begin(words.checking);
  const found = await examined(text.slice(0, LONGEST_TEXT), bundle, server.now());
  const way = direction(), scan = begun(found, way);
  const decide = (pass) => decided(found, pass, bundle, way);
  const answer = await elsewhere(found, way, scan, decide);
  await write(found, scan, answer ? (pass) => told(answer, found, pass) : decide, answer);
}

// With a network the server is asked before anybody is let in by what this gate alone would let in: it knows what other
// gates do. Returns its answer, null without one: then this gate decides by itself, and the scan is the same.
async function elsewhere(found, way, scan, decide) {
  if (way === "exit" || !found.subject || !status.isReached) return null;
  if (decide(await store.passOf(found.subject)).decision === "refused") return null;
  const body = { scans: [{ ...scan.sent, clock_ahead: null }], sent_at: new Date().toISOString() };
  // Renewing the session may come before the question: no visitor waits longer for both.
  const late = new Promise((done) => { setTimeout(done, ANSWER_MILLISECONDS, null); });
  try {
    const asked = server.ask("POST", `/v1/gates/${scan.gate}/scans`, body, { patience: ANSWER_MILLISECONDS });
    return (await Promise.race([asked, late]))?.content.results[0] ?? null;
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Denied) return null;
    throw error;
  }
}

function told({ outcome, reason }, found, pass) {
  if (outcome !== "admitted") return { decision: "refused", reason, pass: null };
  return { decision: "admitted", reason: null, pass: letIn(found, pass) };
}

async function override() {
  const { found, way } = last, scan = begun(found, way, $("override-reason").selectedOptions[0].text);
  await write(found, scan, (pass) => ({ decision: "admitted", reason: null, pass: letIn(found, pass) }));
}

// A scan before it is decided on. What is neither a ticket's code nor a card's number may be anything: it is counted,
// and goes nowhere.
function begun(found, way, why = null) {
  const nonce = crypto.randomUUID(), what = identified(found, why), persons = found.persons || 1;
  const scan = { nonce, gate: gate.id, at: server.now(), direction: way, persons, isOverride: why !== null };
  if (!what) return scan;
  const clock = { scanned_at: new Date().toISOString(), clock_ahead: -Math.round(server.offset / 1000) };
  return { ...scan, sent: { nonce, direction: way, persons, ...clock, ...what } };
}

async function write(found, scan, decide, answer = null) {
  const written = await store.record(found.subject, (pass) => {
    const { decision, reason, pass: now } = decide(pass);
    const { sent, ...shown } = { ...scan, decision, reason };
    if (answer) return { scan: { ...shown, outcome: answer.outcome, outcomeReason: answer.reason }, pass: now };
    if (!sent) return { scan: shown, pass: now };
    return { scan: { ...shown, unsent: 1, sent: { ...sent, decision, reason: decision === "refused" ? reason : null } }, pass: now };
  });
  last = { found, way: scan.direction };
  showVerdict(spoken(words, written, found, (when) => status.moment(when)));
  $("override").hidden = !canOverride(found, written);
  if (new Date(scan.at).setHours(0, 0, 0, 0) === day) counts.add(written);
  else await look();
  status.unsent(await store.countUnsent());
  if (answer) {
    await noteUpload();
    status.synced(await store.get("synced"));
  } else {
    uploads.now();
  }
}

function identified(found, why) {
  // Who is let in all the same by a card is so by the ticket it stands for at another time.
  if (why !== null && found.digest && found.ticketId) return { ticket_id: found.ticketId, override_reason: why };
  const what = found.digest ? { card_digest: found.digest } : found.kind === "ticket" && { text: found.text };
  return what && (why === null ? what : { ...what, override_reason: why });
}

async function signOut() {
  await uploads.now();
  const waiting = await store.countUnsent();
  if (waiting === 0) return leave();
  $("leaving-lead").textContent = words.leaving_lead.replace("{count}", waiting);
  $("leaving").returnValue = "";
  $("leaving").showModal();
}

async function leave() {
  leaveGate();
  await server.signOut();
  await store.erase();
  await askToSignIn("signed_out");
}

await start();
