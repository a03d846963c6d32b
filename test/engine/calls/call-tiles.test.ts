/**
 * What the timeline shows of a call, derived from its events alone: one case for each way in which a call can
 * go, and a property test that no content makes the derivation throw.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { callTile } from "../../../main/engine/calls/call-tiles.ts";
import type { UserId } from "../../../preload/contract/ids.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import { ALICE, BOB, CALL, VOICE_SDP, answer, envelope, inviteContent, offer, roomEvent } from "./fixtures.ts";

const at = (type: string, sender: UserId, content: JsonObject, originServerTs = 0) =>
  roomEvent(`m.call.${type}`, sender, content, originServerTs);
const theirs = at("invite", BOB, inviteContent(), 1_000);
const own = at("invite", ALICE, { ...inviteContent({ invitee: BOB }), party_id: "MINE" }, 1_000);
const ownAnswer = at("answer", ALICE, { ...envelope(CALL, "MINE"), answer: answer() }, 5_000);
const theirHangup = (reason = "user_hangup", originServerTs = 65_000) =>
  at("hangup", BOB, { ...envelope(), reason }, originServerTs);
const ownHangup = (reason: string) => at("hangup", ALICE, { ...envelope(CALL, "MINE"), reason }, 9_000);

test.each([
  [
    "an answered call has a duration",
    [theirs, ownAnswer, theirHangup()],
    {},
    { media: "video", outcome: "ended", durationMs: 60_000 },
  ],
  [
    "clocks that disagree give no duration",
    [theirs, ownAnswer, theirHangup("user_hangup", 2_000)],
    {},
    { media: "video", outcome: "ended" },
  ],
  ["a call without its end", [theirs, ownAnswer], {}, { media: "video", outcome: "ended" }],
  ["a running call", [theirs, ownAnswer], { isLive: true }, { media: "video", outcome: "running" }],
  ["a ringing call", [theirs], { isLive: true }, { media: "video", outcome: "ringing" }],
  ["an invite alone", [theirs], {}, { media: "video", outcome: "missed" }],
  ["a caller who gave up", [theirs, theirHangup()], {}, { media: "video", outcome: "missed" }],
  ["we gave up", [own, ownHangup("user_hangup")], {}, { media: "video", outcome: "cancelled" }],
  ["nobody answered us", [own, ownHangup("invite_timeout")], {}, { media: "video", outcome: "missed" }],
  ["our devices failed", [own, ownHangup("user_media_failed")], {}, { media: "video", outcome: "failed" }],
  [
    "declined by us",
    [theirs, at("reject", ALICE, envelope(CALL, "MINE"))],
    {},
    { media: "video", outcome: "declined" },
  ],
  ["declined by them", [own, at("reject", BOB, envelope())], {}, { media: "video", outcome: "declined" }],
  [
    "declined in the old protocol",
    [own, at("hangup", BOB, { call_id: CALL, version: 0 })],
    {},
    { media: "video", outcome: "declined" },
  ],
  ["no path was found", [theirs, ownAnswer, theirHangup("ice_failed")], {}, { media: "video", outcome: "failed" }],
  [
    "answered on another device",
    [theirs, ownAnswer, theirHangup()],
    { ownPartyId: "HERE" },
    { media: "video", outcome: "elsewhere" },
  ],
  [
    "answered here",
    [theirs, ownAnswer, theirHangup()],
    { ownPartyId: "MINE" },
    { media: "video", outcome: "ended", durationMs: 60_000 },
  ],
  [
    "the hangup of a stranger",
    [theirs, ownAnswer, at("hangup", "@carol:test" as UserId, envelope())],
    {},
    { media: "video", outcome: "ended" },
  ],
  [
    "a voice call",
    [at("invite", BOB, inviteContent({ offer: offer(VOICE_SDP) }))],
    {},
    { media: "voice", outcome: "missed" },
  ],
  ["a malformed invite", [at("invite", BOB, envelope())], {}, { media: "voice", outcome: "failed" }],
] as const)("%s", (_name, events, options, tile) => {
  expect(callTile(events, ALICE, options)).toEqual(tile);
});

test("no content makes it throw", () => {
  const types = [
    "invite",
    "answer",
    "hangup",
    "reject",
    "candidates",
    "negotiate",
    "select_answer",
    "sdp_stream_metadata_changed",
  ];
  const content = fc.dictionary(
    fc.constantFrom(
      "call_id",
      "party_id",
      "version",
      "offer",
      "answer",
      "candidates",
      "lifetime",
      "invitee",
      "reason",
      "sdp_stream_metadata",
    ),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...types), content)), (events) => {
      callTile(
        [theirs, ...events.map(([type, body]) => at(type, BOB, { ...envelope(), ...(body as JsonObject) }))],
        ALICE,
      );
    }),
    { numRuns: 200 },
  );
});
