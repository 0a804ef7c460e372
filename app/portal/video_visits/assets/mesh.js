// A connection to each of the others: perfect negotiation (W3C WebRTC, 10.7), the server says who gives way.
// Whoever does not give way makes the first offer, and starts anew what has failed: an offer taken back while routes are
// still looked for can leave Chromium looking for ever.

const ASK_AGAIN_MILLISECONDS = 5_000;

export class Mesh extends EventTarget {
  #line; #stream; #shared = null; #peers = new Map(); #early = new Map(); #ice = { iceServers: [], iceTransportPolicy: "all" };

  constructor(line, stream) {
    super();
    this.#line = line;
    this.#stream = stream;
    line.addEventListener("signal", ({ detail }) => this.#receive(detail));
    line.addEventListener("ice", ({ detail }) => this.#configure(detail));
    line.addEventListener("welcome", ({ detail }) => (detail.came_back ? this.#resume() : this.clear()));
    setInterval(() => this.#askAgain(), ASK_AGAIN_MILLISECONDS);
  }

  get peers() { return this.#peers.values(); }

  // Who is in the visit now. Somebody whose line is down for a moment is still in it, and so is their picture.
  follow(people) {
    const inside = new Map(people.filter((person) => person.instance).map((person) => [person.id, person]));
    for (const [id, peer] of this.#peers) {
      if (inside.get(id)?.instance !== peer.person.instance) this.#drop(id);
    }
    for (const person of inside.values()) {
      if (this.#peers.has(person.id)) this.#peers.get(person.id).person = person;
      else this.#meet(person);
    }
  }

  clear() {
    for (const id of [...this.#peers.keys()]) this.#drop(id);
    this.#early.clear();
  }

  // What is shown in the camera's place, to those who are there and to whoever comes later; null: the camera again.
  share(track) {
    this.#shared = track;
    const shown = track ?? this.#stream.getVideoTracks()[0] ?? null;
    for (const { connection, hasBrought } of this.#peers.values()) {
      if (!hasBrought) continue;
      const sender = connection.getSenders().find((sender) => sender.track?.kind === "video");
      if (sender) sender.replaceTrack(shown);
      else if (shown) connection.addTrack(shown, this.#stream);
    }
  }

  #meet(person) {
    const connection = new RTCPeerConnection({ iceServers: this.#ice.iceServers, iceTransportPolicy: this.#ice.iceTransportPolicy });
    const peer = { person, connection, stream: new MediaStream(), isOffering: false, ignores: false, hasRelay: false, hasBrought: false, work: Promise.resolve() };
    this.#peers.set(person.id, peer);
    connection.ontrack = ({ track }) => {
      peer.stream.addTrack(track);
      this.#tell("track", peer);
    };
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      if (candidate.type === "relay") peer.hasRelay = true;
      this.#give(peer, { candidate: candidate.toJSON() });
    };
    connection.onicegatheringstatechange = () => {
      const isLost = connection.iceGatheringState === "complete" && this.#ice.iceTransportPolicy === "relay" && !peer.hasRelay;
      if (isLost && connection.connectionState !== "connected") this.#tell("no_relay", peer);
    };
    connection.onnegotiationneeded = () => this.#offer(peer);
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed") {
        this.#tell("no_connection", peer);
        if (!peer.person.polite) connection.restartIce();
      }
      this.#tell("state", peer);
    };
    this.#tell("met", peer);
    if (!person.polite) this.#bring(peer);
    for (const early of this.#early.get(person.id) ?? []) this.#receive(early);
    this.#early.delete(person.id);
  }

  #bring(peer) {
    const tracks = this.#shared ? [...this.#stream.getAudioTracks(), this.#shared] : this.#stream.getTracks();
    for (const track of tracks) peer.connection.addTrack(track, this.#stream);
    for (const kind of ["audio", "video"]) {
      const isMissing = !tracks.some((track) => track.kind === kind);
      if (isMissing && !peer.person.polite) peer.connection.addTransceiver(kind, { direction: "recvonly" });
    }
    peer.hasBrought = true;
  }

  #drop(id) {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    peer.connection.close();
    this.#tell("lost", peer);
  }

  async #offer(peer) {
    try {
      peer.isOffering = true;
      await peer.connection.setLocalDescription();
      this.#describe(peer);
    } catch (error) {
      if (peer.connection.signalingState !== "closed") throw error;
    } finally {
      peer.isOffering = false;
    }
  }

  #receive(message) {
    const peer = this.#peers.get(message.from);
    if (!peer) {
      // Heard before it was told that they are in: a moment later it is.
      this.#early.set(message.from, [...(this.#early.get(message.from) ?? []), message].slice(-100));
      return;
    }
    if (message.instance !== peer.person.instance) return;
    peer.work = peer.work.then(() => this.#take(peer, message)).catch((error) => {
      if (peer.connection.signalingState !== "closed") console.warn("a signal was of no use", error.name);
    });
  }

  async #take(peer, { description, candidate }) {
    const { connection, person } = peer;
    if (description) {
      const collides = description.type === "offer" && (peer.isOffering || connection.signalingState !== "stable");
      peer.ignores = !person.polite && collides;
      if (peer.ignores || (description.type === "answer" && connection.signalingState === "stable")) return;
      await connection.setRemoteDescription(description);
      if (description.type !== "offer") return;
      if (!peer.hasBrought) this.#bring(peer);
      await connection.setLocalDescription();
      this.#describe(peer);
    } else {
      try {
        await connection.addIceCandidate(candidate);
      } catch (error) {
        if (!peer.ignores) throw error;
      }
    }
  }

  #describe(peer) {
    peer.askedAt = Date.now();
    const { type, sdp } = peer.connection.localDescription;
    this.#give(peer, { description: { type, sdp } });
  }

  #give(peer, what) {
    this.#line.send({ type: "signal", to: peer.person.id, instance: peer.person.instance, ...what });
  }

  // An offer or its answer may have been on its way when a line broke.
  #askAgain() {
    for (const peer of this.#peers.values()) {
      const waits = peer.connection.signalingState === "have-local-offer";
      if (waits && this.#line.isUp && Date.now() - peer.askedAt > ASK_AGAIN_MILLISECONDS) this.#describe(peer);
    }
  }

  #resume() {
    for (const peer of this.#peers.values()) {
      if (peer.connection.signalingState === "have-local-offer") this.#describe(peer);
      else if (!peer.person.polite && peer.connection.connectionState === "failed") peer.connection.restartIce();
    }
  }

  #configure(ice) {
    this.#ice = ice;
    const configuration = { iceServers: ice.iceServers, iceTransportPolicy: ice.iceTransportPolicy };
    for (const { connection } of this.#peers.values()) connection.setConfiguration(configuration);
    clearTimeout(this.renewal);
    const left = new Date(ice.expires_at) - Date.now();
    this.renewal = setTimeout(() => this.#line.send({ type: "ice" }), Math.max(30_000, left - 120_000));
  }

  #tell(what, peer) {
    this.dispatchEvent(new CustomEvent(what, { detail: peer }));
  }
}
