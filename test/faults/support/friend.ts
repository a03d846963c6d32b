/**
 * Friend: the other side of the sessions that are killed: joins where he is invited, and answers each text once for
 * each event that says it. One for many sessions, in the test's own process. Invariant: he is never killed, so that what
 * he has seen twice was sent twice, and what he cannot read was not sent to him rightly.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { TimelineItem } from "../../../preload/contract/views.ts";
import { TestEngine, type TestAccount } from "../../support/engine-harness.ts";
import { answerTo } from "./session.ts";

export interface Friend extends AsyncDisposable {
  readonly engine: TestEngine;
  /** The rooms into which this user has invited him. */
  roomsWith(userId: UserId): readonly RoomId[];
}

export async function openFriend(homeserverUrl: string, account: TestAccount): Promise<Friend> {
  const engine = await TestEngine.signedIn(homeserverUrl, account);
  const inAccount = { accountId: engine.accountId };
  await engine.until("encryption", inAccount, ([view]) => view?.isDeviceVerified === true);
  const rooms = new Map<RoomId, UserId>();

  engine.client.subscribe("roomList", inAccount, (rows) => {
    for (const { roomId, membership, inviter } of rows) {
      if (membership !== "invite" || inviter === undefined || rooms.has(roomId)) continue;
      rooms.set(roomId, inviter.userId);
      void joinAndAnswer(roomId);
    }
  });

  async function joinAndAnswer(roomId: RoomId): Promise<void> {
    await engine.client.call("rooms.join", { ...inAccount, room: roomId });
    const answered = new Set<string>();
    engine.client.subscribe("timeline", engine.inRoom(roomId), (items) => {
      for (const item of items) {
        if (!isTheirs(item) || answered.has(item.key)) continue;
        answered.add(item.key);
        void engine.sendText(roomId, answerTo(item.body));
      }
    });
  }

  return {
    engine,
    roomsWith: (userId) => [...rooms].flatMap(([roomId, inviter]) => (inviter === userId ? [roomId] : [])),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

const isTheirs = (item: TimelineItem): item is Extract<TimelineItem, { kind: "message" }> =>
  item.kind === "message" && !item.isOwn;
