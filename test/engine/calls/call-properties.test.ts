/**
 * What must hold of calls in every order of events: a hostile mix against one service, and two services that
 * hear each other through a slow server.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../../../main/engine/base/errors.ts";
import type { CallFact } from "../../../preload/contract/engine-contract.ts";
import type { CallId, UserId } from "../../../preload/contract/ids.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import type { RoomEvent } from "../../../main/engine/matrix/events.ts";
import {
  ALICE,
  BOB,
  FakeClock,
  PORT,
  ROOM,
  STREAMS,
  VIDEO_SDP,
  WIRE_STREAMS,
  answer,
  candidate,
  offer,
  openTestService,
  roomEvent,
  settle,
  type TestService,
} from "./fixtures.ts";

const CALLS = ["call-a", "call-b"];
const PARTIES = [
  { sender: BOB, partyId: "BOB1" },
  { sender: BOB, partyId: "BOB2" },
  { sender: ALICE, partyId: "ALICE2" },
  { sender: "@carol:test" as UserId, partyId: "CAROL" },
];
const TYPES = [
  "invite",
  "answer",
  "candidates",
  "select_answer",
  "reject",
  "hangup",
  "negotiate",
  "sdp_stream_metadata_changed",
];

type Step =
  | { do: "event"; type: string; party: number; call: number; ageMs: number; isForOwn: boolean }
  | { do: "repeat"; index: number }
  | { do: "wait"; ms: number }
  | { do: "place" | "answer" | "reject" | "hang-up" | "close-port" | "leave" }
  | { do: "report"; fact: CallFact };

const facts: CallFact[] = [
  { fact: "description", description: offer(), streams: STREAMS },
  { fact: "description", description: answer(), streams: STREAMS },
  { fact: "candidate", candidate: candidate("mine") },
  { fact: "candidate", candidate: { candidate: "" } },
  { fact: "connection", state: "connected" },
  { fact: "connection", state: "disconnected" },
  { fact: "connection", state: "failed" },
  { fact: "streams", streams: {} },
  { fact: "media-failed", message: "no" },
];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("event" as const),
      type: fc.constantFrom(...TYPES, "invite", "answer"),
      party: fc.nat(PARTIES.length - 1),
      call: fc.nat(CALLS.length),
      ageMs: fc.constantFrom(0, 0, 0, 1_000, 60_000, 100_000),
      isForOwn: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("repeat" as const), index: fc.nat(30) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 10, 600, 3_000, 20_000, 60_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "place" as const,
        "answer" as const,
        "answer" as const,
        "reject" as const,
        "hang-up" as const,
        "close-port" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("report" as const), fact: fc.constantFrom(...facts) }) },
);

/** Every SDP and candidate names the party that it comes from. */
function contentOf(type: string, callId: string, partyId: string, isForOwn: boolean): JsonObject {
  const common = { call_id: callId, party_id: partyId, version: "1", sdp_stream_metadata: WIRE_STREAMS };
  const sdp = `${VIDEO_SDP}s=from-${partyId}-\r\n`;
  switch (type) {
    case "invite":
      return { ...common, offer: { type: "offer", sdp }, lifetime: 90_000, ...(isForOwn ? { invitee: ALICE } : {}) };
    case "answer":
      return { ...common, answer: { type: "answer", sdp } };
    case "candidates":
      return { ...common, candidates: [candidate(`from-${partyId}-`)] };
    case "negotiate":
      return { ...common, description: { type: isForOwn ? "offer" : "answer", sdp }, lifetime: 30_000 };
    case "select_answer":
      return { ...common, selected_party_id: "BOB2" };
    default:
      return common;
  }
}

function mayRefuse(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
}

/** Watches the views: how often each call began to ring, and whom its media comes from. */
function watch(side: TestService) {
  const rings = new Map<CallId, number>();
  const phases = new Map<CallId, string>();
  return {
    rings,
    look() {
      const views = side.views();
      for (const view of views) {
        if (view.state === "ringing" && phases.get(view.callId) !== "ringing")
          rings.set(view.callId, (rings.get(view.callId) ?? 0) + 1);
        if (phases.get(view.callId) === "ended") expect(view.state).toBe("ended");
        phases.set(view.callId, view.state);
        const sources = new Set(JSON.stringify(view.desired?.remote ?? []).match(/from-\w+-/gu));
        expect(sources.size).toBeLessThanOrEqual(1);
        expect(view.desired?.remote.map(({ seq }) => seq) ?? []).toEqual(
          (view.desired?.remote ?? []).map((_, index) => index),
        );
      }
    },
  };
}

test("in any order of late, repeated and foreign events a call rings once, has one opponent, says nothing after its end, and ends", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const call = openTestService();
      const watched = watch(call);
      const told: { event: RoomEvent; ageMs: number }[] = [];
      for (const next of steps) {
        const running = call.views().at(-1)?.callId ?? ("none" as CallId);
        switch (next.do) {
          case "event": {
            const { sender, partyId } = PARTIES[next.party] ?? { sender: BOB, partyId: "BOB1" };
            const callId = CALLS[next.call] ?? running;
            const event = roomEvent(
              `m.call.${next.type}`,
              sender,
              contentOf(next.type, callId, partyId, next.isForOwn),
            );
            told.push({ event, ageMs: next.ageMs });
            call.sync({ event, ageMs: next.ageMs });
            break;
          }
          case "repeat": {
            const again = told[next.index];
            if (again) call.sync(again);
            break;
          }
          case "wait":
            await call.clock.advance(next.ms);
            break;
          case "place":
            mayRefuse(() => call.service.place(ROOM, "video", PORT));
            break;
          case "answer":
            mayRefuse(() => call.service.answer(running, "video", PORT));
            break;
          case "reject":
            mayRefuse(() => call.service.reject(running));
            break;
          case "hang-up":
            mayRefuse(() => call.service.hangUp(running));
            break;
          case "close-port":
            call.service.portClosed(PORT);
            break;
          case "leave": {
            const { joinedOthers } = call.room;
            call.room.joinedOthers = [];
            call.service.memberLeft(ROOM, BOB);
            call.room.joinedOthers = joinedOthers;
            break;
          }
          case "report":
            mayRefuse(() => call.service.report(running, next.fact, PORT));
            break;
        }
        watched.look();
      }
      // Media that flows may flow for ever; when the path is gone every call comes to its end.
      for (const { callId } of call.views())
        mayRefuse(() => call.service.report(callId, { fact: "connection", state: "disconnected" }, PORT));
      for (let round = 0; round < 26; round += 1) {
        await call.clock.advance(5_000);
        watched.look();
      }
      expect(call.views()).toEqual([]);
      expect([...watched.rings.values()].every((count) => count === 1)).toBe(true);
      expect([...call.rows.values()].every((row) => row.state === "ended")).toBe(true);
      checkSent(call);
      const count = call.sent.length;
      for (const again of told) call.sync(again);
      await call.clock.advance(100_000);
      expect(call.sent).toHaveLength(count);
      await call.service.close();
      expect(call.clock.pendingTimers).toBe(0);
    }),
    { numRuns: 600 },
  );
});

/** The events that we sent for each call are in an order that another client can follow. */
function checkSent(call: TestService): void {
  for (const callId of new Set(call.sent.map(({ content }) => content["call_id"]))) {
    const types = call.sent
      .filter(({ content }) => content["call_id"] === callId)
      .map(({ type }) => type.replace("m.call.", ""));
    const last = types.findIndex((type) => type === "hangup" || type === "reject");
    if (last !== -1) expect(last).toBe(types.length - 1);
    expect(types.filter((type) => type === "select_answer").length).toBeLessThanOrEqual(1);
    expect(types.filter((type) => type === "invite" || type === "answer").length).toBeLessThanOrEqual(1);
    // Candidates and changes follow the description that they belong to.
    if (types.some((type) => ["candidates", "negotiate"].includes(type)))
      expect(["invite", "answer"]).toContain(types[0]);
  }
}

/** A peer connection as the window would drive it: answers what it is asked for, and connects. */
function openFakeMedia(side: TestService, clock: FakeClock): () => void {
  const done = new Set<string>();
  const once = (key: string, work: () => void) => {
    if (done.has(key)) return;
    done.add(key);
    clock.setTimer(20, () => mayRefuse(work));
  };
  return () => {
    for (const { callId, desired } of side.views()) {
      if (!desired) continue;
      const describe = (
        description: typeof desired.remote extends (infer _)[]
          ? ReturnType<typeof offer> | ReturnType<typeof answer>
          : never,
      ) =>
        once(`${callId} description`, () => {
          side.service.report(callId, { fact: "description", description, streams: STREAMS }, PORT);
          side.service.report(callId, { fact: "candidate", candidate: candidate("found") }, PORT);
          side.service.report(callId, { fact: "candidate", candidate: { candidate: "" } }, PORT);
        });
      const hasDescription = desired.remote.some((entry) => entry.kind === "description");
      if (desired.role === "caller") describe(offer());
      else if (hasDescription) describe(answer());
      const canConnect = hasDescription && (desired.role === "caller" || done.has(`${callId} description`));
      if (canConnect)
        once(`${callId} connected`, () =>
          side.service.report(callId, { fact: "connection", state: "connected" }, PORT),
        );
    }
  };
}

/** Alice and Bob in one room, whose server brings each event to each of them after its own delay, in order. */
function openPair(delaysMs: readonly number[]) {
  const clock = new FakeClock();
  const alice = openTestService({ ownUserId: ALICE, peer: BOB, clock });
  const bob = openTestService({ ownUserId: BOB, peer: ALICE, clock });
  let count = 0;
  for (const [side, sender] of [
    [alice, ALICE],
    [bob, BOB],
  ] as const) {
    side.onSent = ({ type, content, eventId }) => {
      const event = { ...roomEvent(type, sender, content), eventId };
      const sentAtMs = clock.monotonic();
      for (const receiver of [alice, bob]) {
        const state = receivers.get(receiver);
        if (!state) continue;
        count += 1;
        // A stream has one order: no event overtakes the one before it.
        state.lastAtMs = Math.max(state.lastAtMs, sentAtMs + (delaysMs[count % delaysMs.length] ?? 0));
        clock.setTimer(state.lastAtMs - sentAtMs, () => receiver.sync({ event, ageMs: clock.monotonic() - sentAtMs }));
      }
    };
  }
  const receivers = new Map([alice, bob].map((side) => [side, { lastAtMs: 0 }]));
  const media = [openFakeMedia(alice, clock), openFakeMedia(bob, clock)];
  return {
    clock,
    alice,
    bob,
    async run(forMs: number, work: () => void = () => {}) {
      for (let passed = 0; passed < forMs; passed += 25) {
        await clock.advance(25);
        for (const drive of media) drive();
        work();
      }
      await settle();
    },
  };
}

const delays = fc.array(fc.nat(1_500), { minLength: 1, maxLength: 8 });

test("two services that hear each other late connect, and both end when one hangs up", async () => {
  await fc.assert(
    fc.asyncProperty(delays, fc.nat(3_000), async (delaysMs, answerAfterMs) => {
      const { alice, bob, run } = openPair(delaysMs);
      const callId = alice.service.place(ROOM, "video", PORT);
      await run(5_000 + answerAfterMs);
      expect(bob.view()).toMatchObject({ callId, state: "ringing", media: "video" });
      bob.service.answer(callId, "video", PORT);
      await run(12_000);
      expect([alice.view()?.state, bob.view()?.state]).toEqual(["connected", "connected"]);
      expect(alice.sentTypes().filter((type) => type !== "candidates")).toEqual(["invite", "select_answer"]);
      bob.service.hangUp(callId);
      await run(4_000);
      expect(alice.view()).toMatchObject({ state: "ended", endReason: "remote-hangup" });
      expect(bob.view()).toMatchObject({ state: "ended", endReason: "user-hangup" });
    }),
    { numRuns: 30 },
  );
});

test("when both call each other they end up in the same call, and nobody's phone rings", async () => {
  await fc.assert(
    fc.asyncProperty(delays, fc.nat(800), async (delaysMs, laterMs) => {
      const { alice, bob, run } = openPair(delaysMs);
      alice.service.place(ROOM, "video", PORT);
      await run(laterMs);
      const isGlare = bob.view() === undefined;
      bob.service.place(ROOM, "video", PORT);
      await run(20_000);
      const [ours, theirs] = [alice.view(), bob.view()];
      expect([ours?.state, theirs?.state]).toEqual(["connected", "connected"]);
      expect(ours?.callId).toBe(theirs?.callId);
      if (isGlare) expect([...alice.seen, ...bob.seen]).not.toContain("ringing");
      expect(new Set([ours?.desired?.isPolite, theirs?.desired?.isPolite])).toEqual(new Set([false, true]));
    }),
    { numRuns: 60 },
  );
});
