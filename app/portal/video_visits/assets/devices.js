// Camera and microphone: chosen, tried out, switched; a visit also works with one of them, or with none.

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24 } };

export class Devices {
  stream = new MediaStream();
  #audio = null; #meter = null;

  // Returns whether there is anything to be seen or heard by.
  async open(camera, microphone) {
    const video = camera ? { ...WANTED, deviceId: { exact: camera } } : WANTED;
    const audio = microphone ? { deviceId: { exact: microphone } } : true;
    for (const wanted of [{ video, audio }, { audio }, { video }]) {
      try {
        const fresh = await navigator.mediaDevices.getUserMedia(wanted);
        this.stream.getTracks().forEach((track) => { track.stop(); this.stream.removeTrack(track); });
        fresh.getTracks().forEach((track) => this.stream.addTrack(track));
        return true;
      } catch (error) {
        if (!["NotFoundError", "NotReadableError", "OverconstrainedError", "AbortError"].includes(error.name)) return false;
      }
    }
    return false;
  }

  async list(cameras, microphones) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const inUse = new Set(this.stream.getTracks().map((track) => track.getSettings().deviceId));
    for (const [select, kind] of [[cameras, "videoinput"], [microphones, "audioinput"]]) {
      const found = devices.filter((device) => device.kind === kind);
      select.replaceChildren(...found.map((device, index) => {
        const option = new Option(device.label || `${index + 1}`, device.deviceId);
        option.selected = inUse.has(device.deviceId);
        return option;
      }));
      select.disabled = found.length === 0;
    }
  }

  measure(show) {
    this.stopMeasuring();
    const [track] = this.stream.getAudioTracks();
    if (!track) return;
    this.#audio = new AudioContext();
    const analyser = this.#audio.createAnalyser();
    this.#audio.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#meter = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      show(Math.min(1, 4 * Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)));
    }, 100);
  }

  stopMeasuring() {
    clearInterval(this.#meter);
    this.#audio?.close();
    this.#audio = null;
  }

  // Switches all tracks of a kind and returns whether they are on now.
  toggle(kind) {
    const tracks = kind === "audio" ? this.stream.getAudioTracks() : this.stream.getVideoTracks();
    tracks.forEach((track) => { track.enabled = !track.enabled; });
    return tracks.some((track) => track.enabled);
  }

  close() {
    this.stopMeasuring();
    this.stream.getTracks().forEach((track) => track.stop());
  }
}
