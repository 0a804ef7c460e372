// On every page of whoever is signed in: this browser stays reachable for them if they switched it on.
import { closeShown, keepAlive } from "./subscribing.js";

// What was shown to whoever signs out is not read by whoever sits here next.
addEventListener("submit", ({ target }) => {
  if (new URL(target.getAttribute("action") ?? "", location).pathname === "/portal/sign-out") closeShown().catch(() => {});
});

const { pushWho, pushSession } = document.documentElement.dataset;
if (pushWho) keepAlive(pushWho, pushSession).catch(() => {}); // without a connection the next page does it
