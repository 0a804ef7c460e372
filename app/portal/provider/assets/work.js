// A day of orders: those of today can be read without a connection before they were ever opened.

import { keepAhead } from "../offline/keeping.js";

const work = document.getElementById("work");

function keepOrders() {
  if (work.dataset.today === undefined) return;
  const stops = [...work.querySelectorAll("[data-stop]")];
  const paths = stops.map((one) => one.querySelector("a").pathname);
  keepAhead(paths, stops.map((one, place) => [paths[place], one.dataset.stop]));
}

keepOrders();
document.addEventListener("live:swapped", keepOrders);
