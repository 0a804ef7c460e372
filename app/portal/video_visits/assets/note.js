// The note of the visit, as its clinician writes it: a draft that only they see, signed, and from then on added to.
// The pass of the page stands for who is signed in, in this visit alone and for some hours after it.

const FIELDS = ["subjective", "objective", "assessment", "plan", "instructions", "follow_up_reason"];
const $ = (id) => document.getElementById(id);

export class Note {
  #path; #pass; #words; #version = null; #isSaved = true; #work = Promise.resolve();

  constructor(consultation, pass, words) {
    this.#path = `/v1/consultations/${consultation}`;
    this.#pass = pass;
    this.#words = words;
    $("note-form").onsubmit = (event) => { event.preventDefault(); this.#in(() => this.#save()); };
    $("note-form").oninput = () => { this.#isSaved = false; this.#say(""); };
    $("sign").onclick = () => this.#askToSign();
    $("signing").onclose = () => { if ($("signing").returnValue === "sign") this.#in(() => this.#sign()); };
    $("addendum-form").onsubmit = (event) => { event.preventDefault(); this.#in(() => this.#add()); };
    addEventListener("beforeunload", (event) => { if (!this.#isSaved) event.preventDefault(); });
    this.#in(() => this.#read());
  }

  // One after the other: what is signed is what was saved before.
  #in(task) {
    this.#work = this.#work.then(task).catch((error) => {
      const isElsewhere = ["409", "412"].includes(error.message);
      this.#say(isElsewhere ? "note_changed" : "note_failed", true);
    });
  }

  async #read() {
    const { items } = await this.#ask("GET", "/notes");
    const soap = items.find((item) => item.kind === "soap");
    if (soap) this.#show(soap);
    for (const item of items) if (item.kind === "addendum") this.#write(item);
  }

  async #save() {
    const body = this.#written();
    const note = await this.#ask("PUT", "/note", body, this.#version === null ? {} : { "If-Match": `"${this.#version}"` });
    this.#version = note.version;
    this.#isSaved = JSON.stringify(body) === JSON.stringify(this.#written()); // they may have gone on writing
    this.#say("note_saved");
  }

  #written() {
    const days = $("follow_up_days").value;
    return { ...Object.fromEntries(FIELDS.map((name) => [name, $(name).value])), follow_up_days: days ? Number(days) : null };
  }

  #askToSign() {
    if (!$("note-form").reportValidity()) return;
    $("signing").returnValue = ""; // Escape is no signature
    $("signing").showModal();
  }

  async #sign() {
    await this.#save();
    this.#show(await this.#ask("POST", "/note/signature"));
    this.#say("note_signed");
    $("addendum").focus();
  }

  async #add() {
    this.#write(await this.#ask("POST", "/addenda", { text: $("addendum").value }));
    $("addendum").value = "";
    this.#say("note_added");
  }

  #show(note) {
    for (const name of FIELDS) $(name).value = note.content?.[name] ?? "";
    $("follow_up_days").value = note.follow_up_days ?? "";
    this.#version = note.version;
    this.#isSaved = true;
    const isSigned = note.signed_at !== null;
    for (const field of $("note-form").querySelectorAll("textarea, input")) field.readOnly = isSigned;
    $("note-actions").hidden = isSigned;
    $("addenda").hidden = !isSigned;
  }

  #write(addendum) {
    $("added").append(Object.assign(document.createElement("li"), { textContent: addendum.text }));
  }

  #say(key, isTrouble = false) {
    $("note-status").textContent = key ? this.#words[key] : "";
    $("note-status").classList.toggle("trouble", isTrouble);
  }

  async #ask(method, path, body, more = {}) {
    const headers = { "Consultation-Pass": this.#pass, ...(body ? { "Content-Type": "application/json" } : {}), ...more };
    const answer = await fetch(this.#path + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }
}
