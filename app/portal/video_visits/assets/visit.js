// The page: from the link to the call. What somebody typed is only ever set as text.

import { Devices } from "./devices.js";
import { Line } from "./line.js";
import { Mesh } from "./mesh.js";
import { Note } from "./note.js";
import { measure } from "./quality.js";

const words = JSON.parse(document.getElementById("words").textContent);
const $ = (id) => document.getElementById(id);
const PASS = "hearthline.pass";
const MEASURE_MILLISECONDS = 1000;

const devices = new Devices();
let entry, line, mesh, note = null, shared = null;
const tiles = new Map();

function show(id) {
  const wanted = $(id);
  if (!wanted.hidden) return;
  for (const section of document.querySelectorAll("main > section")) section.hidden = section !== wanted;
  $("tools").hidden = !["wait", "call"].includes(id);
  $("tools").classList.toggle("waiting", id === "wait");
  wanted.querySelector("h1").focus();
}

function say(key, isTrouble = false) {
  $("status").textContent = key ? words[key] ?? words.failed : "";
  $("status").classList.toggle("trouble", isTrouble);
}

function close(key, again = null) {
  mesh?.clear();
  devices.close();
  say("");
  $("why").textContent = words[key] ?? words.failed;
  $("closed").dataset.why = key;
  $("again").hidden = again === null;
  $("again").onclick = again;
  show("closed");
  // What is left to write is written now.
  if (key === "over") openNote();
}

// A link is good once: it is exchanged for a pass, which this tab keeps so that it can be loaded again.
async function enter() {
  const link = location.hash.slice(1);
  if (link) {
    history.replaceState(null, "", location.pathname + location.search);
    sessionStorage.removeItem(PASS);
    const answer = await fetch("/v1/consultation-passes", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link }),
    });
    const content = await answer.json();
    if (!answer.ok) return close(content.code);
    sessionStorage.setItem(PASS, JSON.stringify(content));
  }
  entry = JSON.parse(sessionStorage.getItem(PASS));
  if (entry === null) return close("no_link");
  await check();
}

async function check() {
  show("check");
  const prepare = async () => {
    const works = await devices.open($("camera").value, $("microphone").value);
    $("no-devices").hidden = works;
    $("preview").srcObject = devices.stream;
    if (works) await devices.list($("camera"), $("microphone"));
    devices.measure((level) => { $("level").value = level; });
  };
  $("camera").onchange = $("microphone").onchange = prepare;
  await prepare();
  $("join").onclick = join;
  $("join").disabled = false;
}

function join() {
  $("join").disabled = true;
  devices.stopMeasuring();
  line = new Line(entry.consultation_id, entry.pass);
  mesh = new Mesh(line, devices.stream);
  document.querySelector("#own video").srcObject = devices.stream;
  $("end").hidden = $("people").hidden = $("write").hidden = entry.role !== "clinician";
  if (entry.role === "clinician") note ??= new Note(entry.consultation_id, entry.pass, words);
  listen();
  line.open();
}

function listen() {
  let wasDown = false;
  line.addEventListener("welcome", () => {
    document.body.dataset.line = "up";
    say(wasDown ? "reconnected" : "");
    wasDown = false;
  });
  line.addEventListener("down", () => {
    document.body.dataset.line = "down";
    wasDown = true;
    say("reconnecting", true);
  });
  line.addEventListener("standing", ({ detail }) => follow(detail));
  line.addEventListener("chat", ({ detail }) => writeDown(tiles.get(detail.from)?.name ?? "", detail.text));
  line.addEventListener("said", ({ detail }) => writeDown(words.you, detail.text));
  line.addEventListener("error", ({ detail }) => {
    if (detail.code === "room_full") say("room_full", true);
    else if (detail.code === "not_there" && !detail.to) say("not_sent", true);
  });
  line.addEventListener("closed", ({ detail }) => {
    // The clinician's is good for the note for some hours more.
    if (["over", "put_out"].includes(detail) && !(note && detail === "over")) sessionStorage.removeItem(PASS);
    const again = ["consultation_not_open", "left", "failed"].includes(detail) ? () => location.reload() : null;
    close(detail === "consultation_over" ? "over" : detail, again);
  });
  mesh.addEventListener("met", ({ detail }) => place(detail));
  mesh.addEventListener("track", ({ detail }) => {
    const video = tiles.get(detail.person.id).video;
    video.srcObject = detail.stream;
    video.play().catch(() => {});
  });
  mesh.addEventListener("lost", ({ detail }) => {
    tiles.get(detail.person.id)?.figure.remove();
    tiles.delete(detail.person.id);
    $("alone").hidden = tiles.size > 0;
  });
  mesh.addEventListener("no_relay", () => say("no_relay", true));
  mesh.addEventListener("no_connection", () => say("no_connection", true));
  mesh.addEventListener("state", ({ detail }) => {
    const isTrouble = $("status").classList.contains("trouble");
    if (detail.connection.connectionState === "connected" && isTrouble && line.isUp) say("");
  });
  setInterval(showQuality, MEASURE_MILLISECONDS);
}

function follow(standing) {
  $("phone").dataset.number = standing.phone ?? "";
  if (standing.you !== "admitted") {
    mesh.clear();
    $("clinician-there").textContent = standing.people.length ? words.clinician_there : "";
    return show("wait");
  }
  show("call");
  mesh.follow(standing.people.filter((person) => person.state === "admitted"));
  if (entry.role === "clinician") listWaiting(standing.people);
}

const called = (person) => (person.name ? `${person.name} (${words[person.role]})` : words[person.role]);

function place(peer) {
  const figure = document.createElement("figure");
  const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true });
  const caption = Object.assign(document.createElement("figcaption"), { textContent: called(peer.person) });
  const quality = Object.assign(document.createElement("span"), { className: "quality", textContent: words.quality_none });
  video.setAttribute("aria-label", called(peer.person));
  figure.dataset.role = peer.person.role;
  figure.append(video, caption, quality);
  $("tiles").append(figure);
  tiles.set(peer.person.id, { figure, video, quality, name: called(peer.person) });
  $("alone").hidden = true;
}

async function showQuality() {
  for (const peer of mesh.peers) {
    const { level, frames, route } = await measure(peer);
    const tile = tiles.get(peer.person.id);
    if (!tile) continue;
    tile.quality.textContent = words[`quality_${level}`];
    tile.quality.className = `quality ${level}`;
    Object.assign(tile.figure.dataset, { frames, route, level });
  }
}

// What did not change stays the element it was: a finger on its way to a button, or the focus on it, is not lost.
function listWaiting(people) {
  const listed = people.filter((person) => person.state === "waiting" || person.state === "admitted");
  const shown = listed.map((person) => {
    const looks = JSON.stringify([person.state, person.name, person.wishes_phone]);
    const known = document.querySelector(`#waiting > li[data-id="${person.id}"]`);
    return known?.dataset.looks === looks ? known : listItem(person, looks);
  });
  const before = [...$("waiting").children];
  const isSame = shown.length === before.length && shown.every((item, index) => item === before[index]);
  if (!isSame) $("waiting").replaceChildren(...shown);
  $("nobody-waits").hidden = listed.some((person) => person.state === "waiting");
}

function listItem(person, looks) {
  const item = document.createElement("li");
  Object.assign(item.dataset, { id: person.id, role: person.role, looks });
  const wish = person.wishes_phone ? ` — ${words.wishes_phone}` : "";
  item.append(Object.assign(document.createElement("span"), { className: "who", textContent: called(person) + wish }));
  if (person.state === "waiting") item.append(command("admit", person));
  item.append(command("remove", person));
  return item;
}

function command(type, person) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: words[type] });
  button.dataset.command = type;
  button.setAttribute("aria-label", `${words[type]}: ${called(person)}`);
  button.onclick = () => line.send({ type, participant_id: person.id });
  return button;
}

function writeDown(who, text) {
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("b"), { textContent: who }), text);
  $("said").append(item);
  item.scrollIntoView({ block: "nearest" });
  openChat(true);
}

function openChat(isOpen) {
  $("talk").hidden = !isOpen;
  $("chat").setAttribute("aria-expanded", isOpen);
}

function openNote(isOpen = true) {
  if (note === null) return;
  $("note").hidden = !isOpen;
  $("write").setAttribute("aria-expanded", isOpen);
}

async function shareScreen() {
  if (shared) return stopSharing();
  try {
    shared = await navigator.mediaDevices.getDisplayMedia({ video: true });
  } catch {
    return say("share_failed", true);
  }
  const [track] = shared.getVideoTracks();
  track.onended = stopSharing;
  mesh.share(track);
  $("share").setAttribute("aria-pressed", "true");
}

function stopSharing() {
  shared?.getTracks().forEach((track) => track.stop());
  shared = null;
  mesh.share(null);
  $("share").setAttribute("aria-pressed", "false");
}

$("mute").onclick = () => $("mute").setAttribute("aria-pressed", devices.toggle("audio"));
$("picture").onclick = () => $("picture").setAttribute("aria-pressed", devices.toggle("video"));
$("share").onclick = shareScreen;
$("chat").onclick = () => {
  openChat($("talk").hidden);
  if (!$("talk").hidden) $("words-to-say").focus();
};
$("write").onclick = () => {
  openNote($("note").hidden);
  if (!$("note").hidden) $("note-title").focus();
};
$("saying").onsubmit = (event) => {
  event.preventDefault();
  const text = $("words-to-say").value.trim();
  if (text) line.send({ type: "chat", text });
  $("words-to-say").value = "";
};
$("phone").onclick = () => {
  line.send({ type: "phone" });
  const number = $("phone").dataset.number;
  const dial = Object.assign(document.createElement("a"), { href: `tel:${number}`, textContent: number });
  $("number").replaceChildren(words.phone_noted, ...(number ? [` ${words.phone_call} `, dial] : []));
  $("number").hidden = false;
};
$("leave").onclick = () => {
  if (line.isUp) return line.send({ type: "leave" });
  line.end();
  close("left", () => location.reload());
};
$("end").onclick = () => line.send({ type: "end" });

enter().catch(() => close("failed", () => location.reload()));
