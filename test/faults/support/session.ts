/**
 * runSession: what a new user does first, as a script over the contract: sign in, get an identity, open a direct room,
 * write and be answered, set up recovery. Run by session-child.ts under strace, and once more by the test itself, on the
 * folder that a kill left behind. Invariant: each step looks for what it is to make before it makes it, as a user would,
 * so that a session that was killed anywhere is brought to its end by running it again.
 */
import type { AccountId, DeviceId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import { bodies, type TestEngine } from "../../support/engine-harness.ts";

export type SessionPlan = {
  homeserverUrl: string;
  userId: string;
  password: string;
  friendId: UserId;
  /** What is written into the room, in this order; the friend answers each, see `answerTo`. */
  texts: readonly string[];
};

/** What the user has been told is so: from then on no kill may undo it. */
export type SessionNote =
  | { note: "account"; accountId: AccountId; deviceId: DeviceId }
  | { note: "room"; roomId: RoomId }
  | { note: "typed"; text: string }
  | { note: "read"; text: string }
  | { note: "recovery"; recoveryKey: string }
  | { note: "done" };

/** How the friend answers a text. */
export const answerTo = (text: string): string => `re: ${text}`;

/** How long each step may take: under strace, on a busy machine. */
const PATIENCE_MS = 60_000;

export async function runSession(
  engine: TestEngine,
  plan: SessionPlan,
  tell: (note: SessionNote) => void,
): Promise<RoomId> {
  await signIn(engine, plan, tell);
  const inAccount = { accountId: engine.accountId };
  await engine.until("encryption", inAccount, ([view]) => view?.isDeviceVerified === true, PATIENCE_MS);

  const { roomId } = await engine.client.call("rooms.createDirect", { ...inAccount, userId: plan.friendId });
  tell({ note: "room", roomId });

  const inRoom = engine.inRoom(roomId);
  const isThere = bodies(await engine.until("timeline", inRoom, (items) => items.length > 0, PATIENCE_MS));
  for (const text of plan.texts) {
    if (isThere.includes(text)) continue;
    await engine.sendText(roomId, text);
    tell({ note: "typed", text });
  }
  for (const answer of plan.texts.map(answerTo)) {
    await engine.until("timeline", inRoom, (items) => bodies(items).includes(answer), PATIENCE_MS);
    tell({ note: "read", text: answer });
  }

  const [view] = await engine.until("encryption", inAccount, isLookedUp, PATIENCE_MS);
  if (!view?.hasRecovery) {
    const { recoveryKey } = await engine.client.call("encryption.makeRecoveryKey", inAccount);
    await engine.client.call("encryption.setUpRecovery", { ...inAccount, recoveryKey, password: plan.password });
    tell({ note: "recovery", recoveryKey });
  }
  await engine.until(
    "encryption",
    inAccount,
    ([now]) => now?.backup.state === "active" && now.hasRecovery && now.backup.backedUpCount === now.backup.keyCount,
    PATIENCE_MS,
  );
  tell({ note: "done" });
  return roomId;
}

async function signIn(engine: TestEngine, plan: SessionPlan, tell: (note: SessionNote) => void): Promise<void> {
  const [known] = await engine.until("accounts", {}, () => true);
  if (!known) {
    const { homeserverUrl, userId: user, password } = plan;
    await engine.client.call("accounts.signIn", { homeserverUrl, user, password });
  }
  const [account] = await engine.until("accounts", {}, (rows) => rows.length === 1);
  if (!account) throw new Error("there is no account after signing in");
  engine.accountId = account.accountId;
  engine.userId = account.userId;
  tell({ note: "account", accountId: account.accountId, deviceId: account.deviceId });
  const inAccount = { accountId: account.accountId };
  await engine.until("syncState", inAccount, ([sync]) => sync?.state === "live", PATIENCE_MS);
}

/** Whether it is known what there is of recovery: before, everything looks missing. */
const isLookedUp = ([view]: readonly { backup: { state: string } }[]): boolean =>
  view !== undefined && view.backup.state !== "unknown";
