// How good a connection is, from its own statistics: what gets lost, and how long the way takes.

const FAIR = { loss: 0.03, seconds: 0.25 }, POOR = { loss: 0.08, seconds: 0.45 };

export function levelOf(loss, seconds) {
  if (loss > POOR.loss || seconds > POOR.seconds) return "poor";
  return loss > FAIR.loss || seconds > FAIR.seconds ? "fair" : "good";
}

// Returns the level, the frames that were decoded so far, and by which kind of route they came.
export async function measure(peer) {
  const stats = [...(await peer.connection.getStats()).values()];
  const pair = stats.find((entry) => entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded");
  const inbound = stats.filter((entry) => entry.type === "inbound-rtp");
  const sum = (name) => inbound.reduce((total, entry) => total + (entry[name] ?? 0), 0);
  const lost = sum("packetsLost"), received = sum("packetsReceived");
  const before = peer.counted ?? { lost, received };
  peer.counted = { lost, received };
  const share = (lost - before.lost) / Math.max(1, lost - before.lost + received - before.received);
  const frames = inbound.find((entry) => entry.kind === "video")?.framesDecoded ?? 0;
  const isUp = peer.connection.connectionState === "connected" && pair;
  const route = stats.find((entry) => entry.id === pair?.localCandidateId)?.candidateType ?? "";
  return { level: isUp ? levelOf(Math.max(0, share), pair.currentRoundTripTime ?? 0) : "none", frames, route };
}
