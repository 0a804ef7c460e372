// A tag at a door opened this page: what it holds stands behind the # of the address, which is sent to nobody.

import "./keeping.js";
import { doorCode } from "./proving.js";

const code = doorCode(location.hash);
if (code) {
  for (const form of document.querySelectorAll("form[data-door]")) {
    form.elements.namedItem("code").value = code;
    form.querySelector("[data-typed]").hidden = true;
  }
  history.replaceState(null, "", location.pathname); // not in what the browser remembers
}
document.addEventListener("outbox:sent", ({ detail }) => {
  if (typeof detail.answer?.next === "string" && detail.answer.next.startsWith("/portal/road/")) location.assign(detail.answer.next);
});
