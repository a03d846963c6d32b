/** The calls step: what of a sync response reaches the call service, and what is made ready for an answer. */
import { expect, test } from "vitest";
import { callsStep } from "../../../main/engine/calls/calls.step.ts";
import type { EventEncryption, RoomEvent } from "../../../main/engine/matrix/events.ts";
import { ALICE, BOB, ROOM, inviteContent, roomEvent } from "./fixtures.ts";

type Step = ReturnType<typeof callsStep>;

/** What the service is told of a response with these events, and the rooms in which an answer was prepared. */
function run(events: readonly RoomEvent[], isEncrypted: boolean) {
  const told: string[] = [];
  const prepared: string[] = [];
  const step = callsStep({
    store: { rooms: { read: () => ({ isEncrypted }) } },
    ownUserId: ALICE,
    service: {
      handleSync: (entries: { event: RoomEvent }[]) => told.push(...entries.map(({ event }) => event.type)),
      memberLeft: () => undefined,
    },
    prepareToAnswer: (roomId: string) => prepared.push(roomId),
  } as unknown as Parameters<typeof callsStep>[0]);
  const entries = events.map((event) => ({ ok: true, event }));
  const body = { joined: [{ roomId: ROOM, timeline: { entries } }], left: [] };
  const write = step.write as (body: unknown) => Parameters<NonNullable<Step["publish"]>>[0];
  step.publish(write(body), undefined as never);
  return { told, prepared };
}

const encryption: EventEncryption = {
  wireContent: {},
  sessionId: "session",
  messageIndex: 0,
  senderDeviceId: undefined,
  membershipThen: undefined,
  shield: undefined,
  cause: undefined,
};
const invite = (): RoomEvent => roomEvent("m.call.invite", BOB, inviteContent());

test("B62 the key for the answer is made ready when the invite comes", () => {
  expect(run([{ ...invite(), encryption }], true)).toEqual({ told: ["m.call.invite"], prepared: [ROOM] });
  expect(run([{ ...roomEvent("m.call.invite", ALICE, inviteContent()), encryption }], true).prepared).toEqual([]);
});

test("B63 in an encrypted room what came in the clear is no call", () => {
  expect(run([invite()], true)).toEqual({ told: [], prepared: [] });
  expect(run([invite()], false).told).toEqual(["m.call.invite"]);
});
