// Reads codes from the camera: with the browser's own detector where it has one, and with ours where it has none.

import { read } from "./qr_read.js";

const BETWEEN_MILLISECONDS = 120;
const LARGEST = 800; // pixels of the longer side that are looked at
const SAME_MILLISECONDS = 6000;
const WANTED = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };

async function detector() {
  const formats = (await globalThis.BarcodeDetector?.getSupportedFormats?.()) ?? [];
  if (!formats.includes("qr_code")) return null;
  return new BarcodeDetector({ formats: ["qr_code"] });
}

export class Camera {
  #video; #found; #stream = null; #detector = null; #timer = null; #last = null;
  #canvas = document.createElement("canvas");

  // `found` is called with the text of each code that comes before the camera, once as long as it stays there; it
  // returns whether it takes it: if not, it is called again.
  constructor(video, found) {
    this.#video = video;
    this.#found = found;
  }

  get isOpen() { return this.#stream !== null; }

  // Returns whether there is a camera that may be used.
  async open() {
    if (this.isOpen) return true;
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: WANTED });
    } catch {
      return false;
    }
    this.#detector = await detector();
    this.#video.srcObject = this.#stream;
    await this.#video.play().catch(() => {});
    this.#next();
    return true;
  }

  get #track() { return this.#stream?.getVideoTracks()[0]; }

  // Says whether the camera has a light of its own.
  get hasLight() { return Boolean(this.#track?.getCapabilities?.().torch); }

  async light(isOn) { await this.#track?.applyConstraints({ advanced: [{ torch: isOn }] }); }

  close() {
    clearTimeout(this.#timer);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = this.#video.srcObject = null;
  }

  #next() {
    if (this.isOpen) this.#timer = setTimeout(() => this.#look(), BETWEEN_MILLISECONDS);
  }

  async #look() {
    try {
      if (!document.hidden && this.#video.videoWidth) this.#see(await this.#text());
    } finally {
      this.#next();
    }
  }

  // A code that is held still is read again and again, and is one visitor all the same.
  #see(text) {
    if (text === null) return;
    const now = performance.now(), isSame = this.#last?.text === text && now - this.#last.at < SAME_MILLISECONDS;
    if (isSame || this.#found(text)) this.#last = { text, at: now };
  }

  async #text() {
    if (this.#detector) {
      try {
        const [code] = await this.#detector.detect(this.#video);
        return code?.rawValue ?? null;
      } catch {
        this.#detector = null; // some browsers promise what their system does not have
      }
    }
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, LARGEST / Math.max(videoWidth, videoHeight));
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    const pen = this.#canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return read(pen.getImageData(0, 0, this.#canvas.width, this.#canvas.height));
  }
}
