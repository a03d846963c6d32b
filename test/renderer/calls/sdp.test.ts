/**
 * What is read from, changed in and kept out of session descriptions. spec: RFC 7587 section 6.1, RFC 8839.
 */
import { expect, test } from "vitest";
import {
  admitRemote,
  holdsCandidate,
  isRelayed,
  isTriable,
  withCandidates,
  withoutCandidates,
  MAX_CANDIDATES,
  withRelaysOnly,
  withRepairTime,
  withSilentPauses,
  withStartBitrate,
} from "../../../renderer/features/calls/call-media/sdp.ts";

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

const VIDEO_SDP = [
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 45",
  "a=rtpmap:96 VP8/90000",
  "a=rtcp-fb:96 nack",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=96",
  "a=rtpmap:98 VP9/90000",
  "a=fmtp:98 profile-id=0",
  "",
].join("\r\n");

test("pictures begin at a rate of ours, whether or not the codec has parameters", () => {
  const started = withStartBitrate(SDP + VIDEO_SDP, 1_000);
  expect(started).toBe(
    SDP +
      VIDEO_SDP.replace("VP8/90000\r\n", "VP8/90000\r\na=fmtp:96 x-google-start-bitrate=1000\r\n").replace(
        "profile-id=0",
        "profile-id=0;x-google-start-bitrate=1000",
      ),
  );
  expect(withStartBitrate(started, 1_000)).toBe(started);
});

test("what is sent again says for how long", () => {
  const said = withRepairTime(SDP + VIDEO_SDP, 400);
  expect(said).toBe(SDP + VIDEO_SDP.replace("apt=96", "apt=96;rtx-time=400"));
  expect(withRepairTime(said, 400)).toBe(said);
});

const RELAY = "candidate:1 1 udp 41885695 198.51.100.9 49170 typ relay raddr 203.0.113.5 rport 5000 generation 0";
const HOST = "candidate:2 1 udp 2122260223 192.168.1.4 50000 typ host generation 0";
const REFLEXIVE = "candidate:3 1 udp 1686052607 203.0.113.5 50000 typ srflx raddr 192.168.1.4 rport 50000";

test("under relay only nothing is left of our own addresses", () => {
  const sdp = ["v=0", "c=IN IP4 203.0.113.5", `a=${RELAY}`, `a=${HOST}`, `a=${REFLEXIVE}`, "c=IN IP6 2001:db8::1"];
  sdp.push("a=rtcp:50001 IN IP4 192.168.1.4", "");
  expect(withRelaysOnly(sdp.join("\r\n"))).toBe(
    [
      "v=0",
      "c=IN IP4 0.0.0.0",
      "a=candidate:1 1 udp 41885695 198.51.100.9 49170 typ relay raddr 0.0.0.0 rport 9 generation 0",
      "c=IN IP6 ::",
      "a=rtcp:50001 IN IP4 0.0.0.0",
      "",
    ].join("\r\n"),
  );
  expect(withRelaysOnly(`c=IN IP4 198.51.100.9\r\na=${RELAY}`)).toContain("c=IN IP4 198.51.100.9");
  expect([RELAY, HOST, REFLEXIVE, ""].map(isRelayed)).toEqual([true, false, false, true]);
  expect(isRelayed("candidate:nonsense typ relay")).toBe(false);
});

test("a name in place of an address is not looked up, save within the network", () => {
  const named = (address: string) => `candidate:1 1 udp 1 ${address} 9 typ host`;
  expect(isTriable(named("192.168.1.4"), true)).toBe(true);
  expect(isTriable(named("2001:db8::1"), true)).toBe(true);
  expect(isTriable(named("::ffff:10.0.0.1"), false)).toBe(true);
  expect(isTriable(named("0f1e-77.local"), false)).toBe(true);
  expect(isTriable(named("0f1e-77.local"), true)).toBe(false);
  for (const address of ["tracker.example", "a.b.local", "localhost", "1.2.3.4.example"])
    expect(isTriable(named(address), false), address).toBe(false);
  expect(isTriable("", false)).toBe(false);
  expect(isTriable("nonsense", false)).toBe(false);
});

test("descriptions from elsewhere are admitted up to a measure, and lose what may not be tried", () => {
  const sdp = `${SDP}a=candidate:9 1 udp 1 tracker.example 9 typ host\r\n`;
  expect(admitRemote(sdp, false)).toEqual({ sdp: SDP });
  expect(admitRemote("", false)).toEqual({ sdp: "" });
  const many = admitRemote(SDP + `a=${HOST}\r\n`.repeat(800), false);
  expect("sdp" in many && many.sdp.match(/^a=candidate:/gmu)?.length).toBe(MAX_CANDIDATES);
  expect(admitRemote("m=audio 9 RTP 0\r\n".repeat(1_500), false)).toEqual({
    refusal: "it has 1500 sections, more than a call can need",
  });
  const startMs = performance.now();
  expect(admitRemote("a=x\r\n".repeat(200_000), false)).toHaveProperty("refusal");
  expect(performance.now() - startMs).toBeLessThan(50);
});

test("a description is parted from its candidates, which keep their sections, and put together again", () => {
  const lines = [
    "v=0",
    "m=audio 9",
    "a=x",
    "a=candidate:1 one",
    "m=video 9",
    "a=candidate:2 two",
    "a=candidate:3 three",
  ];
  const whole = [...lines, ""].join("\r\n");
  const parted = withoutCandidates(whole.replace("m=audio", "a=candidate:0 none\r\nm=audio"));
  expect(parted).toEqual({
    sdp: ["v=0", "m=audio 9", "a=x", "m=video 9", ""].join("\r\n"),
    candidates: [
      { candidate: "candidate:1 one", sdpMLineIndex: 0 },
      { candidate: "candidate:2 two", sdpMLineIndex: 1 },
      { candidate: "candidate:3 three", sdpMLineIndex: 1 },
    ],
  });
  expect(withCandidates(parted.sdp, [...parted.candidates, { candidate: "" }])).toBe(whole);
  expect(withCandidates("m=audio 9\r\n", parted.candidates)).toBe("m=audio 9\r\na=candidate:1 one\r\n");
  expect(withoutCandidates("v=0\r\na=end-of-candidates\r\n")).toEqual({ sdp: "v=0\r\n", candidates: [] });
});
