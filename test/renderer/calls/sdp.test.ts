/**
 * What is read from and changed in session descriptions. spec: RFC 7587 section 6.1.
 */
import { expect, test } from "vitest";
import { holdsCandidate, withSilentPauses } from "../../../renderer/features/calls/call-media/sdp.ts";

const SDP = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9",
  "a=rtpmap:111 opus/48000/2",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:63 red/48000/2",
  "a=fmtp:63 111/111",
  "a=candidate:842163049 1 udp 1677729535 192.0.2.7 46154 typ host generation 0 network-id 1",
  "",
].join("\r\n");

test("Opus may fall silent, other codecs stay as they are", () => {
  expect(withSilentPauses(SDP)).toBe(SDP.replace("useinbandfec=1", "useinbandfec=1;usedtx=1"));
});

test("what says it already is not changed again", () => {
  const once = withSilentPauses(SDP);
  expect(withSilentPauses(once)).toBe(once);
  expect(withSilentPauses("no sdp at all")).toBe("no sdp at all");
});

test("a candidate is recognised although its event says more than the description", () => {
  const candidate =
    "candidate:842163049 1 udp 1677729535 192.0.2.7 46154 typ host generation 0 ufrag Xy1 network-cost 999";
  expect(holdsCandidate(SDP, candidate)).toBe(true);
  expect(holdsCandidate(SDP, candidate.replace("46154", "46155"))).toBe(false);
  expect(holdsCandidate(SDP, "")).toBe(false);
});
