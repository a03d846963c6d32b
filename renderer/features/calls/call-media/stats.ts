/**
 * Figures of a running call, read from the browser's statistics. Used by call-media.ts for the words on the
 * quality, for the details and for the diagnostics hook. Pure over a report. Invariant: what a browser does not tell
 * counts as nothing, never as an error. spec: W3C "Identifiers for WebRTC's Statistics API".
 */

/** A picture as it is now on the wire. */
export type VideoFigures = { widthPx: number; heightPx: number; framesPerSecond: number; codec: string };

/** `isHeldBack`: the browser makes less of a picture than was asked, for want of room or of processor time. */
export type SendingFigures = { framesEncoded: number; encodeMs: number; isHeldBack: boolean };

export type CallFigures = {
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
  audioCodec?: string;
  /** What the browser believes that the path takes of ours, in bits a second. */
  roomBps?: number;
  /** What making our pictures has cost so far; undefined until there was one. */
  sending?: SendingFigures;
  /** The largest picture of each direction: a shared screen before the camera. */
  incoming?: VideoFigures;
  outgoing?: VideoFigures;
};

/** What the details of a running call show. */
export type CallDetails = {
  path: "direct" | "relay";
  roundTripMs?: number;
  /** Of the packets sent to us since the last reading, from 0 to 1. */
  lossShare: number;
  audioCodec?: string;
  incoming?: VideoFigures;
  outgoing?: VideoFigures;
};

export type Quality = "good" | "fair" | "poor";

type Entry = Record<string, unknown>;

const numberIn = (entry: Entry, name: string): number => {
  const value = entry[name];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
};

/** Reads what comes in and goes out over all tracks. */
export function readFigures(report: Iterable<[string, unknown]>): CallFigures {
  const entries = new Map<string, Entry>();
  for (const [id, entry] of report) if (typeof entry === "object" && entry !== null) entries.set(id, entry as Entry);
  const codecOf = (entry: Entry): string => {
    const mimeType = entries.get(String(entry["codecId"]))?.["mimeType"];
    return typeof mimeType === "string" ? mimeType.replace(/^\w+\//u, "") : "";
  };
  const figures: CallFigures = {
    framesDecoded: 0,
    totalAudioEnergy: 0,
    packetsReceived: 0,
    packetsLost: 0,
    isRelayed: false,
  };
  for (const entry of entries.values()) {
    switch (entry["type"]) {
      case "inbound-rtp": {
        figures.framesDecoded += numberIn(entry, "framesDecoded");
        figures.totalAudioEnergy += numberIn(entry, "totalAudioEnergy");
        figures.packetsReceived += numberIn(entry, "packetsReceived");
        figures.packetsLost += numberIn(entry, "packetsLost");
        const codec = codecOf(entry);
        if (entry["kind"] === "audio" && codec !== "") figures.audioCodec ??= codec;
        else takeLarger(figures, "incoming", entry, codec);
        break;
      }
      case "outbound-rtp":
        takeLarger(figures, "outgoing", entry, codecOf(entry));
        addSending(figures, entry);
        break;
      case "transport": {
        const pair = entries.get(String(entry["selectedCandidatePairId"]));
        if (!pair) break;
        if (typeof pair["currentRoundTripTime"] === "number")
          figures.roundTripTimeMs = pair["currentRoundTripTime"] * 1_000;
        if (typeof pair["availableOutgoingBitrate"] === "number") figures.roomBps = pair["availableOutgoingBitrate"];
        for (const side of ["localCandidateId", "remoteCandidateId"])
          if (entries.get(String(pair[side]))?.["candidateType"] === "relay") figures.isRelayed = true;
        break;
      }
    }
  }
  return figures;
}

/** A picture that stands still has no frames a second, and is none that comes or goes now. */
function takeLarger(figures: CallFigures, direction: "incoming" | "outgoing", entry: Entry, codec: string): void {
  const next: VideoFigures = {
    widthPx: numberIn(entry, "frameWidth"),
    heightPx: numberIn(entry, "frameHeight"),
    framesPerSecond: Math.round(numberIn(entry, "framesPerSecond")),
    codec,
  };
  if (entry["kind"] !== "video" || next.framesPerSecond === 0) return;
  const { widthPx = 0, heightPx = 0 } = figures[direction] ?? {};
  if (next.widthPx * next.heightPx > widthPx * heightPx) figures[direction] = next;
}

function addSending(figures: CallFigures, entry: Entry): void {
  const framesEncoded = numberIn(entry, "framesEncoded");
  if (entry["kind"] !== "video" || framesEncoded === 0) return;
  const { sending } = figures;
  const reason = entry["qualityLimitationReason"];
  figures.sending = {
    framesEncoded: framesEncoded + (sending?.framesEncoded ?? 0),
    encodeMs: numberIn(entry, "totalEncodeTime") * 1_000 + (sending?.encodeMs ?? 0),
    isHeldBack: reason === "cpu" || reason === "bandwidth" || (sending?.isHeldBack ?? false),
  };
}

function lossShareOf(before: CallFigures, now: CallFigures): number {
  const received = Math.max(0, now.packetsReceived - before.packetsReceived);
  const lost = Math.max(0, now.packetsLost - before.packetsLost);
  return received + lost === 0 ? 0 : lost / (received + lost);
}

/** How the call felt between two readings. */
export function judgeQuality(before: CallFigures, now: CallFigures): Quality {
  const lossShare = lossShareOf(before, now);
  const roundTripMs = now.roundTripTimeMs ?? 0;
  if (lossShare > 0.08 || roundTripMs > 600) return "poor";
  if (lossShare > 0.02 || roundTripMs > 300) return "fair";
  return "good";
}

/** The details between two readings; without one before, of the call so far. */
export function describeFigures(before: CallFigures | undefined, now: CallFigures): CallDetails {
  const { audioCodec, incoming, outgoing, roundTripTimeMs } = now;
  return {
    path: now.isRelayed ? "relay" : "direct",
    ...(roundTripTimeMs === undefined ? {} : { roundTripMs: Math.round(roundTripTimeMs) }),
    lossShare: lossShareOf(before ?? { ...now, packetsReceived: 0, packetsLost: 0 }, now),
    ...(audioCodec === undefined ? {} : { audioCodec }),
    ...(incoming === undefined ? {} : { incoming }),
    ...(outgoing === undefined ? {} : { outgoing }),
  };
}
