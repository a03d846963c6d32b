/**
 * What a server can do by putting another sender's name on an encrypted event: nothing but a line that bears its
 * mark. Subjects: matrix/events.ts isSenderForged and its users in push, preview, timeline and calls.
 */
import { expect, test, vi } from "vitest";
import type { UserId } from "../../../preload/contract/ids.ts";
import { callsStep } from "../../../main/engine/calls/calls.step.ts";
import type { RoomEvent } from "../../../main/engine/matrix/events.ts";
import { defaultPushRules, evaluatePush } from "../../../main/engine/push/evaluator.ts";
import { readPowerLevels } from "../../../main/engine/matrix/content.ts";
import { openPeople } from "../../../main/engine/store/people.ts";
import type { EventRecord } from "../../../main/engine/store/tables/event.ts";
import { ChangeSet } from "../../../main/engine/sync/change-set.ts";
import { previewOf } from "../../../main/engine/timeline/preview.ts";
import { openTimelineView } from "../../../main/engine/timeline/timeline-view.ts";
import { BOB, decrypted, encryption, eventId, openBench, room, ROOM, undecryptable } from "../store/fixtures.ts";

const me = "@me:example.org" as UserId;
const forgedKey = (position: number) => encryption(position, { shield: "mismatched-sender" });
const forged = (position: number, body: string, more: Partial<EventRecord> = {}) =>
  decrypted(position, body, { ...more, encryption: forgedKey(position) });

const received = (record: EventRecord): RoomEvent => ({
  eventId: record.eventId,
  type: record.type,
  sender: record.sender,
  originServerTs: record.originServerTs,
  stateKey: undefined,
  content: record.content,
  redacts: undefined,
  unsigned: { ageMs: 1, transactionId: undefined, prevContent: undefined, isRedacted: false },
  ...(record.encryption && { encryption: record.encryption }),
});

test("it neither notifies nor highlights, readable or not", () => {
  const context = {
    ownUserId: me,
    roomId: ROOM,
    ownDisplayName: "Mia",
    memberCount: 2,
    powerLevels: readPowerLevels({}),
  };
  const notifies = (record: EventRecord) => evaluatePush(defaultPushRules(me), received(record), context).notify;
  expect(notifies(decrypted(1, "hello Mia"))).toBe(true);
  expect(notifies(undecryptable(1))).toBe(true);
  expect(notifies(forged(1, "hello Mia"))).toBe(false);
  expect(notifies(undecryptable(1, { cause: "mismatched-sender" }))).toBe(false);
});

test("it is no preview: what was said before it stays", () => {
  const context = { ownUserId: me, personOf: (userId: UserId) => ({ userId, displayName: "Bob" }) };
  const events = [decrypted(1, "mine"), forged(2, "not mine"), undecryptable(3, { cause: "mismatched-sender" })];
  expect(previewOf(events, context)?.preview.text).toBe("mine");
  expect(previewOf(events.slice(1), context)).toBeUndefined();
});

test("it is shown with its mark, and edits nothing", () => {
  const store = openBench().open();
  const edit = (position: number): Partial<EventRecord> => ({
    content: { msgtype: "m.text", body: "* edited", "m.new_content": { msgtype: "m.text", body: `edit ${position}` } },
    relation: "m.replace",
    relatedId: eventId("event-1"),
    isShown: false,
  });
  store.write((tx) => {
    store.rooms.put(tx, room(ROOM, { isEncrypted: true }));
    store.events.insert(tx, ROOM, decrypted(1, "original"));
    store.events.insert(tx, ROOM, decrypted(2, "", edit(2)));
    store.events.insert(tx, ROOM, forged(3, "", edit(3)));
    store.events.insert(tx, ROOM, forged(4, "as Bob"));
  });
  const view = openTimelineView(
    {
      store,
      people: openPeople(store.members),
      history: { missingStart: () => undefined } as never,
      ownUserId: me,
      retryAtOf: () => undefined,
      uploadProgressOf: () => undefined,
      callTile: () => ({ media: "voice", outcome: "missed" }),
    },
    ROOM,
  );
  expect(view.read().filter((item) => item.kind === "message")).toMatchObject([
    { body: "edit 2", isEdited: true },
    { body: "as Bob", shield: "mismatched-sender" },
  ]);
});

test("it rings nobody", () => {
  const handleSync = vi.fn<(entries: readonly unknown[]) => void>();
  const prepareToAnswer = vi.fn<() => void>();
  const step = callsStep({
    store: { rooms: { read: () => ({ isEncrypted: true }) } } as never,
    ownUserId: me,
    service: { handleSync, memberLeft: () => {} } as never,
    prepareToAnswer,
  });
  const invite = { type: "m.call.invite", content: { call_id: "c" }, sender: BOB };
  const ring = (record: EventRecord) => {
    const entries = [{ ok: true, event: received(record) }];
    const joined = [{ roomId: ROOM, state: [], timeline: { entries } }];
    step.publish(step.write({ joined, left: [] } as never, undefined, {} as never), new ChangeSet());
  };
  ring(forged(1, "", invite));
  expect(handleSync).toHaveBeenLastCalledWith([]);
  expect(prepareToAnswer).not.toHaveBeenCalled();
  ring(decrypted(2, "", invite));
  expect(handleSync.mock.lastCall?.[0]).toHaveLength(1);
});
