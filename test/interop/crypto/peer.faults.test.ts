/**
 * The harness's own proof: every scenario with matrix-js-sdk on both sides. Where one fails here, the harness or the
 * server is to blame, not our engine.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newUser, sharedHomeserver } from "../../support/users.ts";
import { openCast, type OpenCast, type Role } from "./cast.ts";
import { startPeer, type Peer } from "./peer.ts";
import { SCENARIO_MS } from "./play.ts";
import { scenarios } from "./scenarios.ts";

let cast: OpenCast;

beforeAll(async () => {
  const role: Role = { clients: ["matrix-js-sdk", "matrix-js-sdk"], baseUrl: sharedHomeserver().baseUrl, newUser };
  cast = await openCast({ alice: { ...role, passphrase: "open sesame" }, bob: role });
});
afterEach(() => cast.endLater());
afterAll(() => cast?.endAll());

test.each(scenarios)("%s", async (_, play) => play(cast), SCENARIO_MS);

test("who is invited gets the history's keys where the room shares its history; who comes by himself gets none", async () => {
  const [alice, bob] = [cast.alice.person as Peer, cast.bob.person as Peer];
  const roomId = await alice.createRoom({ isPublic: true, historyVisibility: "shared" });
  const [forAll, own] = [await alice.sendText(roomId, "long ago"), await alice.sendText(roomId, "and ever")];
  await bob.join(roomId, sharedHomeserver().serverName);
  await bob.loadHistory(roomId);
  const unread = await bob.untilEvent(roomId, "an old event", (event) => event.eventId === own);
  expect(unread).toMatchObject({ type: "m.room.encrypted", cause: "sent-before-we-joined", isEncrypted: true });
  expect(unread.content).toHaveProperty("ciphertext");

  await bob.leave(roomId);
  await alice.untilJoined(roomId, [alice.userId]);
  await alice.invite(roomId, bob.userId);
  await bob.join(roomId);
  await bob.loadHistory(roomId);
  const read = await bob.untilEvent(
    roomId,
    "an old event, readable",
    (event) => event.eventId === forAll && event.cause === undefined,
  );
  expect(read).toMatchObject({ content: { body: "long ago" }, shield: "authenticity-not-guaranteed" });
});

test("secret storage opens with the passphrase that made it, and with no other", async () => {
  const device = await cast.alice.signIn("knows the passphrase");
  await expect(device.recover("open sesamee")).rejects.toThrow("wrong recovery key");
  expect((await device.identity()).isDeviceVerified).toBe(false);
  await device.recover("open sesame");
  expect((await device.identity()).isDeviceVerified).toBe(true);
});

test("with the older rule, only devices that are verified by us get keys", async () => {
  const [alice, bob] = [cast.alice.person as Peer, cast.bob.person as Peer];
  const account = await newUser("Carol");
  await using carol = await startPeer({ baseUrl: sharedHomeserver().baseUrl, ...account, deviceName: "first" });
  await carol.setUpIdentity();
  const roomId = await alice.createRoom({ invite: [bob.userId, carol.userId] });
  for (const guest of [bob, carol]) await guest.join(roomId);
  await alice.untilJoined(roomId, [alice.userId, bob.userId, carol.userId]);
  await alice.untilDevice(carol.userId, carol.deviceId);
  try {
    await alice.setDevicePolicy("verified");
    const eventId = await alice.sendText(roomId, "among the verified");
    const refused = await carol.untilEvent(roomId, "the message", (event) => event.cause !== undefined);
    expect(refused).toMatchObject({ eventId, cause: "withheld-unverified" });
    // The scenarios before have had these two verify each other.
    expect(await alice.userTrust(bob.userId)).toBe("verified");
    await bob.untilEvent(roomId, "the message", (event) => event.content["body"] === "among the verified");
  } finally {
    await alice.setDevicePolicy("everyone");
  }
});

test("a wait that is in vain tells what was seen; a call to a dead peer fails at once", async () => {
  const device = await cast.alice.signIn("waits");
  await expect(device.untilEvent("!nowhere", "a sign of life", () => true, 200)).rejects.toThrow(
    /\(waits\) waited 0\.2 s for a sign of life\. Seen last: \[\]/u,
  );
  await device[Symbol.asyncDispose]();
  await expect(device.identity()).rejects.toThrow(/its process ended \(SIGKILL\)/u);
});

test("a wrong password is an error, not a hanging process", async () => {
  const { userId } = cast.alice.person;
  const login = { baseUrl: sharedHomeserver().baseUrl, userId, password: "wrong", deviceName: "stranger" };
  await expect(startPeer(login)).rejects.toThrow(/403|M_FORBIDDEN/u);
});

test("what an ill-meaning sender puts into encrypted events harms no one", async () => {
  const [alice, bob] = [cast.alice.person as Peer, cast.bob.person as Peer];
  const roomId = await alice.createRoom({ invite: [bob.userId] });
  await bob.join(roomId);
  await alice.untilJoined(roomId, [alice.userId, bob.userId]);
  const sent = [
    await alice.send(roomId, "m.room.message", JSON.parse('{"__proto__":{"isAdmin":true},"body":7}')),
    await alice.send(roomId, "m.room.message", { msgtype: "m.file", body: "x", file: { url: "mxc://a/b", v: "v9" } }),
    await alice.send(roomId, "m.key.verification.start", { method: "m.sas.v1", transaction_id: "none" }),
  ];
  for (const eventId of sent) {
    await bob.untilEvent(roomId, eventId, (event) => event.eventId === eventId && event.type !== "m.room.encrypted");
  }
  await expect(bob.downloadFile(roomId, sent[1] ?? "")).rejects.toThrow();
  const last = await alice.sendText(roomId, "still there?");
  await bob.untilEvent(
    roomId,
    "the last word",
    (event) => event.eventId === last && event.content["body"] !== undefined,
  );
});
