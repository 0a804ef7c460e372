// What this browser is reached by: made, told to the server, and kept alive for whoever switched it on.
const { pushWorker: WORKER = "/portal/worker.js", pushScope: SCOPE = "/portal/" } = document.documentElement.dataset;
const WHO = "hearthline.push.who"; // for whom this browser was switched on
const TOLD = "hearthline.push.told"; // in which sign-in the server was told of it last, and when
const TELL_AGAIN = 24 * 3600 * 1000; // milliseconds

export const isSupported = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

// A browser that keeps nothing for us still works; it asks again.
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Private windows may refuse.
  }
}

function bytes(text) {
  const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
  return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
}

async function known() {
  const registration = await navigator.serviceWorker.getRegistration(SCOPE);
  return registration ? registration.pushManager.getSubscription() : null;
}

// `ready` waits for the worker of this page, which may be another's.
async function active(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active || !worker) return;
  await new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve()));
}

async function subscribe(key) {
  const registration = await navigator.serviceWorker.register(WORKER, { scope: SCOPE });
  await active(registration);
  const wanted = bytes(key);
  const before = await registration.pushManager.getSubscription();
  if (before) {
    const theirs = new Uint8Array(before.options.applicationServerKey ?? new ArrayBuffer(0));
    if (theirs.length === wanted.length && theirs.every((byte, place) => byte === wanted[place])) return before;
    // One made for another key of ours can never be reached again.
    await before.unsubscribe();
  }
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
  });
  if (!answer.ok) throw new Error(`not taken: ${answer.status}`);
}

async function tell(key, who, session) {
  const made = await subscribe(key);
  await post("/portal/push/subscription", made.toJSON());
  keep(WHO, who);
  keep(TOLD, JSON.stringify({ session, at: Date.now() }));
}

export async function isOn(who) {
  return isSupported && Notification.permission === "granted" && kept(WHO) === who && Boolean(await known());
}

// Returns what came of it: on, denied, unsupported. Asks the person, so only after they pressed something.
export async function turnOn(key, who, session) {
  if (!isSupported) return "unsupported";
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  await tell(key, who, session);
  return "on";
}

export async function turnOff() {
  keep(WHO, null);
  keep(TOLD, null);
  await post("/portal/push/end", {});
  const before = await known();
  if (before) await before.unsubscribe();
  return "off";
}

/** Closes the notifications that this browser has shown: whoever had them on sits here no more. */
export async function closeShown() {
  const registrations = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  for (const one of registrations) for (const shown of await one.getNotifications()) shown.close();
}

// Whoever had it on before does not sit here: what is meant for them is not shown to somebody else. They have it again
// with the next page they open.
async function endOfAnother() {
  await closeShown();
  const registrations = await navigator.serviceWorker.getRegistrations();
  for (const one of registrations) await (await one.pushManager.getSubscription())?.unsubscribe();
}

// A subscription can end without a word, and a sign-out forgets it: whoever had it on for themself gets it again.
export async function keepAlive(who, session) {
  if (!isSupported || Notification.permission !== "granted" || kept(WHO) === null) return;
  if (kept(WHO) !== who) return void (await endOfAnother());
  let told = {};
  try {
    told = JSON.parse(kept(TOLD) ?? "{}");
  } catch {
    // Whatever stands there is not ours.
  }
  const isFresh = told.session === session && Date.now() - told.at < TELL_AGAIN;
  if (isFresh && (await known())) return;
  const config = await (await fetch("/v1/app-config")).json();
  if (config.web_push_key) await tell(config.web_push_key, who, session);
}
