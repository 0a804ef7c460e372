// A visit: nobody leaves by mistake with something open.
//
// It is loaded before the outbox, as it looks at what is pressed before that keeps it.

import "../offline/keeping.js";
import "../offline/pictures.js";
import "../offline/waiting.js";
import "./proving.js";

function isSomethingOpen() {
  return [...document.querySelectorAll("[data-open]")].some((one) => !one.hasAttribute("data-waits"));
}

addEventListener("submit", (event) => {
  const form = event.target;
  const why = form.elements.namedItem("unfinished_reason");
  const said = document.querySelector("[data-leave-trouble]");
  if (!why || !said) return;
  said.hidden = why.value.trim() !== "" || !isSomethingOpen();
  if (said.hidden) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  why.focus();
  said.scrollIntoView({ block: "nearest" });
}, { capture: true });
