/**
 * Two calls at once: glare in one room, call waiting, and the TURN credentials that both need.
 */
import { describe, expect, test } from "vitest";
import { EngineError } from "../../../main/engine/base/errors.ts";
import {
  ALICE,
  BOB,
  PORT,
  ROOM,
  STREAMS,
  answer,
  answered,
  envelope,
  inviteContent,
  offer,
  openTestService,
  placed,
  ringing,
  settle,
  CALL,
} from "./fixtures.ts";

// Our call ids are of letters and digits: these are before and after all of them.
const LESSER = "-lesser";
const GREATER = "~greater";

describe("glare", () => {
  test("B55 an invite that comes before ours is sent is answered in its place", async () => {
    const call = openTestService();
    call.service.place(ROOM, "video", PORT);
    call.from(BOB, "invite", inviteContent());
    await settle();
    expect(call.sent).toEqual([]);
    expect(call.views()).toMatchObject([
      { callId: CALL, state: "connecting", isMediaHere: true, desired: { role: "callee", media: "video" } },
    ]);
  });

  test("B55 an invite that is over within its response does not cost us our own call", () => {
    const call = openTestService();
    const callId = call.service.place(ROOM, "video", PORT);
    call.service.handleSync([]);
    call.from(BOB, "hangup", { ...envelope(), reason: "user_hangup" });
    call.from(BOB, "invite", inviteContent());
    expect(call.views()).toMatchObject([{ callId, state: "preparing" }]);
  });

  test("B56 theirs wins with the lesser call id, and nothing rings", async () => {
    const call = await placed();
    call.from(BOB, "invite", inviteContent({ call_id: LESSER }));
    await settle();
    expect(call.sentTypes()).toEqual(["invite", "hangup"]);
    expect(call.lastSent("hangup")).toMatchObject({ call_id: call.callId, reason: "replaced" });
    expect(call.views()).toMatchObject([
      { callId: LESSER, state: "connecting", isMediaHere: true, desired: { isPolite: true } },
    ]);
    expect(call.seen).not.toContain("ringing");
  });

  test("B56 ours wins with the lesser call id, and theirs does not ring", async () => {
    const call = await placed();
    call.from(BOB, "invite", inviteContent({ call_id: GREATER }));
    expect(call.views()).toMatchObject([{ callId: call.callId, state: "inviting" }]);
    call.from(BOB, "hangup", { ...envelope(GREATER), reason: "replaced" });
    call.from(BOB, "answer", { ...envelope(call.callId), answer: answer() });
    await call.clock.advance(5_000);
    expect(call.views()).toMatchObject([{ callId: call.callId, state: "connecting" }]);
    expect(call.seen).not.toContain("ringing");
  });

  test("B57 where ours won and nobody answers, theirs is answered after 4 s", async () => {
    const call = await placed();
    call.from(BOB, "invite", inviteContent({ call_id: GREATER }));
    await call.clock.advance(3_900);
    expect(call.views()).toMatchObject([{ callId: call.callId }]);
    await call.clock.advance(200);
    expect(call.views()).toMatchObject([{ callId: GREATER, state: "connecting" }]);
    expect(call.seen).not.toContain("ringing");
  });

  test("an invite that lost rings once ours is over, if it is still there", async () => {
    const call = await placed();
    call.from(BOB, "invite", inviteContent({ call_id: GREATER }));
    call.service.hangUp(call.callId);
    expect(call.views().find(({ callId }) => callId === GREATER)?.state).toBe("ringing");
  });

  test("placing a call in a room that rings answers it", async () => {
    const call = ringing();
    expect(call.service.place(ROOM, "voice", PORT)).toBe(CALL);
    await settle();
    expect(call.view()).toMatchObject({
      callId: CALL,
      state: "connecting",
      media: "video",
      desired: { media: "voice" },
    });
  });

  test("a caller who calls anew rings once", () => {
    const call = ringing();
    call.from(BOB, "invite", inviteContent({ call_id: "again", party_id: "PARTYC" }));
    expect(call.views().map(({ callId, state }) => [callId, state])).toEqual([
      [CALL, "ended"],
      ["again", "ringing"],
    ]);
  });
});

describe("call waiting", () => {
  test("B58 a second call rings during the first, and answering it ends the first", async () => {
    const call = await placed();
    call.from(BOB, "answer", { ...envelope(call.callId), answer: answer() });
    call.from(BOB, "invite", inviteContent({ call_id: "second" }));
    expect(call.views().map(({ state }) => state)).toEqual(["connecting", "ringing"]);
    expect(call.sentTypes()).not.toContain("hangup");
    call.service.answer("second" as typeof CALL, "video", PORT);
    await settle();
    expect(call.views().map(({ state }) => state)).toEqual(["ended", "connecting"]);
    expect(call.lastSent("hangup")).toMatchObject({ call_id: call.callId });
  });

  test("B58 the first call is held where that is wanted, and comes back when it is taken up again", async () => {
    const call = await answered();
    call.from(BOB, "invite", inviteContent({ call_id: "second" }));
    call.service.answer("second" as typeof CALL, "video", PORT, { otherCalls: "hold" });
    call.service.report(
      "second" as typeof CALL,
      { fact: "description", description: answer(), streams: STREAMS },
      PORT,
    );
    await settle();
    call.service.report("second" as typeof CALL, { fact: "connection", state: "connected" }, PORT);
    const held = () => call.views().map(({ state, isOnHold }) => [state, isOnHold]);
    expect(held()).toEqual([
      ["connected", true],
      ["connected", false],
    ]);
    call.service.hold(CALL, false);
    expect(held()).toEqual([
      ["connected", false],
      ["connected", true],
    ]);
    expect(call.sentTypes()).not.toContain("hangup");
    call.service.hangUp(CALL);
    expect(held()).toEqual([
      ["ended", false],
      ["connected", true],
    ]);
  });

  test("B58 a call that cannot be held ends", async () => {
    const call = await answered(true, { version: 0 });
    call.from(BOB, "invite", inviteContent({ call_id: "second" }));
    call.service.answer("second" as typeof CALL, "video", PORT, { otherCalls: "hold" });
    expect(call.views().map(({ state }) => state)).toEqual(["ended", "connecting"]);
  });

  test("a second call can be placed beside one that is held", async () => {
    const call = await answered();
    call.service.hold(CALL, true);
    call.service.place(ROOM, "voice", PORT);
    expect(call.views().map(({ state }) => state)).toEqual(["connected", "preparing"]);
  });

  test("a second call cannot be placed", async () => {
    const call = await placed();
    expect(() => call.service.place(ROOM, "voice", PORT)).toThrow(expect.objectContaining({ code: "rejected" }));
  });
});

describe("TURN", () => {
  const server = {
    urls: ["turn:turn.test:3478?transport=udp", "javascript:alert(1)"],
    username: "u",
    password: "p",
    ttlSeconds: 3_600,
  };
  const ice = [{ urls: ["turn:turn.test:3478?transport=udp"], username: "u", credential: "p" }];

  test("B61 a call is opened with relays alone where the user wants that, and keeps to it", async () => {
    const call = openTestService();
    call.settings.isRelayOnly = true;
    call.turn.server = server;
    call.from(BOB, "invite", inviteContent());
    await settle();
    call.service.answer(CALL, "voice", PORT);
    expect(call.view()?.desired?.isRelayOnly).toBe(true);
    call.settings.isRelayOnly = false;
    call.from(BOB, "candidates", { ...envelope(), candidates: [] });
    expect(call.view()?.desired?.isRelayOnly).toBe(true);
  });

  test("B60 a call that runs looks for a path anew once the user has agreed", async () => {
    const call = openTestService();
    call.service.place(ROOM, "voice", PORT);
    await call.clock.advance(5_000);
    expect(call.view()?.desired?.iceServers).toEqual([]);
    call.settings.publicStun = "allowed";
    call.service.applySettings();
    expect(call.view()?.desired?.iceServers).toEqual([{ urls: ["stun:public"] }]);
  });

  test("B59 credentials are there before the connection is wanted, and are asked for once", async () => {
    const call = openTestService();
    call.turn.server = server;
    call.service.place(ROOM, "video", PORT);
    expect(call.view()?.desired).toBeUndefined();
    await settle();
    expect(call.view()?.desired?.iceServers).toEqual(ice);
    call.sync();
    await settle();
    await call.clock.advance(49 * 60_000);
    expect(call.turn.count).toBe(2);
  });

  test("B59 credentials are fetched anew ten minutes before they end", async () => {
    const call = openTestService();
    call.turn.server = server;
    call.sync();
    await call.clock.advance(49 * 60_000);
    expect(call.turn.count).toBe(1);
    await call.clock.advance(2 * 60_000);
    expect(call.turn.count).toBe(2);
  });

  test("B59 a refusal stops the asking; a wish to wait is honoured", async () => {
    const refused = openTestService();
    refused.turn.error = new EngineError("forbidden", "no");
    refused.sync();
    await refused.clock.advance(5 * 3_600_000);
    expect(refused.turn.count).toBe(1);
    const limited = openTestService();
    limited.turn.error = new EngineError("rate-limited", "no", { retryAfterMs: 120_000 });
    limited.sync();
    await limited.clock.advance(119_000);
    limited.service.place(ROOM, "video", PORT);
    await settle();
    expect(limited.view()?.desired?.iceServers).toEqual([]);
    expect(limited.turn.count).toBe(1);
    await limited.clock.advance(2_000);
    expect(limited.turn.count).toBe(2);
  });

  test("a check before the call is told the servers that a call would be given", async () => {
    const call = openTestService();
    call.turn.server = server;
    await expect(call.service.iceServers()).resolves.toEqual({ iceServers: ice, isAnswered: true });
    await call.service.iceServers();
    expect(call.turn.count).toBe(1);
    call.settings.publicStun = "allowed";
    await expect(call.service.iceServers()).resolves.toMatchObject({ iceServers: [{ urls: ["stun:public"] }] });
  });

  test("a check knows a homeserver without relays from one that cannot be asked", async () => {
    const without = openTestService();
    without.turn.error = new EngineError("not-found", "no");
    await expect(without.service.iceServers()).resolves.toEqual({ iceServers: [], isAnswered: true });
    const offline = openTestService();
    offline.turn.error = new EngineError("offline", "no");
    await expect(offline.service.iceServers()).resolves.toEqual({ iceServers: [], isAnswered: false });
  });

  test("a call that rings tells what its media would begin with, and rings on", async () => {
    const call = ringing();
    call.turn.server = server;
    await expect(call.service.prepare(CALL)).resolves.toMatchObject({
      role: "callee",
      media: "video",
      iceServers: ice,
      isRelayOnly: false,
      remote: [{ kind: "description", seq: 0, description: offer() }],
      remoteStreams: STREAMS,
    });
    await settle();
    expect(call.view()).toMatchObject({ state: "ringing", isMediaHere: false });
    expect(call.view()?.desired).toBeUndefined();
    expect(call.sent).toEqual([]);
    call.service.answer(CALL, "video", PORT);
    await expect(call.service.prepare(CALL)).resolves.toBeUndefined();
    await expect(call.service.prepare("other" as typeof CALL)).rejects.toMatchObject({ code: "not-found" });
  });

  const prepared = { isRelayOnly: false, description: answer(), streams: STREAMS, isGathered: true };

  test("what was prepared goes out with the answer, and is all there is to say", async () => {
    const call = ringing();
    call.service.answer(CALL, "video", PORT, { prepared });
    await settle();
    expect(call.sentTypes()).toEqual(["answer"]);
    expect(call.lastSent("answer")).toMatchObject({ answer: answer() });
    await call.clock.advance(1_000);
    expect(call.lastSent("candidates")).toMatchObject({ candidates: [{ candidate: "" }] });
    call.service.report(CALL, { fact: "connection", state: "connected" }, PORT);
    expect(call.view()).toMatchObject({ state: "connected", isMediaHere: true });
  });

  test("B61 what was prepared before relay only was wished for goes nowhere", async () => {
    const call = ringing();
    call.settings.isRelayOnly = true;
    call.service.answer(CALL, "video", PORT, { prepared });
    await settle();
    expect(call.sent).toEqual([]);
    expect(call.view()).toMatchObject({ state: "connecting", desired: { isRelayOnly: true } });
    call.service.report(CALL, { fact: "description", description: answer("anew"), streams: STREAMS }, PORT);
    await settle();
    expect(call.lastSent("answer")).toMatchObject({ answer: { sdp: "anew" } });
  });

  test("B60 without TURN no server is named", async () => {
    const call = openTestService();
    call.turn.error = new EngineError("not-found", "no");
    call.service.place(ROOM, "video", PORT);
    await settle();
    expect(call.view()?.desired?.iceServers).toEqual([]);
  });

  test("a server that does not answer delays the call by no more than 3 s", async () => {
    const call = openTestService({ ownUserId: ALICE });
    call.turn.server = server;
    const { promise } = Promise.withResolvers<never>();
    Object.defineProperty(call.turn, "error", {
      get: () => {
        throw promise;
      },
    });
    call.service.place(ROOM, "voice", PORT);
    await call.clock.advance(3_100);
    const callId = call.view()?.callId;
    expect(call.view()?.desired?.iceServers).toEqual([]);
    if (callId) call.service.report(callId, { fact: "description", description: offer(), streams: STREAMS }, PORT);
    await settle();
    expect(call.sentTypes()).toEqual(["invite"]);
  });
});
