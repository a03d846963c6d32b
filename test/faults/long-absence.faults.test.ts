/**
 * Someone comes back after more was said than one response brings: what was missed lies in a gap, which is filled from
 * its newer end as far as the window reaches, and further as the window grows; the start is reached behind it only.
 */
import { expect, test, vi } from "vitest";
import type { RoomId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { BareClient } from "../support/bare-client.ts";
import { bodies, TestEngine } from "../support/engine-harness.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

const MISSED = 150;

test("after a long absence all that was missed is there, and nothing twice", async () => {
  const { baseUrl } = sharedHomeserver();
  const speaker = new BareClient(baseUrl, await newUser("speaker"));
  await using bob = await TestEngine.signedIn(baseUrl, await newUser("bob"));
  const roomId = (await speaker.createRoom({ preset: "private_chat", invite: [bob.userId] })) as RoomId;
  const inAccount = { accountId: bob.accountId };
  await bob.until("roomList", inAccount, (rows) => rows.some((row) => row.roomId === roomId));
  await bob.client.call("rooms.join", { ...inAccount, room: roomId });
  await bob.close();
  for (let sent = 0; sent < MISSED; sent += 25) {
    const some = Array.from({ length: 25 }, (_, index) => ({ msgtype: "m.text", body: `${sent + index}` }));
    await Promise.all(some.map((content) => speaker.send(roomId, "m.room.message", content)));
  }
  await bob.reopen();
  await bob.until("syncState", inAccount, ([sync]) => sync?.state === "live");
  let items: readonly TimelineItem[] = [];
  // Open all the while: the window is that of whoever looks.
  const stop = bob.client.subscribe("timeline", bob.inRoom(roomId), (all) => (items = all));
  let pages = 0;
  for (let isAtStart = false; !isAtStart; pages += 1) {
    expect(pages).toBeLessThan(MISSED / 20);
    isAtStart = (await bob.client.call("timeline.paginate", bob.inRoom(roomId))).hasReachedStart;
  }
  expect(pages).toBeGreaterThan(1);
  await vi.waitUntil(() => items[0]?.kind === "start");
  stop();
  expect(items.filter(({ kind }) => kind === "gap")).toEqual([]);
  expect(bodies(items).toSorted()).toEqual(Array.from({ length: MISSED }, (_, index) => `${index}`).toSorted());
});
