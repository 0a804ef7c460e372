// Shows what is pushed and opens what it is about. It keeps no page.
// HOME and PLACES stand before this, written by the server: a push is about the first of PLACES whose id it carries.
// Only ids get into an address.
const RECEIPTS = "/v1/push-receipts";

function isId(text) {
  return typeof text === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function addressOf(data) {
  for (const [name, address] of PLACES) {
    const needed = [name, ...[...address.matchAll(/{(\w+)}/g)].map(([, one]) => one)];
    if (needed.every((one) => isId(data[one]))) return address.replace(/{(\w+)}/g, (_, one) => data[one]);
  }
  return HOME;
}

function read(pushed) {
  try {
    const message = pushed.json();
    return message && typeof message === "object" ? message : {};
  } catch {
    return {};
  }
}

// By the push's own token: no cookie, so it counts when the sign-in is long over.
async function confirm(receipt, kind) {
  if (!receipt) return;
  try {
    await fetch(RECEIPTS, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ receipt, kind }),
      credentials: "omit",
      keepalive: true,
    });
  } catch {
    // Without a receipt the next way is tried, which is what should be.
  }
}

async function show(message) {
  const isCritical = message.urgency === "critical";
  const data = message.data && typeof message.data === "object" ? message.data : {};
  await self.registration.showNotification(message.title || "Hearthline", {
    body: message.body || "",
    lang: message.lang || "",
    tag: message.tag || "hearthline",
    renotify: true,
    requireInteraction: isCritical,
    vibrate: isCritical ? [400, 200, 400, 200, 400] : [200],
    icon: "/portal/icon.svg",
    data: { address: addressOf(data), receipt: message.receipt || "" },
  });
}

async function open(address) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const ours = windows.filter((one) => new URL(one.url).pathname.startsWith(HOME));
  const there = ours.find((one) => new URL(one.url).pathname === address);
  if (there) return there.focus();
  // No other page is led away: somebody may be writing on it.
  return self.clients.openWindow(address);
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const message = event.data ? read(event.data) : {};
  // What could not be shown has not come: then the next way is tried.
  event.waitUntil(show(message).then(() => confirm(message.receipt, "delivered")));
});

self.addEventListener("notificationclick", (event) => {
  const { address, receipt } = event.notification.data ?? {};
  event.notification.close();
  event.waitUntil(Promise.all([open(address || HOME), confirm(receipt, "opened")]));
});

self.addEventListener("pushsubscriptionchange", (event) => {
  const key = event.oldSubscription?.options?.applicationServerKey;
  event.waitUntil(
    (async () => {
      const made = event.newSubscription ?? (key && (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })));
      if (!made) return;
      await fetch("/portal/push/subscription", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(made.toJSON()),
        credentials: "same-origin",
      });
    })(),
  );
});
