// On every page: what a device keeps of a person to read goes as soon as anybody else is seen on it, or nobody.

const PAGES = "hearthline-pages:"; // the caches in which pages are kept, each named by its scope and its person
const HERE = "hearthline.who"; // who was seen on this device last, for pages the browser brings back

const who = document.documentElement.dataset.pushWho ?? "";

/** Forgets what is kept of everybody but `whom`, what is not sent yet stays. */
export async function forgetOthers(whom) {
  navigator.serviceWorker?.controller?.postMessage({ forgetOthers: whom });
  const names = "caches" in window ? await caches.keys() : [];
  const others = names.filter((name) => name.startsWith(PAGES) && !(whom && name.endsWith(`:${whom}`)));
  await Promise.all(others.map((name) => caches.delete(name)));
}

function seenLast() {
  try {
    return localStorage.getItem(HERE);
  } catch {
    return null;
  }
}

function remember() {
  try {
    if (seenLast() !== who) localStorage.setItem(HERE, who);
  } catch {
    // Private windows may refuse.
  }
}

// A page that names nobody says little: only where one signs in is nobody signed in for certain.
const isCertain = who || location.pathname.startsWith("/portal/sign-in");
if (isCertain && !document.documentElement.dataset.keptAt) {
  remember();
  forgetOthers(who).catch(() => {}); // a device that keeps nothing has nothing to forget
}

// What the browser brings back as it was may be another person's by now.
addEventListener("pageshow", (event) => {
  if (!event.persisted || seenLast() === who) return;
  document.body.hidden = true;
  location.reload();
});
