// The screen on the wall: it fetches what changed every two seconds, for as long as it hangs there. Nothing is kept but
// the last text, so it does not grow; after a night without a line it goes on by itself.
const EVERY = 2_000; // milliseconds
const SLOWEST = 8_000;
const LONGEST = 30_000; // between two tries while nobody answers
const TOLD = 3; // tries after which the screen says that it may be out of date
const VOUCHED = 10 * 60_000; // after so long without an answer the numbers go
const SETTLED = 30_000; // between two loads, while two versions answer in turn
const ANEW = 20 * 3_600_000; // after so long the page loads itself anew while nobody is called: a screen runs for months

const board = document.getElementById("board");
const down = document.getElementById("down");
const button = document.getElementById("sound");
const clock = document.getElementById("clock");
const begun = Date.now();
const ASKING = { credentials: "same-origin", redirect: "manual", cache: "no-store", headers: { "X-Live": "1" } };
let last = "";
let served = board.dataset.version;
let answered = begun;
let failures = 0;
let sounding = null;
let newest = document.getElementById("now")?.dataset.newest ?? "";

function tone(frequency, at) {
  const voice = sounding.createOscillator();
  const loudness = sounding.createGain();
  voice.frequency.value = frequency;
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(0.4, at + 0.03);
  loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.9);
  voice.connect(loudness).connect(sounding.destination);
  voice.start(at);
  voice.stop(at + 1);
}

function chime() {
  if (sounding?.state !== "running") return;
  tone(784, sounding.currentTime);
  tone(659, sounding.currentTime + 0.5);
}

const SOUND = "hearthline-wall-sound";
const mark = () => button.setAttribute("aria-pressed", String(sounding?.state === "running"));

async function turn(on) {
  if (on) {
    sounding ??= new AudioContext();
    sounding.onstatechange = mark;
    await sounding.resume().catch(() => {});
  } else {
    await sounding?.suspend();
  }
  mark();
}

button.addEventListener("click", async () => {
  const on = button.getAttribute("aria-pressed") !== "true";
  sessionStorage.setItem(SOUND, on ? "on" : "off");
  await turn(on);
  if (on) chime();
});
// A screen that loaded itself anew sounds on, where its browser lets it; where not, the button says so.
if (sessionStorage.getItem(SOUND) === "on") turn(true);

function show(text) {
  if (text === last) return;
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("now");
  if (!fresh) throw new Error("not a board");
  last = text;
  served = fresh.dataset.version;
  board.replaceChildren(document.importNode(fresh, true));
  if (fresh.dataset.newest > newest) chime();
  newest = fresh.dataset.newest;
}

/** Takes the numbers away; they come back with the next answer. */
function wipe() {
  last = "";
  board.replaceChildren();
}

/** Loads the page anew, if it is there: led to a page that says it is not, a screen would stay there for good. */
async function anew() {
  const answer = await fetch(location.href, { ...ASKING, signal: AbortSignal.timeout(SLOWEST) });
  if (answer.ok && (await answer.text()).includes('id="board"')) location.reload();
}

async function look() {
  try {
    const answer = await fetch(board.dataset.src, { ...ASKING, signal: AbortSignal.timeout(SLOWEST) });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.text());
    failures = 0;
    answered = Date.now();
  } catch {
    failures += 1;
  }
  down.hidden = failures < TOLD;
  // What cannot be vouched for is not shown for long: a number called an hour ago sends somebody to a wrong door.
  board.classList.toggle("old", failures >= TOLD);
  if (Date.now() - answered > VOUCHED) wipe();
  const age = Date.now() - begun;
  const isDue = (served !== board.dataset.version && age > SETTLED) || (age > ANEW && !board.querySelector(".called"));
  if (failures === 0 && isDue) await anew().catch(() => {});
  setTimeout(look, failures ? Math.min(EVERY * 2 ** failures, LONGEST) : EVERY);
}

const written = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: clock.dataset.zone });
const dated = new Intl.DateTimeFormat("sv-SE", { timeZone: clock.dataset.zone }); // as ISO 8601 has it
let today = dated.format(new Date());
function tick() {
  // Numbers begin anew with the clinic's day, also on a screen that hears of nothing at midnight.
  const day = dated.format(new Date());
  if (day !== today) wipe();
  today = day;
  const now = written.format(new Date());
  if (clock.textContent !== now) clock.textContent = now;
}

/** Keeps the screen from going dark, where the browser can; it is given back when the page was hidden. */
async function stayAwake() {
  if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
  await navigator.wakeLock.request("screen").catch(() => {});
}

document.addEventListener("visibilitychange", stayAwake);
stayAwake();
tick();
setInterval(tick, 1_000);
setTimeout(look, EVERY);
