// What every page does by script: a form is sent once however often it is pressed, and live parts follow.
import "./live.js";

// On a phone the tabs are wider than the page: the one that is shown is brought into sight.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
// And where there are more of them on either side, that edge fades.
for (const row of document.querySelectorAll(".tabs ul")) {
  const look = () => {
    row.toggleAttribute("data-before", row.scrollLeft > 4);
    row.toggleAttribute("data-after", row.scrollLeft + row.clientWidth < row.scrollWidth - 4);
  };
  row.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(row);
  look();
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});
// Whoever comes back by the browser's own way finds the form as it was.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});
