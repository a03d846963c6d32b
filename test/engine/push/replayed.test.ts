/**
 * What a user is told when a sync response comes again: after a crash, or from a server that repeats itself. The
 * response runs through the real steps and a real store. Promise under test: nobody is told anything twice.
 */
import { expect, test } from "vitest";
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { Logger } from "../../../main/engine/base/logger.ts";
import { parseSyncBody } from "../../../main/engine/matrix/sync-body.ts";
import { pushStep } from "../../../main/engine/push/push.step.ts";
import { roomsStep } from "../../../main/engine/rooms/rooms.step.ts";
import { openTyping } from "../../../main/engine/rooms/typing.ts";
import { openPeople } from "../../../main/engine/store/people.ts";
import { openPipeline } from "../../../main/engine/sync/pipeline.ts";
import { timelineStep } from "../../../main/engine/timeline/timeline.step.ts";
import { BOB, openBench } from "../store/fixtures.ts";

const ALICE = "@alice:example.org" as UserId;
const CAROL = "@carol:example.org" as UserId;
const ROOM = "!room:example.org" as RoomId;

/** An account, and what its user was told. `restart` is a crash right after the commit. */
function openAccount() {
  const bench = openBench();
  const told: string[] = [];
  const open = () => {
    const store = bench.open();
    const push = pushStep({
      store,
      ownUserId: ALICE,
      powerLevelsOf: () => undefined as never,
      onNotified: (notified) => told.push(...notified.map(({ event }) => event.eventId)),
      onRead: () => {},
    });
    const pipeline = openPipeline({
      store,
      steps: [
        roomsStep({
          store,
          direct: { note() {}, settle() {}, flush() {} },
          ownUserId: ALICE,
          typing: openTyping(ALICE),
        }),
        push.step,
        timelineStep({ store, people: openPeople(store.members), ownUserId: ALICE, pushMarkOf: push.markOf }),
      ],
      publish() {},
      log: new Logger(() => {}),
      signal: new AbortController().signal,
    });
    return { store, pipeline };
  };
  let opened = open();
  opened.store.write((tx) =>
    opened.store.account.create(
      tx,
      { userId: ALICE, deviceId: "DEVICE" as never, homeserverUrl: "https://example.org" },
      { accessToken: "token" },
    ),
  );
  return {
    told,
    apply: (rooms: object, nextBatch: string) => opened.pipeline.apply(parseSyncBody({ next_batch: nextBatch, rooms })),
    restart(): void {
      bench.close(opened.store);
      opened = open();
    },
  };
}

const message = (id: string) => ({
  type: "m.room.message",
  event_id: `$${id}`,
  sender: BOB,
  origin_server_ts: 1,
  content: { msgtype: "m.text", body: id },
});
const said = (...ids: string[]) => ({ join: { [ROOM]: { timeline: { events: ids.map(message) } } } });
const membership = (userId: string, sender: string, state: string) => ({
  type: "m.room.member",
  state_key: userId,
  sender,
  content: { membership: state },
});
const invitedBy = (sender: string) => ({
  invite: { [ROOM]: { invite_state: { events: [membership(ALICE, sender, "invite")] } } },
});

test("messages that come again are told once, before and after a restart", async () => {
  const account = openAccount();
  await account.apply(said("old"), "s1");
  await account.apply(said("first"), "s2");
  await account.apply(said("first"), "s2");
  account.restart();
  await account.apply(said("first"), "s2");
  expect(account.told).toEqual(["$first"]);
  await account.apply(said("first", "second"), "s3");
  expect(account.told).toEqual(["$first", "$second"]);
});

test("an invite that comes again is told once, before and after a restart", async () => {
  const account = openAccount();
  await account.apply({}, "s1");
  await account.apply(invitedBy(BOB), "s2");
  await account.apply(invitedBy(BOB), "s2");
  account.restart();
  await account.apply(invitedBy(BOB), "s2");
  expect(account.told).toEqual(["$invite"]);
});

test("an invite that comes again after it was taken is not told", async () => {
  const account = openAccount();
  await account.apply({}, "s1");
  await account.apply(invitedBy(BOB), "s2");
  const joined = { ...membership(ALICE, ALICE, "join"), event_id: "$join", origin_server_ts: 1 };
  await account.apply({ join: { [ROOM]: { timeline: { events: [joined] } } } }, "s3");
  await account.apply(invitedBy(BOB), "s2");
  expect(account.told).toEqual(["$invite"]);
});

test("another invite to the same room is told: of somebody else, or after the first was turned down", async () => {
  const account = openAccount();
  await account.apply({}, "s1");
  await account.apply(invitedBy(BOB), "s2");
  await account.apply(invitedBy(CAROL), "s3");
  expect(account.told).toHaveLength(2);
  const left = { ...membership(ALICE, ALICE, "leave"), event_id: "$leave", origin_server_ts: 1 };
  await account.apply({ leave: { [ROOM]: { timeline: { events: [left] } } } }, "s4");
  await account.apply(invitedBy(CAROL), "s5");
  expect(account.told).toHaveLength(3);
});
