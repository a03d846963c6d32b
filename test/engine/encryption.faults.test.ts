/**
 * What takes long: a hundred recipients, a thousand room keys under kills, and engines that are killed again and again
 * while they talk. Run by `npm run test:faults`. Each prints its figure.
 */
import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import type { RoomId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { bodies } from "../support/engine-harness.ts";
import { RawDevice } from "../support/raw-device.ts";
import { Seat } from "../support/seat.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

const READ_PATIENCE_MS = 60_000;
const OWN_PROCESS = { isOwnProcess: true };

const figure = (text: string): void => void process.stdout.write(`figure: ${text}\n`);

/** The texts of a room from its start, once there are so many. */
async function textsFromStart(seat: Seat, roomId: RoomId, count: number): Promise<string[]> {
  const args = seat.engine.inRoom(roomId);
  let items: readonly TimelineItem[] = [];
  // The window that is made larger is that of this subscription.
  const stop = seat.engine.client.subscribe("timeline", args, (all) => {
    items = all;
  });
  try {
    const deadlineMs = performance.now() + READ_PATIENCE_MS;
    while (bodies(items).length < count && performance.now() < deadlineMs) {
      await seat.engine.client.call("timeline.paginate", args);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return bodies(items);
  } finally {
    stop();
  }
}

test("a room key for 120 devices goes out in one request", async () => {
  const deviceCount = 120;
  await using alice = await Seat.open("alice");
  const account = await newUser("bob");
  const devices: string[] = [];
  for (let count = 0; count < deviceCount; count += 1) {
    const { access_token: accessToken, device_id: deviceId } = await alice.bare.call<{
      access_token: string;
      device_id: string;
    }>("POST", "/login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: account.userId },
      password: account.password,
    });
    const device = await RawDevice.start(sharedHomeserver().baseUrl, { ...account, accessToken, deviceId });
    device.olm.close();
    devices.push(device.deviceId);
    if (count > 0) continue;
    await alice.engine.client.call("encryption.setSendsToSignedDevicesOnly", { ...alice.inAccount, isOn: false });
  }
  const roomId = await alice.roomWith();
  await alice.engine.client.call("rooms.invite", { ...alice.engine.inRoom(roomId), userId: account.userId as never });
  await alice.engine.until("room", alice.engine.inRoom(roomId), ([room]) => room?.invitedCount === 1);
  await alice.knowsDevice(account.userId as never, devices.at(-1) ?? "");
  const from = alice.proxy.requests.length;
  await alice.send(roomId, "to all of you");
  const requests = alice.requests(/\/sendToDevice\/m\.room\.encrypted\//u, from);
  expect(alice.sentTo("m.room.encrypted", from).toSorted()).toEqual(
    devices.map((deviceId) => `${account.userId} ${deviceId}`).toSorted(),
  );
  expect(requests).toHaveLength(1);
  figure(`room key for ${deviceCount} devices: ${requests.length} request`);
});

test("a thousand room keys in ten responses, killed at each of them: none is lost", { timeout: 600_000 }, async () => {
  const keyCount = 1_000;
  await using bob = await Seat.open("bob", OWN_PROCESS);
  const mallory = await RawDevice.start(sharedHomeserver().baseUrl, await newUser("mallory"));
  const roomId = (await mallory.bare.createRoom({
    preset: "private_chat",
    invite: [bob.userId],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  })) as RoomId;
  await bob.join(roomId);
  await bob.encryption((view) => view.isDeviceVerified);
  await bob.engine.kill();
  const eventIds: string[] = [];
  for (let count = 0; count < keyCount; count += 1) {
    await mallory.newKey(roomId, [bob.userId]);
    eventIds.push(
      await mallory.sendEncrypted(roomId, "m.room.message", JSON.stringify({ msgtype: "m.text", body: `${count}` })),
    );
  }
  let kills = 0;
  const delivered = { responses: 0 };
  while (delivered.responses < keyCount / 100) {
    const killed = Promise.withResolvers<void>();
    const fault = bob.proxy.add({
      path: /\/sync/u,
      response: {
        rewrite: (body) => {
          const { events = [] } = (body as { to_device?: { events?: unknown[] } }).to_device ?? {};
          delivered.responses += events.length > 0 ? 1 : 0;
          // Somewhere between taking the keys, storing them, and storing the token.
          setTimeout(() => void bob.engine.kill().then(killed.resolve, killed.reject), randomInt(60));
          return body;
        },
      },
    });
    await bob.engine.reopen();
    await killed.promise;
    kills += 1;
    fault();
    if (kills > 200) throw new Error(`${delivered.responses} responses with keys after ${kills} kills`);
  }
  await bob.engine.reopen();
  await bob.engine.until("syncState", bob.inAccount, ([sync]) => sync?.state === "live");
  const texts = await textsFromStart(bob, roomId, keyCount);
  expect(texts).toEqual(eventIds.map((_, count) => `${count}`));
  const { undecryptableCount } = await bob.encryption((view) => view.state === "ready");
  expect(undecryptableCount).toBe(0);
  figure(`room keys ${keyCount}, kills ${kills}: undecryptable ${undecryptableCount}`);
});

test("two who talk while they are killed at any moment: all is read, in order, each once", async () => {
  const cycles = 20;
  await using alice = await Seat.open("alice", OWN_PROCESS);
  await using bob = await Seat.open("bob", OWN_PROCESS);
  // A new key for every second message, so that there is always one on its way.
  const roomId = await alice.bareRoom(
    [bob],
    [{ type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 2 } }],
  );
  const said = new Map<Seat, string[]>([
    [alice, []],
    [bob, []],
  ]);
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    for (const seat of [alice, bob]) {
      for (let count = 0; count < 3; count += 1) {
        const text = `${cycle}.${count} of ${seat.account.localpart}`;
        await seat.engine.sendText(roomId, text);
        said.get(seat)?.push(text);
      }
    }
    const victim = cycle % 2 === 0 ? alice : bob;
    await new Promise((resolve) => setTimeout(resolve, randomInt(300)));
    await victim.engine.kill();
    await victim.engine.reopen();
  }
  const total = [...said.values()].flat().length;
  for (const reader of [alice, bob]) {
    await reader.engine.until("syncState", reader.inAccount, ([sync]) => sync?.state === "live");
    await reader.engine.until(
      "timeline",
      reader.engine.inRoom(roomId),
      (all) => all.every((item) => item.kind !== "message" || !item.isOwn || item.send?.state === "sent"),
      60_000,
    );
  }
  for (const reader of [alice, bob]) {
    const seen = await textsFromStart(reader, roomId, total);
    expect(seen).toHaveLength(total);
    for (const [writer, texts] of said) {
      expect(seen.filter((text) => text.endsWith(writer.account.localpart))).toEqual(texts);
    }
  }
  figure(`kills ${cycles} between ${total} messages: lost 0, duplicated 0, undecryptable 0`);
});
