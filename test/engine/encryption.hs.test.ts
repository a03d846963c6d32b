/**
 * Two engines on a real homeserver, encrypted: what the server holds, what the others read, and what stays after
 * restarts, kills and faults. All through the contract.
 */
import { expect, test } from "vitest";
import type { RoomId, UserId } from "../../preload/contract/ids.ts";
import type { EncryptionView, TimelineItem, VerificationView } from "../../preload/contract/views.ts";
import { bodies, TestEngine, type TestAccount } from "../support/engine-harness.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

const homeserverUrl = () => sharedHomeserver().baseUrl;

const signIn = (account: TestAccount) => TestEngine.signedIn(homeserverUrl(), account);

/** Events of a room as the server has them, the newest first. */
async function serverEvents(
  account: { accessToken: string },
  roomId: RoomId,
): Promise<{ type: string; content: object }[]> {
  const url = new URL(
    `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`,
    homeserverUrl(),
  );
  const answer = await fetch(url, { headers: { authorization: `Bearer ${account.accessToken}` } });
  const { chunk } = (await answer.json()) as { chunk: { type: string; content: object }[] };
  return chunk;
}

/** Sets recovery up as a user would, and gives the key. */
async function setUpRecovery(engine: TestEngine): Promise<string> {
  const { accountId } = engine;
  const { recoveryKey } = await engine.client.call("encryption.makeRecoveryKey", { accountId });
  await engine.client.call("encryption.setUpRecovery", { accountId, recoveryKey });
  await encryption(engine, (view) => view.nextStep === "none" && view.backup.state === "active");
  return recoveryKey;
}

async function encryption(engine: TestEngine, fits: (view: EncryptionView) => boolean): Promise<EncryptionView> {
  const [view] = await engine.until(
    "encryption",
    { accountId: engine.accountId },
    ([each]) => each !== undefined && fits(each),
  );
  return view as EncryptionView;
}

/** The one verification at an engine, once it fits. */
async function verification(engine: TestEngine, fits: (view: VerificationView) => boolean): Promise<VerificationView> {
  const views = await engine.until("verifications", { accountId: engine.accountId }, (all) => all.some(fits));
  return views.find(fits) as VerificationView;
}

/** Both sides compare the emoji and find them equal. */
async function verifyByEmoji(asking: TestEngine, asked: TestEngine, userId: UserId): Promise<void> {
  const { flowId } = await asking.client.call("verifications.request", { accountId: asking.accountId, userId });
  const atAsked = { accountId: asked.accountId, flowId };
  const atAsking = { accountId: asking.accountId, flowId };
  await verification(asked, (view) => view.flowId === flowId && view.phase === "requested");
  await asked.client.call("verifications.accept", atAsked);
  await verification(asking, (view) => view.flowId === flowId && view.phase === "ready");
  await asking.client.call("verifications.startEmoji", atAsking);
  const seen = await Promise.all([asking, asked].map((each) => verification(each, (view) => view.phase === "emoji")));
  expect(seen[0]?.emoji).toHaveLength(7);
  expect(seen[0]?.emoji).toEqual(seen[1]?.emoji);
  await Promise.all([
    asking.client.call("verifications.confirm", { ...atAsking, isMatch: true }),
    asked.client.call("verifications.confirm", { ...atAsked, isMatch: true }),
  ]);
  await Promise.all([asking, asked].map((each) => verification(each, (view) => view.phase === "done")));
}

const undecryptable = (items: readonly TimelineItem[]) =>
  items.filter((item) => item.kind === "placeholder" && item.reason === "undecryptable");

test("a direct room is encrypted from its first event; both sides read, the server cannot", async () => {
  const [aliceAccount, bobAccount] = await Promise.all([newUser("alice"), newUser("bob")]);
  await using alice = await signIn(aliceAccount);
  await using bob = await signIn(bobAccount);
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "the canary sings");
  const atBob = await bob.timeline(roomId, (items) => bodies(items).includes("the canary sings"));
  await bob.sendText(roomId, "and is heard");
  const atAlice = await alice.timeline(roomId, (items) => bodies(items).includes("and is heard"));
  expect(undecryptable(atBob)).toEqual([]);
  expect(undecryptable(atAlice)).toEqual([]);
  expect(atBob.find((item) => item.kind === "message")).not.toHaveProperty("shield");

  const stored = await serverEvents(aliceAccount, roomId);
  expect(stored.filter(({ type }) => type === "m.room.message")).toEqual([]);
  expect(stored.filter(({ type }) => type === "m.room.encrypted")).toHaveLength(2);
  expect(JSON.stringify(stored)).not.toContain("canary");

  const [row] = await bob.until("roomList", { accountId: bob.accountId }, (rows) => rows[0]?.preview?.isOwn === true);
  expect(row?.preview).toMatchObject({ text: "and is heard" });
});

test("what was read stays readable after a restart, without asking anyone", async () => {
  const [aliceAccount, bobAccount] = await Promise.all([newUser("alice"), newUser("bob")]);
  await using alice = await signIn(aliceAccount);
  await using bob = await signIn(bobAccount);
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "before");
  await bob.timeline(roomId, (items) => bodies(items).includes("before"));
  await bob.close();
  await alice.sendText(roomId, "meanwhile");
  await alice.timeline(roomId, (items) =>
    items.some((item) => item.kind === "message" && item.body === "meanwhile" && item.send?.state === "sent"),
  );
  await bob.reopen();
  const seen = await bob.timeline(roomId, (items) => bodies(items).includes("meanwhile"));
  expect(bodies(seen)).toEqual(["before", "meanwhile"]);
  await bob.sendText(roomId, "after");
  await alice.timeline(roomId, (items) => bodies(items).includes("after"));
});

test("an invited user reads what was sent before the join", async () => {
  const [aliceAccount, bobAccount] = await Promise.all([newUser("alice"), newUser("bob")]);
  await using alice = await signIn(aliceAccount);
  await using bob = await signIn(bobAccount);
  const { roomId } = await alice.client.call("rooms.createDirect", { accountId: alice.accountId, userId: bob.userId });
  await alice.sendText(roomId, "come in");
  await alice.timeline(roomId, (items) => items.some((item) => item.kind === "message" && item.send?.state === "sent"));
  await bob.client.call("rooms.join", { accountId: bob.accountId, room: roomId });
  const seen = await bob.timeline(roomId, (items) => bodies(items).includes("come in"));
  expect(undecryptable(seen)).toEqual([]);
});

test("mentions in an encrypted room highlight, and counts are those of the read marker", async () => {
  const [aliceAccount, bobAccount] = await Promise.all([newUser("alice"), newUser("bob")]);
  await using alice = await signIn(aliceAccount);
  await using bob = await signIn(bobAccount);
  const roomId = await alice.createDirectWith(bob);
  await bob.sendText(roomId, "here");
  await alice.client.call("outbox.send", {
    ...alice.inRoom(roomId),
    txnId: "mention1" as never,
    content: { msgtype: "m.text", body: "bob, look", mentionedUserIds: [bob.userId] },
  });
  const [row] = await bob.until(
    "roomList",
    { accountId: bob.accountId },
    (rows) => rows[0]?.preview?.text === "bob, look" && rows[0].highlightCount === 1,
  );
  expect(row).toMatchObject({ notificationCount: 1, highlightCount: 1 });
});

test("a second device: unread history and a held send, until the recovery key opens both", async () => {
  const [aliceAccount, bobAccount] = await Promise.all([newUser("alice"), newUser("bob")]);
  await using alice = await signIn(aliceAccount);
  await using bob = await signIn(bobAccount);
  await encryption(alice, (view) => view.nextStep === "recovery" && view.isDeviceVerified);
  const recoveryKey = await setUpRecovery(alice);
  const roomId = await alice.createDirectWith(bob);
  for (const text of ["one", "two", "three"]) await alice.sendText(roomId, text);
  await bob.timeline(roomId, (items) => bodies(items).length === 3);
  await bob.sendText(roomId, "four");
  await alice.timeline(roomId, (items) => bodies(items).length === 4);
  await encryption(alice, (view) => view.backup.keyCount > 0 && view.backup.backedUpCount === view.backup.keyCount);

  await using second = await signIn(aliceAccount);
  const before = await encryption(second, (view) => view.nextStep === "verify" && view.hasRecovery);
  expect(before).toMatchObject({ isDeviceVerified: false, canVerifyWithDevice: true, hasRecovery: true });
  await second.timeline(roomId, (items) => undecryptable(items).length === 4);
  await second.sendText(roomId, "held");
  await second.timeline(roomId, (items) =>
    items.some((item) => item.kind === "message" && item.send?.state === "wedged"),
  );

  const wrong = await alice.client.call("encryption.makeRecoveryKey", { accountId: alice.accountId });
  await expect(
    second.client.call("encryption.recover", { accountId: second.accountId, secret: wrong.recoveryKey }),
  ).rejects.toMatchObject({ code: "wrong-recovery-key" });
  await second.client.call("encryption.recover", { accountId: second.accountId, secret: recoveryKey });
  const after = await encryption(second, (view) => view.nextStep === "none" && view.undecryptableCount === 0);
  expect(after).toMatchObject({ isDeviceVerified: true, backup: { state: "active" } });
  const items = await second.timeline(roomId, (all) => bodies(all).length === 5);
  expect(bodies(items)).toEqual(["one", "two", "three", "four", "held"]);
  await bob.timeline(roomId, (all) => bodies(all).includes("held"));
});

test("a second device is verified by emoji with the first, and gets the secrets and the history from it", async () => {
  const [aliceAccount, bobAccount] = await Promise.all([newUser("alice"), newUser("bob")]);
  await using alice = await signIn(aliceAccount);
  await using bob = await signIn(bobAccount);
  await setUpRecovery(alice);
  const roomId = await alice.createDirectWith(bob);
  await bob.sendText(roomId, "from before");
  await alice.timeline(roomId, (items) => bodies(items).includes("from before"));
  await encryption(alice, (view) => view.backup.keyCount > 0 && view.backup.backedUpCount === view.backup.keyCount);

  await using second = await signIn(aliceAccount);
  await encryption(second, (view) => view.nextStep === "verify");
  await verifyByEmoji(second, alice, alice.userId);
  await encryption(second, (view) => view.nextStep === "none" && view.secrets.backupKey.isHere);
  await second.timeline(roomId, (items) => bodies(items).includes("from before"));
  await second.sendText(roomId, "from the second");
  await bob.timeline(roomId, (items) => bodies(items).includes("from the second"));
});

test("two users verify each other by emoji in their direct room; the room says so", async () => {
  const [aliceAccount, bobAccount] = await Promise.all([newUser("alice"), newUser("bob")]);
  await using alice = await signIn(aliceAccount);
  await using bob = await signIn(bobAccount);
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "hello");
  await bob.timeline(roomId, (items) => bodies(items).includes("hello"));
  await verifyByEmoji(alice, bob, bob.userId);
  await alice.until("room", alice.inRoom(roomId), ([room]) => room?.trust === "verified");
  await bob.until("room", bob.inRoom(roomId), ([room]) => room?.trust === "verified");
  const items = await alice.timeline(roomId, (all) => bodies(all).length === 1);
  expect(bodies(items)).toEqual(["hello"]);
});
