// Signing in with a code that is sent to a phone number or mail address, as in the app.

import { Denied } from "./server.js";

const $ = (id) => document.getElementById(id);

export class SigningIn {
  #server; #say; #done; #challenge = null;

  // `say(key)` tells the person something, `done()` is called once they are signed in.
  constructor(server, say, done) {
    this.#server = server;
    this.#say = say;
    this.#done = done;
    $("contact-form").onsubmit = (event) => this.#in(event, () => this.#send());
    $("code-form").onsubmit = (event) => this.#in(event, () => this.#enter());
  }

  begin() {
    this.#challenge = null;
    for (const field of [$("contact"), $("sign-in-code")]) field.value = "";
    $("contact-form").hidden = false;
    $("code-form").hidden = $("who").hidden = true;
    $("person").replaceChildren();
  }

  async #in(event, task) {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      this.#say("");
      await task();
    } catch (error) {
      this.#say(error instanceof Denied ? (error.status === 422 ? "wrong_contact" : "wrong_code") : "unreachable");
    } finally {
      button.disabled = false;
    }
  }

  async #send() {
    const named = new URLSearchParams(location.search).get("community");
    const config = await this.#server.asNobody("GET", `/v1/app-config${named ? `?community_id=${encodeURIComponent(named)}` : ""}`);
    const contact = $("contact").value.trim();
    const where = contact.includes("@") ? { email: contact } : { phone: contact };
    const body = { community_id: config.community_id, ...where };
    this.#challenge = (await this.#server.asNobody("POST", "/v1/sign-in/codes", body)).challenge_id;
    $("contact-form").hidden = true;
    $("code-form").hidden = false;
    $("sign-in-code").focus();
  }

  async #enter() {
    const chosen = $("person").value;
    const answer = await this.#server.asNobody("POST", "/v1/sign-in", {
      challenge_id: this.#challenge,
      code: $("sign-in-code").value.trim(),
      device_label: "Gate",
      ...(chosen ? { account_id: chosen } : {}),
    });
    // Several people share the number: the same once more, with who it is.
    if (answer.choose) {
      $("person").replaceChildren(...answer.choose.map(({ account_id: id, name }) => new Option(name, id)));
      $("who").hidden = false;
      $("person").focus();
      return;
    }
    await this.#server.signIn(answer);
    this.begin();
    this.#done();
  }
}
