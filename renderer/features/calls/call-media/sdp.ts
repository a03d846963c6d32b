/**
 * The few things that are read from, or changed in, session descriptions. Used by simple-peer-transport.ts.
 * Pure text work. Invariant: what is not understood stays as it was.
 * spec: RFC 8866 (SDP), RFC 7587 section 6.1 (Opus parameters).
 */

/** Lets Opus fall silent in pauses (`usedtx`): less traffic for the same speech. */
export function withSilentPauses(sdp: string): string {
  const payloads = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000/gimu)].map((match) => match[1]));
  return sdp.replaceAll(/^a=fmtp:(\d+) ([^\r\n]*)/gmu, (line: string, payload: string, parameters: string) =>
    payloads.has(payload) && !/(?:^|;)\s*usedtx=/u.test(parameters) ? `${line};usedtx=1` : line,
  );
}

/** Whether the description already names this candidate. The text of an event carries more parameters than SDP does. */
export function holdsCandidate(sdp: string, candidate: string): boolean {
  const [essence = ""] = candidate.split(" generation ");
  return essence !== "" && sdp.includes(`a=${essence}`);
}
