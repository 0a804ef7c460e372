// On every page of whoever is signed in: this browser stays reachable for them if they switched it on.
import { keepAlive } from "./subscribing.js";

const { pushWho, pushSession } = document.documentElement.dataset;
if (pushWho) keepAlive(pushWho, pushSession).catch(() => {}); // without a connection the next page does it
