// The line to the server: comes back by itself, goes on after the last signal that arrived, forgets nothing unsent.

const FOR_GOOD = { 4403: "put_out", 4409: "replaced", 4410: "over", 4429: "failed", 1000: "left" };
const SILENT_MILLISECONDS = 25_000;
const KEPT = new Set(["signal", "chat"]);

export class Line extends EventTarget {
  #url; #pass; #socket = null; #unsent = []; #heard = 0; #tries = 0; #ended = false; #watch = null; #ack = null; #retry = null;
  #refusal = null;

  constructor(consultation, pass) {
    super();
    this.instance = crypto.randomUUID();
    this.isUp = false;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#url = `${scheme}//${location.host}/v1/consultations/${consultation}/signalling`;
    this.#pass = pass;
    addEventListener("online", () => this.#again());
  }

  open() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", pass: this.#pass, instance: this.instance, after: this.#heard }));
      this.#listenFor(socket);
    };
    socket.onmessage = (event) => this.#hear(socket, JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(socket, event.code);
  }

  send(message) {
    if (this.isUp) this.#socket.send(JSON.stringify(message));
    // What changes nothing for others by coming late is kept; a letting-in from minutes ago would.
    else if (KEPT.has(message.type)) this.#unsent.push(message);
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  #hear(socket, message) {
    if (socket !== this.#socket) return;
    this.#listenFor(socket);
    if (message.number !== undefined) {
      if (message.number <= this.#heard) return;
      this.#heard = message.number;
      this.#ack ??= setTimeout(() => {
        this.#ack = null;
        this.send({ type: "ack", number: this.#heard });
      }, 500);
    }
    if (message.type === "welcome") {
      if (!message.came_back) this.#unsent = [];
      this.isUp = true;
      this.#tries = 0;
      for (const unsent of this.#unsent.splice(0)) this.send(unsent);
    }
    if (message.type === "error") this.#refusal = message.code;
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  #closed(socket, code) {
    if (socket !== this.#socket || this.#ended) return;
    clearTimeout(this.#watch);
    const wasUp = this.isUp;
    this.isUp = false;
    if (code in FOR_GOOD) {
      this.#ended = true;
      const why = code === 4403 && (!wasUp || this.#refusal === "consultation_not_open") ? this.#refusal ?? "put_out" : FOR_GOOD[code];
      this.dispatchEvent(new CustomEvent("closed", { detail: why }));
      return;
    }
    this.dispatchEvent(new CustomEvent("down"));
    const pause = Math.min(5000, 200 * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    this.#retry = setTimeout(() => this.#again(), pause);
  }

  #again() {
    if (this.#ended || this.isUp || this.#socket?.readyState === WebSocket.CONNECTING) return;
    clearTimeout(this.#retry);
    this.open();
  }

  // A network that is gone without a word closes nothing: who hears nothing for long tries another line.
  #listenFor(socket) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      socket.onclose = null;
      socket.close();
      this.#closed(socket, 1006);
    }, SILENT_MILLISECONDS);
  }
}
