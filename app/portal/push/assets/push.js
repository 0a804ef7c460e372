// Notifications of this browser: offered where an alarm was seen, never on load; switched on and off.
import { isOn, isSupported, keep, kept, turnOff, turnOn } from "./subscribing.js";

const LATER = "hearthline.push.later"; // when the question was put off
const ASK_AGAIN = 30 * 24 * 3600 * 1000; // milliseconds

const { pushWho, pushSession } = document.documentElement.dataset;

function say(place, what) {
  const words = place.dataset;
  const said = {
    on: words.saysOn,
    off: words.saysOff,
    denied: words.saysDenied,
    unsupported: words.saysUnsupported,
    failed: words.saysFailed,
    working: words.saysWorking,
  };
  place.querySelector("[data-push-says]").textContent = said[what] ?? "";
}

async function draw(place) {
  const on = await isOn(pushWho);
  if (place.id === "push-offer") {
    const isLater = Date.now() - Number(kept(LATER) ?? 0) < ASK_AGAIN;
    place.hidden = on || isLater || !isSupported || Notification.permission === "denied";
    return;
  }
  for (const one of place.querySelectorAll("[data-push-state]")) one.hidden = (one.dataset.pushState === "on") !== on;
  for (const one of place.querySelectorAll("[data-push]")) one.hidden = (one.dataset.push === "on") === on;
  place.hidden = false;
  if (!isSupported) say(place, "unsupported");
  else if (Notification.permission === "denied") say(place, "denied");
}

async function press(place, what) {
  if (what === "later") {
    keep(LATER, String(Date.now()));
    place.hidden = true;
    return;
  }
  say(place, "working");
  let came = "failed";
  try {
    came = what === "on" ? await turnOn(place.dataset.pushKey, pushWho, pushSession) : await turnOff();
  } catch {
    // No connection, or the browser's push service refused: it is said.
  }
  if (place.id === "push-switch") await draw(place);
  else if (came === "on") for (const button of place.querySelectorAll("[data-push]")) button.hidden = true;
  say(place, came);
}

for (const place of document.querySelectorAll("[data-push-key]")) {
  place.addEventListener("click", (event) => {
    const button = event.target.closest("[data-push]");
    if (button) press(place, button.dataset.push);
  });
  draw(place);
}
