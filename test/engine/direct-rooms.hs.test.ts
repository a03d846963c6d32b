/** That a direct room is one, and one only, whatever happens between its making and the mark on the server. */
import { expect, test } from "vitest";
import type { RoomId, UserId } from "../../preload/contract/ids.ts";
import type { RoomRow } from "../../preload/contract/views.ts";
import { Seat } from "../support/seat.ts";

const CREATE = { method: "POST", path: /\/createRoom$/u };
const MARK = { method: "PUT", path: /\/account_data\/m\.direct$/u };

const createDirect = async (seat: Seat, userId: UserId): Promise<RoomId> =>
  (await seat.engine.client.call("rooms.createDirect", { ...seat.inAccount, userId })).roomId;

const untilListed = (seat: Seat, fits: (row: RoomRow) => boolean): Promise<readonly RoomRow[]> =>
  seat.engine.until("roomList", seat.inAccount, (rows) => rows.some(fits));

const markPath = (seat: Seat): string => `/user/${seat.userId}/account_data/m.direct`;

const untilMarked = async (seat: Seat, direct: Record<string, readonly string[]>): Promise<void> => {
  const read = () => seat.bare.call("GET", markPath(seat)).catch(() => ({}));
  await expect.poll(read, { timeout: 10_000 }).toEqual(direct);
};

test("a room whose making was never answered is found by whoever asks again", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  alice.proxy.add({ ...CREATE, times: 1, response: "drop-response" });
  await expect(createDirect(alice, bob.userId)).rejects.toMatchObject({ code: "offline" });
  const [row] = await untilListed(alice, ({ isDirect }) => isDirect);
  expect(await createDirect(alice, bob.userId)).toBe(row?.roomId);
  await untilMarked(alice, { [bob.userId]: [String(row?.roomId)] });
  expect(alice.requests(CREATE.path)).toHaveLength(1);
});

test("a room that could not be marked stays direct here, and is marked by the next engine", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const fault = alice.proxy.add({ ...MARK, response: { status: 502 } });
  const roomId = await createDirect(alice, bob.userId);
  await fault.matched();
  await untilListed(alice, (row) => row.roomId === roomId && row.isDirect);
  await alice.engine.close();
  fault();
  // Meanwhile another client wrote of other rooms, and of what we do not understand.
  const others = { "@carol:example.org": ["!carol:example.org"], "dave@example.org": ["!dave:example.org"] };
  await alice.bare.call("PUT", markPath(alice), others);
  await alice.engine.reopen();
  await untilMarked(alice, { ...others, [bob.userId]: [roomId] });
  await untilListed(alice, (row) => row.roomId === roomId && row.isDirect);
  expect(await createDirect(alice, bob.userId)).toBe(roomId);
});

test("whoever joins a direct room has it as one, on the server too", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await createDirect(alice, bob.userId);
  await bob.join(roomId);
  await untilListed(bob, (row) => row.roomId === roomId && row.isDirect && row.membership === "join");
  await untilMarked(bob, { [alice.userId]: [roomId] });
  expect(await createDirect(bob, alice.userId)).toBe(roomId);
});
