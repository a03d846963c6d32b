/**
 * Replies, edits, reactions and removals between two engines on a real homeserver, in a room that is encrypted:
 * what the other side sees, what the server is told, and what is seen before the server has heard of it.
 */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { EventId, RoomId, TxnId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { type MessageItem, Seat } from "../support/seat.ts";

const newTxnId = () => randomUUID() as TxnId;
const inRoom = (seat: Seat, roomId: RoomId) => ({ ...seat.engine.inRoom(roomId), txnId: newTxnId() });
const written = (body: string) => ({ msgtype: "m.text" as const, body });

/** The message, once it is as it should be. */
async function untilMessage(
  seat: Seat,
  roomId: RoomId,
  eventId: EventId,
  fits: (item: MessageItem) => boolean,
): Promise<MessageItem> {
  const found = (items: readonly TimelineItem[]) =>
    items.find((item): item is MessageItem => item.kind === "message" && item.eventId === eventId && fits(item));
  return found(await seat.engine.timeline(roomId, (items) => found(items) !== undefined)) as MessageItem;
}

const untilRemoved = (seat: Seat, roomId: RoomId, eventId: EventId) =>
  seat.engine.timeline(roomId, (items) =>
    items.some((item) => item.kind === "placeholder" && item.eventId === eventId && item.reason === "redacted"),
  );

async function react(seat: Seat, roomId: RoomId, eventId: EventId, key: string, isOn: boolean): Promise<void> {
  await seat.engine.client.call("outbox.react", { ...inRoom(seat, roomId), eventId, key, isOn });
}

test("each reaches the other side, and only words are hidden from the server", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const question = await alice.send(roomId, "when do we meet?");
  await bob.reads(roomId, question);

  const replyTxnId = newTxnId();
  await bob.engine.client.call("outbox.send", {
    ...bob.engine.inRoom(roomId),
    txnId: replyTxnId,
    content: written("at thre"),
    replyTo: question,
  });
  const answer = await bob.untilSent(roomId, replyTxnId);
  const seen = await alice.reads(roomId, answer);
  expect(seen.replyTo).toMatchObject({
    eventId: question,
    sender: { userId: alice.userId },
    kind: "text",
    text: "when do we meet?",
  });
  // Whoever is answered is told.
  expect(seen.isMention).toBe(true);

  await bob.engine.client.call("outbox.edit", {
    ...inRoom(bob, roomId),
    eventId: answer,
    content: written("at three"),
  });
  const edited = await untilMessage(alice, roomId, answer, ({ body }) => body === "at three");
  expect(edited).toMatchObject({ isEdited: true, replyTo: { eventId: question } });
  const [row] = await alice.engine.until("roomList", alice.inAccount, (rows) => rows.length === 1);
  expect(row?.preview?.text).toBe("at three");
  expect(edited.shield).toBeUndefined();

  await react(alice, roomId, answer, "👍", true);
  await untilMessage(bob, roomId, answer, ({ reactions }) => reactions?.length === 1);
  await react(bob, roomId, answer, "👍", true);
  await react(bob, roomId, answer, "🎉", true);
  const both = await untilMessage(alice, roomId, answer, ({ reactions }) => reactions?.length === 2);
  expect(both.reactions).toMatchObject([
    { key: "👍", count: 2, isOwn: true, isFailed: false },
    { key: "🎉", count: 1, isOwn: false, isFailed: false },
  ]);
  // A second wish for what is so already adds nothing.
  await react(bob, roomId, answer, "🎉", true);
  await react(alice, roomId, answer, "👍", false);
  const less = await untilMessage(bob, roomId, answer, ({ reactions }) => reactions?.[0]?.count === 1);
  expect(less.reactions).toMatchObject([
    { key: "👍", isOwn: true },
    { key: "🎉", isOwn: true, count: 1 },
  ]);

  await alice.engine.client.call("outbox.redact", { ...inRoom(alice, roomId), eventId: question });
  await untilRemoved(bob, roomId, question);
  const orphan = await untilMessage(bob, roomId, answer, ({ replyTo }) => replyTo?.kind === "redacted");
  expect(orphan.replyTo?.text).toBe("");

  const chunk = await alice.bare.events(roomId);
  const onServer = chunk.map((event) => ({ type: event.type, relation: event.content["m.relates_to"] }));
  expect(onServer).toContainEqual({
    type: "m.room.encrypted",
    relation: { "m.in_reply_to": { event_id: question } },
  });
  expect(onServer).toContainEqual({
    type: "m.room.encrypted",
    relation: { rel_type: "m.replace", event_id: answer },
  });
  expect(onServer).toContainEqual({
    type: "m.reaction",
    relation: { rel_type: "m.annotation", event_id: answer, key: "🎉" },
  });
  expect(JSON.stringify(chunk)).not.toContain("three");
});

test("each is seen at once, survives a restart without a network, and arrives once", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const [first, second] = [await alice.send(roomId, "frist"), await alice.send(roomId, "second")];
  const third = await bob.send(roomId, "third");
  await alice.reads(roomId, third);
  await alice.engine.client.call("rooms.setDraft", { ...alice.engine.inRoom(roomId), text: "half a thought" });

  const away = alice.proxy.add({ path: /./u, response: "drop" });
  alice.proxy.disconnectAll();
  const { client } = alice.engine;
  await client.call("outbox.edit", { ...inRoom(alice, roomId), eventId: first, content: written("first") });
  await client.call("outbox.redact", { ...inRoom(alice, roomId), eventId: second });
  await react(alice, roomId, third, "🎉", true);
  await react(alice, roomId, third, "😮", true);
  // Never sent, so there is nothing to remove.
  await react(alice, roomId, third, "😮", false);
  await alice.engine.close();
  await alice.engine.reopen();
  const pending = await untilMessage(alice, roomId, first, ({ isEdited }) => isEdited);
  expect(pending).toMatchObject({ body: "first", send: { state: "sending" } });
  await untilRemoved(alice, roomId, second);
  const third1 = await untilMessage(alice, roomId, third, ({ reactions }) => reactions !== undefined);
  expect(third1.reactions).toMatchObject([{ key: "🎉", isOwn: true, count: 1 }]);
  // What was being written meanwhile is another matter.
  const [details] = await alice.engine.until("room", alice.engine.inRoom(roomId), ([room]) => room !== undefined);
  expect(details?.draft).toBe("half a thought");

  away();
  await alice.engine.client.call("sync.retryNow", alice.inAccount);
  await untilMessage(bob, roomId, first, ({ body }) => body === "first");
  await untilRemoved(bob, roomId, second);
  const reacted = await untilMessage(bob, roomId, third, ({ reactions }) => reactions !== undefined);
  expect(reacted.reactions).toMatchObject([{ key: "🎉", isOwn: false, count: 1 }]);
  await untilMessage(alice, roomId, first, ({ send }) => send?.state === "sent");
});

test("what is not ours or not there is refused at once, and what the server refuses says so and can be given up", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const theirs = await bob.send(roomId, "theirs");
  const ours = await alice.send(roomId, "ours");
  await alice.reads(roomId, theirs);
  const { client } = alice.engine;
  const content = written("other words");
  await expect(
    client.call("outbox.edit", { ...inRoom(alice, roomId), eventId: theirs, content }),
  ).rejects.toMatchObject({
    code: "forbidden",
  });
  await expect(client.call("outbox.redact", { ...inRoom(alice, roomId), eventId: theirs })).rejects.toMatchObject({
    code: "forbidden",
  });
  const nowhere = "$nowhere" as EventId;
  await expect(react(alice, roomId, nowhere, "👍", true)).rejects.toMatchObject({ code: "not-found" });

  const refused = alice.proxy.add({
    path: /\/(?:redact|send\/m\.reaction)\//u,
    response: { status: 403, body: { errcode: "M_FORBIDDEN", error: "No." } },
  });
  await client.call("outbox.redact", { ...inRoom(alice, roomId), eventId: ours });
  const back = await untilMessage(alice, roomId, ours, ({ send }) => send?.state === "wedged");
  expect(back).toMatchObject({ body: "ours", send: { change: "removal", error: { code: "forbidden" } } });
  await client.call("outbox.discard", { ...alice.inAccount, txnId: back.txnId as TxnId });
  await untilMessage(alice, roomId, ours, ({ send }) => send?.state === "sent");

  await react(alice, roomId, theirs, "👍", true);
  await untilMessage(alice, roomId, theirs, ({ reactions }) => reactions?.[0]?.isFailed === true);
  await react(alice, roomId, theirs, "👍", false);
  await untilMessage(alice, roomId, theirs, ({ reactions }) => reactions === undefined);
  refused();
});
