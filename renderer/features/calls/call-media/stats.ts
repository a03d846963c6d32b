/**
 * Figures of a running call, read from the browser's statistics. Used by call-media.ts for the words on the
 * quality and for the diagnostics hook. Pure over a report. Invariant: what a browser does not tell counts as
 * nothing, never as an error. spec: W3C "Identifiers for WebRTC's Statistics API".
 */

export type InboundFigures = {
  /** Frames of the other side's picture that were decoded. */
  framesDecoded: number;
  /** Energy of the other side's sound that was played. */
  totalAudioEnergy: number;
  /** Packets that arrived and packets that did not. */
  packetsReceived: number;
  packetsLost: number;
  roundTripTimeMs?: number;
  /** Whether the path leads over a relay. */
  isRelayed: boolean;
};

export type Quality = "good" | "fair" | "poor";

const numberIn = (entry: Record<string, unknown>, name: string): number => {
  const value = entry[name];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
};

/** Adds up what came in over all tracks. */
export function readInbound(report: Iterable<[string, unknown]>): InboundFigures {
  const entries = new Map<string, Record<string, unknown>>();
  for (const [id, entry] of report)
    if (typeof entry === "object" && entry !== null) entries.set(id, entry as Record<string, unknown>);
  const figures: InboundFigures = {
    framesDecoded: 0,
    totalAudioEnergy: 0,
    packetsReceived: 0,
    packetsLost: 0,
    isRelayed: false,
  };
  for (const entry of entries.values()) {
    if (entry["type"] === "inbound-rtp") {
      figures.framesDecoded += numberIn(entry, "framesDecoded");
      figures.totalAudioEnergy += numberIn(entry, "totalAudioEnergy");
      figures.packetsReceived += numberIn(entry, "packetsReceived");
      figures.packetsLost += numberIn(entry, "packetsLost");
    }
    const pair = entry["type"] === "transport" ? entries.get(String(entry["selectedCandidatePairId"])) : undefined;
    if (!pair) continue;
    if (typeof pair["currentRoundTripTime"] === "number")
      figures.roundTripTimeMs = pair["currentRoundTripTime"] * 1_000;
    for (const side of ["localCandidateId", "remoteCandidateId"]) {
      if (entries.get(String(pair[side]))?.["candidateType"] === "relay") figures.isRelayed = true;
    }
  }
  return figures;
}

/** How the call felt between two readings. */
export function judgeQuality(before: InboundFigures, now: InboundFigures): Quality {
  const received = Math.max(0, now.packetsReceived - before.packetsReceived);
  const lost = Math.max(0, now.packetsLost - before.packetsLost);
  const lossShare = received + lost === 0 ? 0 : lost / (received + lost);
  const roundTripMs = now.roundTripTimeMs ?? 0;
  if (lossShare > 0.08 || roundTripMs > 600) return "poor";
  if (lossShare > 0.02 || roundTripMs > 300) return "fair";
  return "good";
}
