// What a verdict sounds and feels like: two rising tones and one short buzz, or a long low tone and three buzzes.

const TONES = {
  admitted: [[660, 0, 0.12], [990, 0.13, 0.2]],
  refused: [[196, 0, 0.6]],
};
const BUZZES = { admitted: [80], refused: [250, 100, 250, 100, 250] };

let audio = null;

// Browsers let a page sound only after it was touched.
export function unlock() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

export function signal(kind) {
  navigator.vibrate?.(BUZZES[kind]);
  if (audio?.state !== "running") return;
  for (const [pitch, after, seconds] of TONES[kind]) {
    const tone = new OscillatorNode(audio, { frequency: pitch, type: kind === "refused" ? "square" : "sine" });
    const volume = new GainNode(audio, { gain: 0.25 });
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + after);
    tone.stop(audio.currentTime + after + seconds);
  }
}
