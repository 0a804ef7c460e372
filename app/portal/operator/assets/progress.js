// What an announcement has come to is fetched anew every few seconds, as long as it goes on and somebody looks.
const EVERY = 3000;
const part = document.querySelector("[data-progress]");

async function follow() {
  if (!document.hidden) {
    try {
      const answer = await fetch(part.dataset.progress, { headers: { Accept: "text/html" } });
      if (answer.status === 401) { location.reload(); return; }
      if (answer.ok) {
        const made = new DOMParser().parseFromString(await answer.text(), "text/html");
        part.replaceChildren(...made.body.childNodes);
        if (part.querySelector("[data-over]")) {
          document.querySelector("[data-while]")?.remove();
          return;
        }
      }
    } catch {
      // The line is down: the next round asks again.
    }
  }
  setTimeout(follow, EVERY);
}

if (part) setTimeout(follow, EVERY);
