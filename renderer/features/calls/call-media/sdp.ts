/**
 * The few things that are read from, or changed in, session descriptions and candidates. Used by
 * simple-peer-transport.ts. Pure text work.
 * Invariants: what is not understood stays as it was; what comes from the other side costs a bounded amount of work.
 * spec: RFC 8866 (SDP), RFC 8839 (ICE in SDP), RFC 7587 section 6.1 (Opus parameters).
 */
import type { Candidate } from "../../../../preload/contract/views.ts";

/** The description with a parameter for each codec of this kind that has parameters and not yet this one. */
function withParameter(sdp: string, codec: "opus/48000" | "rtx/90000", name: string, value: number): string {
  const named = new RegExp(`^a=rtpmap:(\\d+) ${codec}`, "gimu");
  const payloads = new Set([...sdp.matchAll(named)].map((match) => match[1]));
  return sdp.replaceAll(/^a=fmtp:(\d+) ([^\r\n]*)/gmu, (line: string, payload: string, parameters: string) => {
    const isSaid = parameters.split(";").some((each) => each.trim().startsWith(`${name}=`));
    return payloads.has(payload) && !isSaid ? `${line};${name}=${value}` : line;
  });
}

/** Lets Opus fall silent in pauses (`usedtx`): less traffic for the same speech. */
export const withSilentPauses = (sdp: string): string => withParameter(sdp, "opus/48000", "usedtx", 1);

/**
 * Says how long a packet of a picture is worth sending again. Chromium asks for a whole picture when three times that
 * long none could be shown, and where nothing is said after 3 s; it looks for this in its own description, and takes it
 * into the answer that it makes to ours. spec: RFC 4588 section 8.1, `rtx-time`.
 */
export const withRepairTime = (sdp: string, repairMs: number): string =>
  withParameter(sdp, "rtx/90000", "rtx-time", repairMs);

/**
 * Lets our pictures begin at a rate that fits them, not at the 300 kbit/s that Chromium begins with: the first
 * picture comes sooner. Said in the other side's description, where Chromium looks for what it may send; a path that
 * cannot take it is measured within the first second.
 */
export function withStartBitrate(sdp: string, kilobitsPerSecond: number): string {
  const parameter = `x-google-start-bitrate=${kilobitsPerSecond}`;
  const video = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) (?:VP8|VP9|H264|AV1)\/90000/gimu)].map((match) => match[1]));
  const described = new Set<string>();
  const raised = sdp.replaceAll(/^a=fmtp:(\d+) ([^\r\n]*)/gmu, (line: string, payload: string, parameters: string) => {
    if (!video.has(payload)) return line;
    described.add(payload);
    return parameters.includes("x-google-start-bitrate") ? line : `${line};${parameter}`;
  });
  // VP8 has no parameters of its own, and so no line that could be made longer.
  return raised.replaceAll(/^a=rtpmap:(\d+) [^\r\n]*(\r?\n)/gmu, (line: string, payload: string, ending: string) =>
    video.has(payload) && !described.has(payload) ? `${line}a=fmtp:${payload} ${parameter}${ending}` : line,
  );
}

/** Whether the description already names this candidate. The text of an event carries more parameters than SDP does. */
export function holdsCandidate(sdp: string, candidate: string): boolean {
  const [essence = ""] = candidate.split(" generation ");
  return essence !== "" && sdp.includes(`a=${essence}`);
}

/** `candidate:foundation component transport priority address port typ type …`, with or without `a=` before it. */
const CANDIDATE = /^(?:a=)?candidate:\S+ \d+ \S+ \d+ (?<address>\S+) \d+ typ (?<type>\S+)/iu;

/** Whether the candidate leads over a relay; the empty one, which ends them, counts as such. */
export const isRelayed = (candidate: string): boolean =>
  candidate === "" || CANDIDATE.exec(candidate)?.groups?.["type"]?.toLowerCase() === "relay";

/**
 * Our description without any address of ours but the relays': neither other candidates, nor the address from which
 * we reached the relay, nor a default address that is none. The browser gathers no others under the policy "relay";
 * this holds even where it should err.
 */
export function withRelaysOnly(sdp: string): string {
  const lines = sdp.split("\r\n").filter((line) => !line.startsWith("a=candidate:") || isRelayed(line));
  const relays = new Set(lines.map((line) => CANDIDATE.exec(line)?.groups?.["address"]));
  return lines
    .map((line) => {
      if (line.startsWith("a=candidate:")) return withoutRelatedAddress(line);
      if (!line.startsWith("c=") && !line.startsWith("a=rtcp:")) return line;
      return line.replace(/\bIN IP([46]) (\S+)/u, (whole: string, version: string, address: string) =>
        relays.has(address) ? whole : `IN IP${version} ${version === "4" ? "0.0.0.0" : "::"}`,
      );
    })
    .join("\r\n");
}

/** A candidate without the address that lies behind the relay. */
export const withoutRelatedAddress = (candidate: string): string =>
  candidate.replace(/ raddr \S+ rport \d+/u, " raddr 0.0.0.0 rport 9");

const IP_LITERAL = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f:.]*:[\da-f:.]*)$/iu;

/**
 * Whether a candidate of the other side may be tried. A name in place of an address would be looked up by us, which
 * tells its owner's name server of us: only `.local` names, which stay within the network, are taken, and under
 * "relay only" not even those.
 */
export function isTriable(candidate: string, isRelayOnly: boolean): boolean {
  const address = CANDIDATE.exec(candidate)?.groups?.["address"];
  if (address === undefined) return false;
  return IP_LITERAL.test(address) || (!isRelayOnly && /^[\w-]+\.local$/iu.test(address));
}

/**
 * The description without any address of the other side, and its candidates beside it: whoever is only told the first
 * cannot be reached, and sends nothing.
 */
export function withoutCandidates(sdp: string): { sdp: string; candidates: Candidate[] } {
  const candidates: Candidate[] = [];
  let sdpMLineIndex = -1;
  const lines = sdp.split(/\r?\n/u).filter((line) => {
    if (line.startsWith("m=")) sdpMLineIndex += 1;
    if (line.startsWith("a=candidate:")) candidates.push({ candidate: line.slice("a=".length), sdpMLineIndex });
    return !line.startsWith("a=candidate:") && line !== "a=end-of-candidates";
  });
  return { sdp: lines.join("\r\n"), candidates: candidates.filter((each) => each.sdpMLineIndex !== -1) };
}

/** The description with these candidates in the sections that they name, by number; others are left out. */
export function withCandidates(sdp: string, candidates: readonly Candidate[]): string {
  const sections = sdp.split(/^(?=m=)/mu);
  // What is before the first section is none.
  const hasPreamble = !sections[0]?.startsWith("m=");
  return sections
    .map((section, index) => {
      const sdpMLineIndex = hasPreamble ? index - 1 : index;
      const own = candidates.filter((each) => each.sdpMLineIndex === sdpMLineIndex && each.candidate !== "");
      return section + own.map(({ candidate }) => `a=${candidate}\r\n`).join("");
    })
    .join("");
}

/** No event of Matrix is longer, so no honest description is. spec: client-server, "Size limits": 65,536 bytes. */
const MAX_SDP_LENGTH = 70_000;
/** A call has a handful: sound, a camera, a screen and its sound, of each side. */
const MAX_SECTIONS = 24;
/** Of the other side, between two of its descriptions; a computer with many networks has some twenty. */
export const MAX_CANDIDATES = 100;

/** The other side's description as it may be given to the browser, or why it may not. */
export function admitRemote(sdp: string, isRelayOnly: boolean): { sdp: string } | { refusal: string } {
  if (sdp.length > MAX_SDP_LENGTH) return { refusal: `it has ${sdp.length} characters, more than an event can have` };
  const lines = sdp.split(/\r?\n/u);
  const sections = lines.filter((line) => line.startsWith("m=")).length;
  if (sections > MAX_SECTIONS) return { refusal: `it has ${sections} sections, more than a call can need` };
  let candidates = 0;
  const admitted = lines.filter((line) => {
    if (!line.startsWith("a=candidate:")) return true;
    candidates += 1;
    return candidates <= MAX_CANDIDATES && isTriable(line, isRelayOnly);
  });
  return { sdp: admitted.join("\r\n") };
}
