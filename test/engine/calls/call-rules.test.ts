/**
 * The rules of a call, one test each: envelope, ringing, answering, candidates, negotiation, streams, end.
 * They drive the call service with a clock of their own and without any network.
 */
import { describe, expect, test } from "vitest";
import { EngineError } from "../../../main/engine/base/errors.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import type { CallId, UserId } from "../../../preload/contract/ids.ts";
import {
  ALICE,
  BOB,
  CALL,
  PORT,
  ROOM,
  STREAMS,
  VIDEO_SDP,
  VOICE_SDP,
  WIRE_STREAMS,
  accepted,
  answer,
  answered,
  candidate,
  envelope,
  inviteContent,
  offer,
  openTestService,
  placed,
  ringing,
  roomEvent,
  settle,
} from "./fixtures.ts";

const CAROL = "@carol:test" as UserId;
const failed = (code: "offline" | "forbidden" | "rate-limited", retryAfterMs?: number) =>
  new EngineError(code, "no", retryAfterMs === undefined ? {} : { retryAfterMs });

describe("envelope", () => {
  test("B01 every event carries call_id, party_id and version", async () => {
    const call = await accepted();
    call.service.report(call.callId, { fact: "candidate", candidate: candidate("a") }, PORT);
    call.service.report(call.callId, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    call.service.hangUp(call.callId);
    await settle();
    expect(call.sentTypes()).toEqual(["invite", "select_answer", "candidates", "hangup"]);
    for (const { content } of call.sent) {
      expect(content).toMatchObject({
        call_id: call.callId,
        version: "1",
        party_id: call.sent[0]?.content["party_id"],
      });
    }
  });

  test("B02 ids fit the grammar, and the party id is random", async () => {
    const [one, two] = [await placed(), await placed()];
    for (const { content } of [...one.sent, ...two.sent]) {
      expect(content["call_id"]).toMatch(/^[0-9A-Za-z._~-]{1,255}$/u);
      expect(content["party_id"]).toMatch(/^[0-9A-Za-z]{8,}$/u);
    }
    expect(one.sent[0]?.content["party_id"]).not.toBe(two.sent[0]?.content["party_id"]);
  });

  test.each([[1], ["2"], ["0"], [undefined]])("B03 version %j is read as 1", async (version) => {
    const { version: _version, ...rest } = inviteContent();
    const call = openTestService();
    call.from(BOB, "invite", version === undefined ? rest : { ...rest, version });
    call.service.reject(CALL);
    await settle();
    expect(call.sentTypes()).toEqual(["reject"]);
  });

  test("B04 another device of our own user is a party of its own", async () => {
    const call = openTestService({ peer: ALICE });
    call.from(ALICE, "invite", inviteContent({ invitee: ALICE }));
    expect(call.view()?.state).toBe("ringing");
  });

  test("B04 our own echo changes nothing", async () => {
    const call = await placed();
    for (const event of call.sent) call.sync(roomEvent(event.type, ALICE, event.content));
    expect(call.view()?.state).toBe("inviting");
    expect(call.views()).toHaveLength(1);
  });

  test("B05 a hangup that overtakes its invite keeps it from ringing", () => {
    const call = openTestService();
    call.from(BOB, "hangup", { ...envelope(), reason: "user_hangup" });
    call.from(BOB, "invite", inviteContent());
    expect(call.views()).toEqual([]);
  });

  test("B05 a hangup of somebody else does not", () => {
    const call = openTestService();
    call.from(CAROL, "hangup", { ...envelope(), reason: "user_hangup" });
    call.from(BOB, "invite", inviteContent());
    expect(call.view()?.state).toBe("ringing");
  });

  test("B05 candidates that overtake their invite are kept", async () => {
    const call = openTestService();
    call.from(BOB, "candidates", { ...envelope(), candidates: [candidate("early")] });
    call.from(BOB, "invite", inviteContent());
    call.service.answer(CALL, "video", PORT);
    await settle();
    expect(call.view()?.desired?.remote.map(({ kind, seq }) => [kind, seq])).toEqual([
      ["description", 0],
      ["candidates", 1],
    ]);
  });

  test.each([
    ["no offer", { ...envelope(), lifetime: 90_000 }],
    ["an offer without sdp", inviteContent({ offer: { type: "offer" } })],
    ["an answer as offer", inviteContent({ offer: answer() })],
    ["a number as call id", inviteContent({ call_id: 7 })],
    ["a call id with a slash", inviteContent({ call_id: "a/b" })],
    ["a party id that is an object", inviteContent({ party_id: {} })],
    ["a lifetime in words", inviteContent({ lifetime: "long" })],
    ["a negative lifetime", inviteContent({ lifetime: -1 })],
    ["an invitee that is no user", inviteContent({ invitee: 5 })],
    ["an endless sdp", inviteContent({ offer: { type: "offer", sdp: "x".repeat(1_000_001) } })],
  ])("B06 an invite with %s does not ring", (_name, content) => {
    const call = openTestService();
    call.from(BOB, "invite", content);
    expect(call.views()).toEqual([]);
  });

  test("B06 malformed events of a running call change nothing", async () => {
    const call = await answered();
    for (const [type, content] of [
      ["candidates", { candidates: "none" }],
      ["candidates", { candidates: [null, 5, {}, { candidate: 7 }] }],
      ["negotiate", { description: { type: "offer" } }],
      ["negotiate", { description: { type: "odd", sdp: "" } }],
      ["sdp_stream_metadata_changed", { sdp_stream_metadata: [] }],
      ["select_answer", { selected_party_id: 5 }],
    ] as const) {
      call.from(BOB, type, { ...envelope(), ...content });
    }
    expect(call.view()).toMatchObject({ state: "connected", desired: { remote: [{ seq: 0 }] } });
  });
});

describe("invite and ringing", () => {
  test("B07 the invite has offer, lifetime, metadata and capabilities", async () => {
    const call = await placed();
    expect(call.lastSent("invite")).toMatchObject({
      offer: { type: "offer", sdp: VIDEO_SDP },
      lifetime: 90_000,
      sdp_stream_metadata: WIRE_STREAMS,
      capabilities: { "m.call.transferee": false, "m.call.dtmf": false },
    });
  });

  test("B08 the invite names whom it is meant for", async () => {
    const call = await placed();
    expect(call.lastSent("invite")?.["invitee"]).toBe(BOB);
  });

  test("B09 an invite for somebody else does not ring", () => {
    expect(ringing({ invitee: CAROL }).views()).toEqual([]);
  });

  test("B09 an invite for anybody rings for everybody but its sender", () => {
    const { invitee: _invitee, ...content } = inviteContent();
    const [theirs, own] = [openTestService(), openTestService()];
    theirs.from(BOB, "invite", content);
    own.from(ALICE, "invite", content);
    expect(theirs.view()?.state).toBe("ringing");
    expect(own.views()).toEqual([]);
  });

  test("B10 an expired invite does not ring and is a missed call", () => {
    const call = openTestService();
    call.sync({ event: roomEvent("m.call.invite", BOB, inviteContent(), 77), ageMs: 95_000 });
    expect(call.views()).toEqual([]);
    expect([...call.rows.values()]).toMatchObject([
      { callId: CALL, state: "ended", endReason: "missed", startedAtMs: 77 },
    ]);
  });

  test("B10 the clock on the wall says nothing about age", async () => {
    const call = openTestService();
    call.clock.skewMs = -10_000_000;
    call.from(BOB, "invite", inviteContent(), 10_000);
    call.clock.skewMs = 10_000_000;
    await call.clock.advance(79_000);
    expect(call.view()?.state).toBe("ringing");
    await call.clock.advance(2_000);
    expect(call.view()?.state).toBe("ended");
  });

  test("B11 an invite that cannot be answered in time does not ring", () => {
    const [late, inTime] = [openTestService(), openTestService()];
    late.from(BOB, "invite", inviteContent(), 87_500);
    inTime.from(BOB, "invite", inviteContent(), 86_500);
    expect(late.views()).toEqual([]);
    expect(inTime.view()?.state).toBe("ringing");
  });

  test.each([
    ["answer", ALICE, { ...envelope(CALL, "OTHER"), answer: answer() }, "answered-elsewhere"],
    ["reject", ALICE, envelope(CALL, "OTHER"), "declined-elsewhere"],
    ["hangup", BOB, { ...envelope(), reason: "invite_timeout" }, "missed"],
    ["select_answer", BOB, { ...envelope(), selected_party_id: "OTHER" }, "answered-elsewhere"],
  ] as const)(
    "B12 an invite that is over within the same response never rings: %s",
    (type, sender, content, endReason) => {
      const call = openTestService();
      call.sync(roomEvent("m.call.invite", BOB, inviteContent()), roomEvent(`m.call.${type}`, sender, content));
      expect(call.seen).not.toContain("ringing");
      expect(call.views()).toEqual([]);
      expect([...call.rows.values()]).toMatchObject([{ state: "ended", endReason }]);
    },
  );

  test("B13 an invite that becomes readable while it is valid rings then", () => {
    const call = openTestService();
    call.from(BOB, "invite", inviteContent(), 40_000);
    expect(call.view()?.state).toBe("ringing");
  });

  test("B14 what rang before a restart rings again after the first response, unless it is over", async () => {
    const before = ringing();
    await before.service.close();
    for (const isOver of [false, true]) {
      const rows = new Map(before.rows);
      const after = openTestService({ clock: before.clock, rows });
      expect(after.views()).toEqual([]);
      after.sync(...(isOver ? [roomEvent("m.call.hangup", BOB, { ...envelope(), reason: "user_hangup" })] : []));
      expect(after.views().map(({ state }) => state)).toEqual(isOver ? [] : ["ringing"]);
    }
  });

  test("B14 what rang before a restart does not ring after its lifetime", async () => {
    const before = ringing();
    await before.service.close();
    await before.clock.advance(91_000);
    const after = openTestService({ clock: before.clock, rows: before.rows });
    after.sync();
    expect(after.views()).toEqual([]);
    expect([...after.rows.values()]).toMatchObject([{ state: "ended", endReason: "missed" }]);
  });

  test("B15 ringing stops with the lifetime, and nothing is sent", async () => {
    const call = ringing();
    await call.clock.advance(90_000);
    expect(call.view()).toMatchObject({ state: "ended", endReason: "missed" });
    expect(call.sent).toEqual([]);
  });

  test("B16 a call that nobody answers ends with invite_timeout", async () => {
    const call = await placed();
    await call.clock.advance(90_000);
    expect(call.lastSent("hangup")).toMatchObject({ reason: "invite_timeout" });
    expect(call.view()).toMatchObject({ state: "ended", endReason: "invite-timeout" });
  });

  test("B17 nothing rings in public rooms, nor from ignored users, nor in rooms of many", () => {
    for (const change of [
      { room: { isPublic: true } },
      { ignored: true },
      { room: { isDirect: false, joinedOthers: [] } },
    ] as { room?: object; ignored?: boolean }[]) {
      const call = openTestService();
      Object.assign(call.room, change.room);
      if (change.ignored) call.ignored.add(BOB);
      call.from(BOB, "invite", inviteContent());
      call.from(BOB, "invite", inviteContent());
      expect(call.views()).toEqual([]);
    }
  });

  test("B17 in rooms of many it rings where the user wants that", () => {
    const call = openTestService();
    const carol = { userId: CAROL, displayName: "Carol" };
    Object.assign(call.room, { isDirect: false, joinedOthers: [...call.room.joinedOthers, carol] });
    call.from(BOB, "invite", inviteContent());
    expect(call.views()).toEqual([]);
    call.settings.ringsInRooms = true;
    call.from(BOB, "invite", inviteContent({ call_id: "second" }));
    expect(call.views()).toMatchObject([{ callId: "second", state: "ringing" }]);
  });

  test("of a storm of invites only a few ring", () => {
    const call = openTestService();
    for (let at = 0; at < 500; at += 1)
      call.from(`@caller${at}:test` as UserId, "invite", inviteContent({ call_id: `call${at}` }));
    expect(call.views().map(({ callId }) => callId)).toEqual(["call0", "call1", "call2", "call3"]);
    call.service.reject("call0" as CallId);
    call.from(BOB, "invite", inviteContent({ call_id: "after" }));
    expect(call.views().filter(({ state }) => state === "ringing")).toHaveLength(4);
  });

  test("B18 ignoring sends nothing", async () => {
    const call = ringing();
    call.service.ignore(CALL);
    await settle();
    expect(call.view()?.state).toBe("ended");
    expect(call.sent).toEqual([]);
  });

  test("B19 calls are placed only where there is exactly one other member", () => {
    const call = openTestService();
    for (const joinedOthers of [
      [],
      [
        { userId: BOB, displayName: "" },
        { userId: CAROL, displayName: "" },
      ],
    ]) {
      call.room.joinedOthers = joinedOthers;
      expect(() => call.service.place(ROOM, "voice", PORT)).toThrow(EngineError);
    }
  });

  test("B64 where the push rules ask for silence the call is shown in silence", () => {
    const call = openTestService();
    call.ring = { ring: true, sound: false };
    call.from(BOB, "invite", inviteContent());
    expect(call.view()).toMatchObject({ state: "ringing", isAudible: false });
  });

  test("B65 no TURN traffic and no wish for a connection before the user accepts", () => {
    const call = ringing();
    expect(call.view()?.desired).toBeUndefined();
    expect(call.view()?.isMediaHere).toBe(false);
  });

  test("a section that only receives does not make a video call", () => {
    expect(ringing({ offer: offer(VOICE_SDP) }).view()?.media).toBe("voice");
    expect(ringing({ offer: offer(VIDEO_SDP.replace(/sendrecv\r\n$/u, "recvonly\r\n")) }).view()?.media).toBe("voice");
    expect(ringing().view()?.media).toBe("video");
  });
});

describe("answer, selection, reject", () => {
  test("B20 the answer carries description, metadata and capabilities", async () => {
    const call = await answered(false);
    expect(call.lastSent("answer")).toMatchObject({
      answer: { type: "answer" },
      sdp_stream_metadata: WIRE_STREAMS,
      capabilities: { "m.call.dtmf": false },
    });
    expect(call.view()).toMatchObject({
      state: "connecting",
      isMediaHere: true,
      desired: { role: "callee", isPolite: true },
    });
    call.service.report(CALL, { fact: "connection", state: "connected" }, PORT);
    expect(call.view()?.state).toBe("connected");
  });

  test("B21 the caller commits to the first answer and says so", async () => {
    const call = await accepted();
    expect(call.lastSent("select_answer")).toMatchObject({ selected_party_id: "PARTYB" });
    call.from(BOB, "answer", { ...envelope(call.callId, "SECOND"), answer: answer(VOICE_SDP) });
    await settle();
    expect(call.sentTypes()).toEqual(["invite", "select_answer"]);
    expect(call.view()?.desired?.remote).toHaveLength(1);
  });

  test("B21 a reject is selected too", async () => {
    const call = await placed();
    call.from(BOB, "reject", envelope(call.callId));
    await settle();
    expect(call.lastSent("select_answer")).toMatchObject({ selected_party_id: "PARTYB" });
    expect(call.view()).toMatchObject({ state: "ended", endReason: "remote-declined" });
  });

  test("B22 of answer and reject the first counts", async () => {
    const call = await accepted();
    call.from(BOB, "reject", envelope(call.callId));
    call.from(BOB, "reject", envelope(call.callId, "SECOND"));
    expect(call.view()?.state).toBe("connecting");
    const rejected = await placed();
    rejected.from(BOB, "reject", envelope(rejected.callId));
    rejected.from(BOB, "answer", { ...envelope(rejected.callId, "SECOND"), answer: answer() });
    expect(rejected.view()?.state).toBe("ended");
  });

  test("B23 a callee that was not selected ends silently", async () => {
    const call = await answered(false);
    call.from(BOB, "select_answer", { ...envelope(), selected_party_id: "OTHER" });
    await settle();
    expect(call.view()).toMatchObject({ state: "ended", endReason: "answered-elsewhere" });
    expect(call.sentTypes()).toEqual(["answer"]);
  });

  test("B23 a callee that was selected goes on", async () => {
    const call = await answered(false);
    call.from(BOB, "select_answer", { ...envelope(), selected_party_id: call.sent[0]?.content["party_id"] ?? "" });
    expect(call.view()?.state).toBe("connecting");
  });

  test.each([
    ["answer", { answer: answer() }, "answered-elsewhere"],
    ["reject", {}, "declined-elsewhere"],
  ] as const)("B24 an %s by another own device stops the ringing", async (type, body, endReason) => {
    const call = ringing();
    call.from(ALICE, type, { ...envelope(CALL, "OTHER"), ...body });
    await settle();
    expect(call.view()).toMatchObject({ state: "ended", endReason });
    expect(call.sent).toEqual([]);
  });

  test("B25 an invite is rejected in the words of its version", async () => {
    const [v1, v0] = [ringing(), ringing({ version: 0 })];
    v1.service.reject(CALL);
    v0.service.reject(CALL);
    await settle();
    expect(v1.sentTypes()).toEqual(["reject"]);
    expect(v1.lastSent("reject")).not.toHaveProperty("reason");
    expect(v0.sentTypes()).toEqual(["hangup"]);
  });

  test("B26 a caller who gives up hangs up, and the callee stops ringing", async () => {
    const caller = await placed();
    caller.service.hangUp(caller.callId);
    await settle();
    expect(caller.lastSent("hangup")).toMatchObject({ reason: "user_hangup" });
    const callee = ringing();
    callee.from(BOB, "hangup", { ...envelope(), reason: "user_hangup" });
    expect(callee.view()).toMatchObject({ state: "ended", endReason: "missed" });
  });

  test("B27 a party without an id is one party", async () => {
    const call = await placed();
    const content = { call_id: call.callId, version: 0 };
    call.from(BOB, "answer", { ...content, answer: answer() });
    call.from(BOB, "hangup", { ...content, party_id: null });
    expect(call.view()).toMatchObject({ state: "ended", endReason: "remote-hangup" });
  });
});

describe("candidates", () => {
  test("B28 candidates inside the description are not sent again", async () => {
    const call = openTestService();
    const callId = call.service.place(ROOM, "voice", PORT);
    const inside = candidate("inside");
    call.service.report(callId, { fact: "candidate", candidate: inside }, PORT);
    const sdp = `${VOICE_SDP}a=${inside.candidate.split(" generation")[0]}\r\n`;
    call.service.report(callId, { fact: "description", description: offer(sdp), streams: STREAMS }, PORT);
    call.service.report(callId, { fact: "candidate", candidate: inside }, PORT);
    call.service.report(callId, { fact: "candidate", candidate: candidate("outside") }, PORT);
    await call.clock.advance(5_000);
    expect(call.lastSent("candidates")?.["candidates"]).toEqual([candidate("outside")]);
  });

  test("B29 the first batch goes out 2 s after the invite, whole", async () => {
    const call = await placed();
    for (const name of ["a", "b", "c"])
      call.service.report(call.callId, { fact: "candidate", candidate: candidate(name) }, PORT);
    await call.clock.advance(1_900);
    expect(call.sentTypes()).toEqual(["invite"]);
    await call.clock.advance(200);
    expect(call.lastSent("candidates")?.["candidates"]).toHaveLength(3);
    expect(call.sentTypes()).toEqual(["invite", "candidates"]);
  });

  test("B29 the first batch goes out 500 ms after the answer", async () => {
    const call = await answered(false);
    call.service.report(CALL, { fact: "candidate", candidate: candidate("a") }, PORT);
    await call.clock.advance(499);
    expect(call.sentTypes()).toEqual(["answer"]);
    await call.clock.advance(1);
    expect(call.sentTypes()).toEqual(["answer", "candidates"]);
  });

  test("B29 who has an answer does not wait any longer with his candidates", async () => {
    const call = await placed();
    call.service.report(call.callId, { fact: "candidate", candidate: candidate("a") }, PORT);
    call.from(BOB, "answer", { ...envelope(call.callId), answer: answer() });
    await settle();
    expect(call.sentTypes()).toEqual(["invite", "select_answer", "candidates"]);
  });

  test("B29 a hundred candidates are a handful of events", async () => {
    const call = await placed();
    for (let index = 0; index < 100; index += 1) {
      call.service.report(call.callId, { fact: "candidate", candidate: candidate(`n${index}`) }, PORT);
      await call.clock.advance(40);
    }
    await call.clock.advance(3_000);
    const batches = call.sent
      .filter(({ type }) => type === "m.call.candidates")
      .map(({ content }) => content["candidates"] as unknown[]);
    expect(batches.flat()).toHaveLength(100);
    expect(batches.length).toBeLessThan(10);
  });

  test("B30 the end of candidates is sent at once with the last, alone with the next batch", async () => {
    const call = await placed();
    call.service.report(call.callId, { fact: "candidate", candidate: candidate("a") }, PORT);
    call.service.report(call.callId, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    await settle();
    expect(call.lastSent("candidates")?.["candidates"]).toEqual([candidate("a"), { candidate: "" }]);
    const alone = await placed();
    alone.service.report(alone.callId, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    await settle();
    expect(alone.sentTypes()).toEqual(["invite"]);
    alone.from(BOB, "answer", { ...envelope(alone.callId), answer: answer() });
    await settle();
    expect(alone.sentTypes()).toEqual(["invite", "select_answer"]);
    await alone.clock.advance(2_000);
    expect(alone.lastSent("candidates")?.["candidates"]).toEqual([{ candidate: "" }]);
  });

  test("B31 nothing is sent before the invite was accepted", async () => {
    const call = openTestService();
    call.failSend = ({ type, attempt }) => (type === "m.call.invite" && attempt < 2 ? failed("offline") : undefined);
    const callId = call.service.place(ROOM, "voice", PORT);
    call.service.report(callId, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    call.service.report(callId, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    await settle();
    expect(call.sentTypes()).toEqual([]);
    await call.clock.advance(3_000);
    expect(call.sentTypes()).toEqual(["invite", "candidates"]);
  });

  test("B31 an answer that cannot be sent goes back to ringing and can be tried again", async () => {
    const call = ringing();
    call.from(BOB, "candidates", { ...envelope(), candidates: [candidate("theirs")] });
    call.failSend = () => failed("forbidden");
    call.service.answer(CALL, "video", PORT);
    call.service.report(CALL, { fact: "description", description: answer(), streams: STREAMS }, PORT);
    call.service.report(CALL, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    await settle();
    expect(call.view()).toMatchObject({ state: "ringing", isMediaHere: false });
    call.failSend = () => undefined;
    call.service.answer(CALL, "video", PORT);
    await settle();
    expect(call.view()?.desired?.remote).toHaveLength(2);
    call.service.report(CALL, { fact: "description", description: answer(), streams: STREAMS }, PORT);
    await settle();
    expect(call.sentTypes()).toEqual(["answer"]);
  });

  test("B32 candidates count from the chosen party only, also those that came before its answer", async () => {
    const call = await placed();
    call.from(BOB, "candidates", { ...envelope(call.callId, "OTHER"), candidates: [candidate("foreign")] });
    call.from(BOB, "candidates", { ...envelope(call.callId), candidates: [candidate("early"), { candidate: "" }] });
    call.from(BOB, "answer", { ...envelope(call.callId), answer: answer() });
    call.from(BOB, "candidates", { ...envelope(call.callId, "OTHER"), candidates: [candidate("foreign")] });
    call.from(CAROL, "candidates", { ...envelope(call.callId), candidates: [candidate("foreign")] });
    call.from(BOB, "candidates", { ...envelope(call.callId), candidates: [candidate("late")] });
    await settle();
    const { remote = [] } = call.view()?.desired ?? {};
    expect(remote.map(({ seq }) => seq)).toEqual([0, 1, 2]);
    expect(JSON.stringify(remote)).not.toContain("foreign");
    expect(remote[1]).toMatchObject({ candidates: [candidate("early"), { candidate: "" }] });
  });

  test("B32 an event that comes twice counts once", async () => {
    const call = await answered();
    const event = roomEvent("m.call.candidates", BOB, { ...envelope(), candidates: [candidate("a")] });
    call.sync(event, event);
    call.sync(event);
    expect(call.view()?.desired?.remote).toHaveLength(2);
  });

  test("B33 a candidate without its place is left out", async () => {
    const call = await answered();
    call.from(BOB, "candidates", {
      ...envelope(),
      candidates: [{ candidate: "candidate:x" }, { ...candidate("ok"), sdpMid: null, sdpMLineIndex: 0 }],
    });
    expect(call.view()?.desired?.remote[1]).toMatchObject({ candidates: [{ sdpMLineIndex: 0 }] });
  });

  test("B34 a failed send is tried again with growing pauses and the same txnId, and honours the server's wish", async () => {
    const call = openTestService();
    const txnTries: number[] = [];
    call.failSend = ({ attempt }) => {
      txnTries.push(call.clock.monotonic());
      return attempt === 0 ? failed("offline") : attempt === 1 ? failed("rate-limited", 7_000) : undefined;
    };
    const callId = call.service.place(ROOM, "voice", PORT);
    call.service.report(callId, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await call.clock.advance(8_000);
    const [first = 0, second, third] = txnTries;
    expect([second, third]).toEqual([first + 500, first + 7_500]);
    expect(call.sentTypes()).toEqual(["invite"]);
  });

  test("B34 after five tries the call ends", async () => {
    const call = openTestService();
    call.failSend = ({ type }) => (type === "m.call.invite" ? failed("offline") : undefined);
    const callId = call.service.place(ROOM, "voice", PORT);
    call.service.report(callId, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await call.clock.advance(8_000);
    expect(call.view()).toMatchObject({ state: "ended", endReason: "unknown-error" });
    expect(call.sentTypes()).toEqual(["hangup"]);
  });
});

describe("negotiation", () => {
  const negotiation = (type: "offer" | "answer", sdp = VIDEO_SDP) => ({
    ...envelope(),
    description: { type, sdp },
    lifetime: 30_000,
  });

  test("B35 nothing is negotiated with the old protocol", async () => {
    const call = await answered(true, { version: 0 });
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    call.from(BOB, "negotiate", negotiation("offer"));
    await settle();
    expect(call.sentTypes()).toEqual(["answer"]);
    expect(call.view()?.desired?.remote).toHaveLength(1);
  });

  test("B36 either side may offer, and both descriptions carry lifetime and metadata", async () => {
    const call = await answered();
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await settle();
    expect(call.lastSent("negotiate")).toMatchObject({
      description: { type: "offer" },
      lifetime: 30_000,
      sdp_stream_metadata: WIRE_STREAMS,
    });
    call.from(BOB, "negotiate", negotiation("answer"));
    call.from(BOB, "negotiate", negotiation("offer"));
    expect(call.view()?.desired?.remote.map((entry) => entry.kind === "description" && entry.description.type)).toEqual(
      ["offer", "answer", "offer"],
    );
    call.service.report(CALL, { fact: "description", description: answer(), streams: STREAMS }, PORT);
    await settle();
    expect(call.lastSent("negotiate")).toMatchObject({ description: { type: "answer" } });
  });

  test("B37 an expired offer is ignored", async () => {
    const call = await answered();
    call.from(BOB, "negotiate", negotiation("offer"), 31_000);
    expect(call.view()?.desired?.remote).toHaveLength(1);
  });

  test("B34 an offer outlasts an outage, in its order, and its lifetime counts from the send", async () => {
    const call = await answered();
    const triedAtMs: number[] = [];
    let isOut = true;
    call.failSend = () => {
      triedAtMs.push(call.clock.monotonic());
      return isOut ? failed("offline") : undefined;
    };
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    call.service.report(CALL, { fact: "candidate", candidate: candidate("later") }, PORT);
    await call.clock.advance(60_000);
    expect(call.sentTypes()).toEqual(["answer"]);
    // A call waits for no long pause: the network may be back at any moment.
    expect(Math.max(...triedAtMs.slice(1).map((atMs, index) => atMs - (triedAtMs[index] ?? 0)))).toBe(4_000);
    isOut = false;
    await call.clock.advance(4_000);
    expect(call.sentTypes()).toEqual(["answer", "negotiate", "candidates"]);
    await call.clock.advance(20_000);
    expect(call.view()?.desired?.remote).toHaveLength(1);
    call.from(BOB, "negotiate", negotiation("answer"));
    expect(call.view()?.desired?.remote.at(-1)).toMatchObject({ description: { type: "answer" } });
  });

  test("B34 an offer waits as long as the server asks", async () => {
    const call = await answered();
    const tries: number[] = [];
    call.failSend = ({ attempt }) => {
      tries.push(call.clock.monotonic());
      return attempt === 0 ? failed("rate-limited", 45_000) : undefined;
    };
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await call.clock.advance(50_000);
    expect(tries.slice(1)).toEqual([(tries[0] ?? 0) + 45_000]);
  });

  test("B34 an offer is given up with its call", async () => {
    const call = await answered();
    let tries = 0;
    call.failSend = () => {
      tries += 1;
      return failed("offline");
    };
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    call.service.report(CALL, { fact: "candidate", candidate: candidate("later") }, PORT);
    await call.clock.advance(20_000);
    call.from(BOB, "hangup", { ...envelope(), reason: "user_hangup" });
    expect(call.view()?.state).toBe("ended");
    await settle();
    const triesAtEnd = tries;
    await call.clock.advance(120_000);
    expect(tries).toBe(triesAtEnd);
  });

  test("an offer that the server refuses is rolled back, and does not stand in the way of the next", async () => {
    const call = await answered();
    call.failSend = () => failed("forbidden");
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await settle();
    expect(call.view()?.desired?.remote.at(-1)).toMatchObject({ description: { type: "rollback" } });
    call.failSend = () => undefined;
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await settle();
    call.from(BOB, "negotiate", negotiation("answer"));
    expect(call.sentTypes()).toEqual(["answer", "negotiate"]);
    expect(call.view()?.desired?.remote.at(-1)).toMatchObject({ description: { type: "answer" } });
  });

  test("B37 an offer that nobody answers is rolled back, and its late answer ignored", async () => {
    const call = await answered();
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await call.clock.advance(30_000);
    expect(call.view()?.desired?.remote.at(-1)).toMatchObject({ description: { type: "rollback" } });
    call.from(BOB, "negotiate", negotiation("answer"));
    expect(call.view()?.desired?.remote).toHaveLength(2);
    expect(call.view()?.state).toBe("connected");
  });

  test("B38 events of other parties are ignored", async () => {
    const call = await answered();
    call.from(CAROL, "negotiate", negotiation("offer"));
    call.from(BOB, "negotiate", { ...negotiation("offer"), party_id: "OTHER" });
    call.from(BOB, "hangup", { ...envelope(CALL, "OTHER"), reason: "user_hangup" });
    call.from(CAROL, "hangup", { ...envelope(), reason: "user_hangup" });
    expect(call.view()).toMatchObject({ state: "connected", desired: { remote: [{ seq: 0 }] } });
  });

  test("B39 the callee is polite, the caller is not", async () => {
    const [callee, caller] = [await answered(), await accepted()];
    expect(callee.view()?.desired).toMatchObject({ role: "callee", isPolite: true });
    expect(caller.view()?.desired).toMatchObject({ role: "caller", isPolite: false });
  });

  test("B40 the polite side gives its own offer up for theirs; the impolite side still takes the answer", async () => {
    const polite = await answered();
    polite.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    polite.from(BOB, "negotiate", negotiation("offer"));
    polite.from(BOB, "negotiate", negotiation("answer"));
    expect(polite.view()?.desired?.remote).toHaveLength(2);
    const impolite = await accepted();
    impolite.service.report(impolite.callId, { fact: "connection", state: "connected" }, PORT);
    impolite.service.report(impolite.callId, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    impolite.from(BOB, "negotiate", { ...negotiation("offer"), call_id: impolite.callId });
    impolite.from(BOB, "negotiate", { ...negotiation("answer"), call_id: impolite.callId });
    expect(impolite.view()?.desired?.remote).toHaveLength(3);
  });

  test("B41 a description is handed on as what it says it is, of the types that WebRTC knows", async () => {
    const call = await answered();
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    const typed = (type: string) => ({ ...envelope(), description: { type, sdp: VIDEO_SDP } });
    for (const type of ["pranswer", "answer", "conversation"]) call.from(BOB, "negotiate", typed(type));
    const types = call.view()?.desired?.remote.map((entry) => entry.kind === "description" && entry.description.type);
    expect(types).toEqual(["offer", "pranswer", "answer"]);
  });

  test("B47 a call is held and goes on, as the window is told", async () => {
    const call = await answered();
    expect(call.view()).toMatchObject({ isOnHold: false, canRenegotiate: true });
    call.service.hold(CALL, true);
    expect(call.view()).toMatchObject({ isOnHold: true, desired: { isOnHold: true } });
    // The window negotiates the directions like any other change.
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await settle();
    expect(call.sentTypes()).toEqual(["answer", "negotiate"]);
    call.service.hold(CALL, false);
    expect(call.view()).toMatchObject({ isOnHold: false, desired: { isOnHold: false } });
  });

  test("B47 the old protocol has no hold, and neither has a call before its media flows", async () => {
    for (const call of [await answered(true, { version: 0 }), await answered(false)]) {
      expect(() => call.service.hold(CALL, true)).toThrow(expect.objectContaining({ code: "rejected" }));
      expect(call.view()).toMatchObject({ isOnHold: false, canRenegotiate: false });
    }
  });

  test("B42 candidates are sent again for a new description", async () => {
    const call = await answered();
    call.service.report(CALL, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    call.service.report(CALL, { fact: "candidate", candidate: candidate("new") }, PORT);
    call.service.report(CALL, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    await settle();
    expect(call.sentTypes()).toEqual(["answer", "candidates", "negotiate", "candidates"]);
  });
});

describe("streams", () => {
  test("B43 each stream goes out with what it is for", async () => {
    const call = await answered();
    const screen = { purpose: "m.screenshare", audioMuted: false, videoMuted: false };
    const streams = { ...STREAMS, screen };
    call.service.report(CALL, { fact: "description", description: offer(), streams }, PORT);
    await settle();
    expect(call.lastSent("negotiate")).toMatchObject({
      sdp_stream_metadata: { ...WIRE_STREAMS, screen: { purpose: "m.screenshare" } },
    });
  });

  test("B44 streams of unknown purpose are left out", () => {
    const call = ringing({ sdp_stream_metadata: { ...WIRE_STREAMS, odd: { purpose: "m.hologram" }, bad: 5 } });
    call.service.answer(CALL, "video", PORT);
    return settle().then(() => expect(Object.keys(call.view()?.desired?.remoteStreams ?? {})).toEqual(["stream"]));
  });

  test("B45 without metadata of the other side none is made up, and no change is sent", async () => {
    const { sdp_stream_metadata: _streams, ...content } = inviteContent();
    const call = openTestService();
    call.from(BOB, "invite", content);
    call.service.answer(CALL, "video", PORT);
    call.service.report(CALL, { fact: "description", description: answer(), streams: STREAMS }, PORT);
    call.service.report(
      CALL,
      { fact: "streams", streams: { stream: { purpose: "m.usermedia", audioMuted: true, videoMuted: false } } },
      PORT,
    );
    await settle();
    expect(call.view()?.desired).not.toHaveProperty("remoteStreams");
    expect(call.sentTypes()).toEqual(["answer"]);
  });

  test("B46 muting is told without negotiation, once", async () => {
    const call = await answered();
    const muted = { stream: { purpose: "m.usermedia", audioMuted: true, videoMuted: false } };
    call.service.report(CALL, { fact: "streams", streams: muted }, PORT);
    call.service.report(CALL, { fact: "streams", streams: muted }, PORT);
    await settle();
    expect(call.sentTypes()).toEqual(["answer", "sdp_stream_metadata_changed"]);
    expect(call.lastSent("sdp_stream_metadata_changed")).toMatchObject({
      sdp_stream_metadata: { stream: { purpose: "m.usermedia", audio_muted: true, video_muted: false } },
    });
    call.from(BOB, "sdp_stream_metadata_changed", {
      ...envelope(),
      sdp_stream_metadata: { stream: { purpose: "m.usermedia", video_muted: true } },
    });
    expect(call.view()?.desired?.remoteStreams).toEqual({
      stream: { purpose: "m.usermedia", audioMuted: false, videoMuted: true },
    });
  });

  test("B48 the unstable names are read and not sent", async () => {
    const { sdp_stream_metadata: _streams, ...content } = inviteContent();
    const call = openTestService();
    call.from(BOB, "invite", { ...content, "org.matrix.msc3077.sdp_stream_metadata": WIRE_STREAMS });
    call.service.answer(CALL, "video", PORT);
    await settle();
    expect(call.view()?.desired?.remoteStreams).toEqual(STREAMS);
    call.sync(
      roomEvent("org.matrix.call.sdp_stream_metadata_changed", BOB, {
        ...envelope(),
        "org.matrix.msc3077.sdp_stream_metadata": { stream: { purpose: "m.usermedia", audio_muted: true } },
      }),
    );
    expect(call.view()?.desired?.remoteStreams?.["stream"]?.audioMuted).toBe(true);
    call.sync(roomEvent("org.matrix.call.asserted_identity", BOB, { ...envelope(), asserted_identity: { id: CAROL } }));
    expect(call.view()?.peer.userId).toBe(BOB);
  });
});

describe("capabilities and identities", () => {
  test("B66 what is not plainly there is not there", async () => {
    const capable = { "m.call.dtmf": true };
    expect((await answered(true, { capabilities: capable })).view()?.canTakeTones).toBe(true);
    const incapable: JsonObject[string][] = [{}, { "m.call.dtmf": "true" }, { "m.call.dtmf": 1 }, "m.call.dtmf", null];
    for (const capabilities of incapable)
      expect((await answered(true, { capabilities })).view()?.canTakeTones).toBe(false);
  });

  test("B67 tones are for an opponent that takes them, whoever called", async () => {
    const call = await accepted({ capabilities: { "m.call.dtmf": true } });
    call.service.report(call.callId, { fact: "connection", state: "connected" }, PORT);
    expect(call.view()?.canTakeTones).toBe(true);
    expect((await accepted()).view()?.canTakeTones).toBe(false);
  });

  // Not followed: a call that others can move elsewhere needs a dialog of its own, and so far no client receives
  // m.call.replaces. What we say of ourselves is true: nobody who reads our capabilities asks.
  test("B68 our calls cannot be moved, which is said, and being asked all the same changes nothing", async () => {
    const call = await answered();
    expect(call.lastSent("answer")).toMatchObject({ capabilities: { "m.call.transferee": false } });
    call.from(BOB, "replaces", { ...envelope(), replacement_id: "r", create_call: "new", target_user: { id: CAROL } });
    await settle();
    expect(call.view()).toMatchObject({ state: "connected", peer: { userId: BOB } });
    expect(call.sentTypes()).toEqual(["answer"]);
  });

  test("B69 an asserted identity is shown beside the one that is known, and taken back", async () => {
    const call = await answered();
    const assert = (asserted: unknown, from = BOB) =>
      call.from(from, "asserted_identity", { ...envelope(), asserted_identity: asserted as JsonObject });
    assert({ id: CAROL, display_name: "  Carol  " });
    expect(call.view()).toMatchObject({ assertedName: "Carol", peer: { userId: BOB } });
    assert({ id: CAROL });
    expect(call.view()).toMatchObject({ assertedName: CAROL });
    for (const nonsense of ["Carol", 5, { display_name: {} }, { id: "x".repeat(1_000) }]) assert(nonsense);
    assert({ id: "@mallory:test" }, CAROL);
    expect(call.view()).toMatchObject({ assertedName: CAROL });
    assert(null);
    expect(call.view()).not.toHaveProperty("assertedName");
  });
});

describe("end", () => {
  test.each([
    [undefined, "remote-hangup"],
    ["user_hangup", "remote-hangup"],
    ["replaced", "remote-hangup"],
    ["ice_timeout", "ice-timeout"],
    [7, "remote-hangup"],
  ])("B49 a hangup with reason %j ends the call as %s", async (reason, endReason) => {
    const call = await answered();
    call.from(BOB, "hangup", { ...envelope(), ...(reason === undefined ? {} : { reason }) });
    await settle();
    expect(call.view()).toMatchObject({ state: "ended", endReason });
    expect(call.sentTypes()).toEqual(["answer"]);
  });

  test("B50 ice_failed only where media never flowed", async () => {
    const never = await answered(false);
    never.service.report(CALL, { fact: "connection", state: "failed" }, PORT);
    await never.clock.advance(30_000);
    expect(never.lastSent("hangup")).toMatchObject({ reason: "ice_failed" });
    const once = await answered();
    once.service.report(CALL, { fact: "connection", state: "failed" }, PORT);
    await once.clock.advance(29_000);
    expect(once.view()?.state).toBe("connected");
    await once.clock.advance(1_000);
    expect(once.lastSent("hangup")).toMatchObject({ reason: "ice_timeout" });
    expect(once.view()).toMatchObject({ state: "ended", endReason: "ice-timeout" });
  });

  test("B50 a path that comes back keeps the call", async () => {
    const call = await answered();
    call.service.report(CALL, { fact: "connection", state: "disconnected" }, PORT);
    await call.clock.advance(20_000);
    call.service.report(CALL, { fact: "connection", state: "connected" }, PORT);
    await call.clock.advance(60_000);
    expect(call.view()?.state).toBe("connected");
  });

  test("B50 without devices the call ends with user_media_failed, and before the invite silently", async () => {
    const before = openTestService();
    const callId = before.service.place(ROOM, "video", PORT);
    before.service.report(callId, { fact: "media-failed", message: "No camera." }, PORT);
    const during = await answered();
    during.service.report(CALL, { fact: "media-failed", message: "No camera." }, PORT);
    await settle();
    expect(before.view()).toMatchObject({ state: "ended", endReason: "user-media-failed" });
    expect(before.sent).toEqual([]);
    expect(during.lastSent("hangup")).toMatchObject({ reason: "user_media_failed" });
  });

  test("B51 before an answer the hangup of one of many devices means nothing; of the old protocol it declines", async () => {
    const v1 = await placed();
    v1.from(BOB, "hangup", { ...envelope(v1.callId), reason: "user_hangup" });
    expect(v1.view()?.state).toBe("inviting");
    const v0 = await placed();
    v0.from(BOB, "hangup", { call_id: v0.callId, version: 0, reason: "user_hangup" });
    expect(v0.view()).toMatchObject({ state: "ended", endReason: "remote-declined" });
  });

  test("B52 a call ends when its opponent leaves the room", async () => {
    const [running, inviting, rings] = [await answered(), await placed(), ringing()];
    for (const call of [running, inviting, rings]) {
      call.service.memberLeft(ROOM, CAROL);
      // Still among the members: he has joined again.
      call.service.memberLeft(ROOM, BOB);
      expect(call.view()?.state).not.toBe("ended");
      call.room.joinedOthers = [];
      call.service.memberLeft(ROOM, BOB);
      expect(call.view()).toMatchObject({ state: "ended", endReason: "remote-left" });
    }
  });

  test("B53 after the end late events change nothing and no timer is left", async () => {
    const call = await answered();
    call.service.report(CALL, { fact: "connection", state: "disconnected" }, PORT);
    call.service.report(CALL, { fact: "candidate", candidate: candidate("late") }, PORT);
    call.service.hangUp(CALL);
    await settle();
    // What is left: one to take the call out of the views, one for the TURN credentials.
    expect(call.clock.pendingTimers).toBe(2);
    const before = call.sent.length;
    call.service.report(CALL, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    call.service.report(CALL, { fact: "connection", state: "connected" }, PORT);
    for (const type of ["candidates", "hangup", "reject", "negotiate"])
      call.from(BOB, type, { ...envelope(), candidates: [candidate("x")] });
    call.from(BOB, "invite", inviteContent());
    expect(call.view()).toMatchObject({ state: "ended", endReason: "user-hangup" });
    await call.clock.advance(6_000);
    expect(call.views()).toEqual([]);
    call.from(BOB, "invite", inviteContent());
    expect(call.views()).toEqual([]);
    expect(call.sent).toHaveLength(before);
    await call.service.close();
    expect(call.clock.pendingTimers).toBe(0);
  });

  test("B54 closing hangs up what runs, and leaves alone what rings", async () => {
    const [running, rings] = [await answered(), ringing()];
    await Promise.all([running.service.close(), rings.service.close()]);
    expect(running.lastSent("hangup")).toMatchObject({ reason: "user_hangup" });
    expect(rings.sent).toEqual([]);
    expect(running.clock.pendingTimers + rings.clock.pendingTimers).toBe(0);
  });

  test("B54 closing waits only a little for a server that does not answer", async () => {
    const call = await answered();
    call.failSend = () => failed("offline");
    let isClosed = false;
    void call.service.close().then(() => (isClosed = true));
    await call.clock.advance(1_900);
    expect(isClosed).toBe(false);
    await call.clock.advance(200);
    expect(isClosed).toBe(true);
  });

  test("a hangup overtakes what waits, and does not wait for the pause of a failed send", async () => {
    const call = await answered();
    call.failSend = ({ type }) => (type === "m.call.negotiate" ? failed("offline") : undefined);
    call.service.report(CALL, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    call.service.report(CALL, { fact: "candidate", candidate: { candidate: "" } }, PORT);
    await settle();
    call.service.hangUp(CALL);
    await settle();
    expect(call.sentTypes()).toEqual(["answer", "hangup"]);
  });
});

describe("ports and restarts", () => {
  test("only the port that answered holds the media and may report", async () => {
    const call = await answered();
    expect(call.view(2)).toMatchObject({ isMediaHere: false });
    expect(call.view(2)).not.toHaveProperty("desired");
    expect(() => call.service.report(CALL, { fact: "connection", state: "failed" }, 2)).toThrow(EngineError);
    expect(() => call.service.answer(CALL, "video", 2)).toThrow(EngineError);
  });

  test("when that port closes the call is hung up after a moment", async () => {
    const call = await answered();
    call.service.portClosed(2);
    await call.clock.advance(5_000);
    expect(call.view()?.state).toBe("connected");
    call.service.portClosed(PORT);
    await call.clock.advance(2_900);
    expect(call.view()?.state).toBe("connected");
    await call.clock.advance(200);
    expect(call.lastSent("hangup")).toMatchObject({ reason: "user_hangup" });
  });

  test("a call that was running before a restart is hung up, not resumed", async () => {
    const before = await answered();
    const after = openTestService({ clock: before.clock, rows: new Map(before.rows) });
    after.sync();
    await settle();
    expect(after.views()).toEqual([]);
    expect(after.sent).toMatchObject([
      { type: "m.call.hangup", content: { call_id: CALL, party_id: before.sent[0]?.content["party_id"] } },
    ]);
    expect([...after.rows.values()]).toMatchObject([{ state: "ended" }]);
  });

  test("the log tells how a call went", async () => {
    const call = await answered();
    await call.clock.advance(10_000);
    call.service.hangUp(CALL);
    expect([...call.rows.values()]).toMatchObject([
      {
        direction: "incoming",
        media: "video",
        peerUserId: BOB,
        state: "ended",
        endReason: "user-hangup",
        invite: undefined,
      },
    ]);
    const [row] = call.rows.values();
    expect((row?.endedAtMs ?? 0) - (row?.connectedAtMs ?? 0)).toBe(10_000);
  });

  test("a call log that cannot be written does not stop the call", async () => {
    const call = openTestService();
    call.rows.set = () => {
      throw new EngineError("disk-full", "The disk is full.");
    };
    call.from(BOB, "invite", inviteContent());
    expect(call.view()?.state).toBe("ringing");
  });

  test("commands for calls that are not there say so", () => {
    const call = openTestService();
    expect(() => call.service.hangUp("nothing" as CallId)).toThrow(expect.objectContaining({ code: "not-found" }));
  });
});
