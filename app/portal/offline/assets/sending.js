// Sends what is kept: for whoever it belongs to alone, in order, once. Pages and workers share it.

import { changeItem, dropItem, itemsOf } from "./store.js";

const PERSON = "/portal/outbox/person";
const ASKS = "X-Outbox"; // the header that asks for an answer to a script instead of a page
const PATIENCE = 30_000; // milliseconds an answer may take; a hanging server is tried again
const PATIENCE_WITH_FILES = 180_000;
const PATIENCE_URGENT = 12_000;
// The server knows a repetition for a day longer (WAITS_FOR): after that, what may have arrived is the person's to judge.
const TRIED_FOR = 3 * 24 * 3_600_000;
const TOO_MANY = 429;
const AGAIN = new Set([408, 425, TOO_MANY]);
// The token went with a sign-in that has ended, or whoever signed in looks on as somebody else for a while.
const NOT_NOW = new Set(["not_our_form", "viewing_is_read_only"]);
const TOO_OLD = "given_too_long_ago";
const ID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/; // in an address: what it is about

/** Tells the pages that are open what came of an item, where it is not a page with an outbox that sent it. */
export function tellPages({ what, item }) {
  if (typeof BroadcastChannel !== "function") return;
  const channel = new BroadcastChannel("hearthline-outbox");
  channel.postMessage({ what, kind: item.kind, key: item.key });
  channel.close();
}

function isLarge(item) {
  return item.fields.some(([, value]) => typeof value !== "string");
}

function patienceWith(item) {
  if (item.urgent) return PATIENCE_URGENT;
  return isLarge(item) ? PATIENCE_WITH_FILES : PATIENCE;
}

/** Returns who is signed in, their form token and the server's clock; nobody: `{who: null}`. Throws without a line. */
export async function person(patience = PATIENCE) {
  const answer = await fetch(PERSON, {
    credentials: "same-origin",
    cache: "no-store",
    headers: { [ASKS]: "1", "X-Live": "1" },
    signal: AbortSignal.timeout(patience),
  });
  if (answer.status === 401) return { who: null };
  if (!answer.ok) throw new Error(String(answer.status));
  const found = await answer.json();
  return { ...found, ahead: Date.parse(found.at) - Date.now() };
}

/** Sends an item once; returns the status and the answer. Throws where there is none. */
export async function post(item, signedIn) {
  const body = new FormData();
  for (const [name, value] of item.fields) {
    if (typeof value === "string") body.append(name, value);
    else body.append(name, value, value.name ?? name);
  }
  body.set("csrf", signedIn.csrf);
  body.set("key", item.key);
  // By the server's clock, and the same at each try: a tablet's own may be an hour off.
  body.set("given_at", new Date(item.given + item.ahead).toISOString());
  const answer = await fetch(item.action, {
    method: "POST",
    body,
    credentials: "same-origin",
    cache: "no-store",
    headers: { [ASKS]: "1" },
    signal: AbortSignal.timeout(patienceWith(item)),
  });
  const said = await answer.json().catch(() => null);
  return { status: answer.status, said };
}

/** Returns what an answer means: "sent", "refused", "again" (later), "nobody" (is signed in). */
export function meaning(status, said) {
  if (status === 401) return "nobody";
  if (status === 403 && NOT_NOW.has(said?.code)) return "again";
  if (status >= 500 || AGAIN.has(status) || said === null) return "again"; // also what a hotel's sign-in page answers
  return status >= 200 && status < 300 ? "sent" : "refused";
}

// Whether it may have arrived so long ago that the server would take it for something new. A call for help never is.
function isUnsure(item, now) {
  const first = typeof item.posted === "number" ? item.posted : item.given;
  return Boolean(item.posted) && !item.urgent && now - first > TRIED_FOR;
}

// What came of one try, as `meaning` says; "gone" where it was dropped meanwhile, "later" where nothing else can be sent
// either.
async function tried(item, signedIn, tell) {
  if (isUnsure(item, Date.now())) {
    const left = { state: "refused", isUnsure: true, said: "" };
    await changeItem(item.id, left);
    tell({ what: "refused", item: { ...item, ...left }, answer: null });
    return "refused";
  }
  const wasPosted = Boolean(item.posted);
  // From here on it may have arrived, whatever comes back. What was dropped meanwhile is not sent.
  const kept = await changeItem(item.id, { ahead: item.ahead ?? signedIn.ahead, posted: item.posted || Date.now() });
  if (!kept) return "gone";
  item = kept;
  const answered = await post(item, signedIn).catch(() => null);
  // A call for help and a picture have a patience of their own: that it was not enough says nothing of the others.
  if (!answered) return item.urgent || isLarge(item) ? "again" : "later";
  const { status, said } = answered;
  const what = meaning(status, said);
  if (what === "sent") {
    await dropItem(item.id);
    tell({ what, item, answer: said });
  } else if (what === "refused") {
    // Its age is looked at before whether it has been done already.
    const left = { state: "refused", said: said.said ?? "", status, decide: said.decide ?? null, isUnsure: wasPosted && said.code === TOO_OLD };
    await changeItem(item.id, left);
    tell({ what, item: { ...item, ...left }, answer: said });
  }
  return what === "again" && status === TOO_MANY ? "later" : what;
}

// What must not be done before an item that is tried again: what is about the same, a picture of it, too. Calls for
// help, and pictures, hold up nothing.
function about(item) {
  return item.urgent ? item.id : (ID.exec(item.action)?.[0] ?? item.action);
}

function holdsUp(item) {
  return isLarge(item) ? item.id : about(item);
}

/**
 * Sends what waits of `who`; `tell` is called with what came of each. Returns how it ended: "done"; "again" where some of
 * it is to be tried later; "nobody" or "another" where somebody else or nobody is signed in.
 *
 * It goes in order. What the server cannot take holds up only what is about the same, and what is urgent nothing.
 */
export async function sendFor(who, isUrgent, tell) {
  const waits = (all) => all.filter((one) => one.state === "waiting" && Boolean(one.urgent) === isUrgent);
  const held = new Set();
  let signedIn = null;
  for (;;) {
    const item = waits(await itemsOf(who)).find((one) => !held.has(one.id) && !held.has(about(one)));
    if (!item) return held.size ? "again" : "done";
    try {
      signedIn ??= await person(isUrgent ? PATIENCE_URGENT : PATIENCE);
    } catch {
      return "again";
    }
    if (signedIn.who === null) return "nobody";
    if (signedIn.who !== who) return "another";
    const came = await tried(item, signedIn, tell);
    if (came === "nobody") return came;
    if (came === "later" && !isUrgent) return "again";
    if (came === "again" || came === "later") held.add(holdsUp(item));
  }
}
