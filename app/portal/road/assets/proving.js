// How one shows to be at a door: its code before the camera, its tag at the phone, or the phone's position.

const READER = "../ground/camera.js"; // half of a page's weight, and not everybody scans: loaded when somebody does
const LONGEST = 20_000; // milliseconds a position is looked for
const VAGUE = 100; // metres: what is less certain proves nothing

let looking = null; // what the camera is open for

/** Returns the code a tag or a printed code holds: itself, or the end of an address that a tag opens. */
export function doorCode(text) {
  const code = text.slice(text.lastIndexOf("#") + 1).trim();
  return code.length >= 8 && code.length <= 100 ? code : "";
}

function field(form, name, value) {
  form.elements.namedItem(name).value = value;
}

function say(form, text) {
  const said = form.querySelector("[data-prove-trouble]");
  said.textContent = text;
  said.hidden = !text;
}

function give(form, values) {
  for (const [name, value] of Object.entries(values)) field(form, name, value);
  say(form, "");
  form.requestSubmit();
}

function closeCamera() {
  if (!looking) return;
  looking.camera.close();
  looking.form.querySelector("[data-view]").hidden = true;
  looking = null;
}

async function scan(form) {
  const { Camera } = await import(READER).catch(() => ({}));
  if (!Camera) {
    say(form, form.querySelector("[data-prove-trouble]").dataset.noCamera);
    return;
  }
  closeCamera();
  const view = form.querySelector("[data-view]");
  const camera = new Camera(view.querySelector("[data-camera]"), (text) => {
    const code = doorCode(text);
    if (!code || looking?.form !== form) return false;
    closeCamera();
    give(form, { code, how: "qr" });
    return true;
  });
  looking = { form, camera };
  view.hidden = false;
  if (!(await camera.open())) {
    closeCamera();
    say(form, form.querySelector("[data-prove-trouble]").dataset.noCamera);
    return;
  }
  view.querySelector("[data-light]").hidden = !camera.hasLight;
  view.scrollIntoView({ block: "nearest" });
}

async function touch(form) {
  const words = form.querySelector("[data-prove-trouble]").dataset;
  const reader = new globalThis.NDEFReader();
  const stop = new AbortController();
  say(form, words.reading);
  reader.onreading = ({ message }) => {
    for (const record of message.records) {
      const code = record.data ? doorCode(new TextDecoder().decode(record.data)) : "";
      if (!code) continue;
      stop.abort();
      give(form, { code, how: "tag" });
      return;
    }
  };
  await reader.scan({ signal: stop.signal });
}

function locate(form) {
  const words = form.querySelector("[data-prove-trouble]").dataset;
  say(form, words.looking);
  const found = ({ coords }) => {
    if (coords.accuracy > VAGUE) say(form, words.vague);
    else give(form, { code: "", latitude: coords.latitude, longitude: coords.longitude, accuracy: coords.accuracy });
  };
  const options = { enableHighAccuracy: true, timeout: LONGEST, maximumAge: 0 };
  navigator.geolocation.getCurrentPosition(found, () => say(form, words.noPosition), options);
}

function offer() {
  for (const form of document.querySelectorAll("form[data-prove]")) {
    const quick = form.querySelector("[data-quick]");
    quick.hidden = false;
    quick.querySelector("[data-scan]").hidden = !navigator.mediaDevices?.getUserMedia;
    quick.querySelector("[data-touch]").hidden = !("NDEFReader" in globalThis);
    quick.querySelector("[data-locate]").hidden = !navigator.geolocation;
  }
  if (looking && !looking.form.isConnected) closeCamera();
  else if (looking) looking.form.querySelector("[data-view]").hidden = false; // a part that was fetched anew hides it
}

addEventListener("click", (event) => {
  const pressed = event.target.closest?.("[data-scan], [data-touch], [data-locate], [data-stop-scan], [data-light]");
  const form = pressed?.closest("form[data-prove]");
  if (!form) return;
  if (pressed.matches("[data-scan]")) scan(form);
  else if (pressed.matches("[data-touch]")) touch(form).catch(() => say(form, ""));
  else if (pressed.matches("[data-locate]")) locate(form);
  else if (pressed.matches("[data-stop-scan]")) closeCamera();
  else {
    const isOn = pressed.getAttribute("aria-pressed") === "false";
    looking?.camera.light(isOn);
    pressed.setAttribute("aria-pressed", String(isOn));
  }
});
document.addEventListener("visibilitychange", () => { if (document.hidden) closeCamera(); });
document.addEventListener("live:swapped", offer);
offer();
