/**
 * EngineCore: all accounts of one data folder. Opened by the entries; served over ports by engine/port.
 *   dataDir/engine.lock          held while the engine lives
 *   dataDir/accounts/<id>/       account.db, media/
 * Invariant: one engine for a folder; an account's folder is complete or is not there.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { accountIdSchema, type AccountId } from "../../../preload/contract/ids.ts";
import type { AccountRow, Badge, NotificationItem } from "../../../preload/contract/views.ts";
import { EngineError } from "../base/errors.ts";
import { systemClock, type Clock } from "../base/clock.ts";
import { Logger, silentSink, type LogSink } from "../base/logger.ts";
import { discoverHomeserver } from "../net/discovery.ts";
import { login } from "../net/homeserver-client.ts";
import { openAccountStore } from "../store/account-store.ts";
import { ChangeSet } from "../sync/change-set.ts";
import { openAccountSession, type AccountSession } from "./account-session.ts";
import { openAttention } from "./attention.ts";
import { lockProfile } from "../store/profile-lock.ts";

export type EngineOptions = {
  /** Everything the engine keeps lives here; made where it is missing, for this user only. */
  dataDir: string;
  /**
   * 32 bytes that seal at rest what is secret. The caller keeps them: with another key the accounts stay locked
   * (`profile-locked`), and nothing of them is touched.
   */
  profileKey: Uint8Array;
  fetch?: typeof fetch;
  clock?: Clock;
  logSink?: LogSink;
};

type Options = { signal: AbortSignal };

export async function openEngineCore(options: EngineOptions) {
  if (options.profileKey.length !== 32) throw new EngineError("invalid-request", "The profile key must have 32 bytes.");
  const clock = options.clock ?? systemClock;
  const fetcher = options.fetch ?? globalThis.fetch;
  const log = new Logger(options.logSink ?? silentSink);
  const accountsDir = join(options.dataDir, "accounts");
  await mkdir(accountsDir, { recursive: true, mode: 0o700 });
  const unlock = lockProfile(join(options.dataDir, "engine.lock"));

  const attention = openAttention();
  const sessions = new Map<AccountId, AccountSession>();
  const listeners = new Set<(accountId: AccountId, changes: ChangeSet) => void>();
  const publish = (accountId: AccountId, changes: ChangeSet) => {
    for (const listener of listeners) listener(accountId, changes);
  };

  const folderOf = (accountId: AccountId) => join(accountsDir, accountId);

  function openSession(accountId: AccountId, store: ReturnType<typeof openAccountStore>): AccountSession {
    const opened = openAccountSession({
      accountId,
      folder: folderOf(accountId),
      profileKey: options.profileKey,
      store,
      fetch: fetcher,
      clock,
      log,
      attention,
      publish,
    });
    sessions.set(accountId, opened);
    return opened;
  }

  async function openStored(): Promise<void> {
    let lockedCount = 0;
    for (const name of (await readdir(accountsDir)).toSorted()) {
      const accountId = v.safeParse(accountIdSchema, name);
      if (!accountId.success) continue;
      const path = join(folderOf(accountId.output), "account.db");
      const isThere = await stat(path).then(
        () => true,
        () => false,
      );
      if (!isThere) continue;
      const store = openAccountStore(path, options.profileKey);
      const record = store.account.read();
      if (!record) {
        // A sign-in that did not come to its end.
        store.close();
        await rm(folderOf(accountId.output), { recursive: true, force: true });
        continue;
      }
      if (store.account.isLocked()) {
        // Another key may open it: until then nothing of it is written, let alone given up.
        store.close();
        lockedCount += 1;
        log.error("the profile key does not open this account", undefined, { account: name.slice(0, 4) });
        continue;
      }
      if (record.state === "signed-in" && !store.account.readTokens()) {
        store.write((tx) => store.account.setState(tx, "soft-logged-out"), { isDurable: true });
      }
      openSession(accountId.output, store).start();
    }
    if (lockedCount > 0 && sessions.size === 0) {
      throw new EngineError(
        "profile-locked",
        "The key of this profile does not open its accounts. Unlock the keyring, or bring back the profile's key file. Nothing was deleted.",
      );
    }
  }

  function session(accountId: AccountId): AccountSession {
    const found = sessions.get(accountId);
    if (!found) throw new EngineError("not-found", "This account is not signed in here.");
    return found;
  }

  const withDeps = (signal: AbortSignal) => ({ fetch: fetcher, clock, signal });

  async function signIn(
    args: { homeserverUrl: string; user: string; password: string; deviceName?: string | undefined },
    { signal }: Options,
  ): Promise<AccountId> {
    const signedIn = await login({ ...args, deviceName: args.deviceName ?? "Lattice", ...withDeps(signal) });
    const tokens = tokensOf(signedIn, clock);
    const known = [...sessions.values()].find((each) => each.ownUserId === signedIn.userId);
    if (known) await remove(known);
    const accountId = v.parse(accountIdSchema, randomBytes(8).toString("hex"));
    await mkdir(folderOf(accountId), { recursive: true, mode: 0o700 });
    const store = openAccountStore(join(folderOf(accountId), "account.db"), options.profileKey);
    store.write((tx) => store.account.create(tx, signedIn, tokens), { isDurable: true });
    openSession(accountId, store).start(args.password);
    publish(accountId, new ChangeSet().markAccount());
    return accountId;
  }

  /** The same device again, with all that is stored. spec: client-server, "Soft logout". */
  async function signInAgain(accountId: AccountId, password: string, { signal }: Options): Promise<void> {
    const found = session(accountId);
    const { userId, deviceId, homeserverUrl } = found.row();
    const signedIn = await login({
      homeserverUrl,
      user: userId,
      password,
      deviceId,
      deviceName: "Lattice",
      ...withDeps(signal),
    });
    found.resume(tokensOf(signedIn, clock));
  }

  async function signOut(accountId: AccountId): Promise<void> {
    const found = session(accountId);
    // The server is told where it can be reached; what is here goes in any case.
    await found.client.logout({ signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    await remove(found);
  }

  async function remove(found: AccountSession): Promise<void> {
    sessions.delete(found.accountId);
    await found.close();
    await rm(folderOf(found.accountId), { recursive: true, force: true });
    publish(found.accountId, new ChangeSet().markAccount().markNotifications());
  }

  try {
    await openStored();
  } catch (error) {
    await Promise.allSettled([...sessions.values()].map((each) => each.close()));
    unlock();
    throw error;
  }

  return {
    session,
    attention,
    discover: (address: string, { signal }: Options) => discoverHomeserver(address, withDeps(signal)),
    signIn,
    signInAgain,
    signOut,
    accountRows: (): AccountRow[] => [...sessions.values()].map((each) => each.row()),
    notificationItems: (): NotificationItem[] =>
      [...sessions.values()].flatMap((each) => [...each.notifications.read(), ...ringing(each)]),
    badge(): Badge {
      const badge: Badge = {
        key: "badge",
        unreadRoomCount: 0,
        notificationCount: 0,
        highlightCount: 0,
        inviteCount: 0,
        missedCallCount: 0,
      };
      for (const each of sessions.values()) {
        const counts = each.store.rooms.countUnread();
        badge.unreadRoomCount += counts.unreadRoomCount;
        badge.notificationCount += counts.notificationCount;
        badge.highlightCount += counts.highlightCount;
        badge.inviteCount += counts.inviteCount;
        badge.missedCallCount += each.callLog.countNew();
      }
      return badge;
    },
    onPublish(listener: (accountId: AccountId, changes: ChangeSet) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    log,
    async close(): Promise<void> {
      await Promise.allSettled([...sessions.values()].map((each) => each.close()));
      sessions.clear();
      unlock();
    },
  };
}
export type EngineCore = Awaited<ReturnType<typeof openEngineCore>>;

function tokensOf(
  signedIn: { accessToken: string; refreshToken?: string | undefined; expiresInMs?: number | undefined },
  clock: Clock,
) {
  return {
    accessToken: signedIn.accessToken,
    ...(signedIn.refreshToken !== undefined && { refreshToken: signedIn.refreshToken }),
    ...(signedIn.expiresInMs !== undefined && { expiresAtMs: clock.now() + signedIn.expiresInMs }),
  };
}

/** Calls that ring here, as notifications: the window may be hidden. */
function ringing(session: AccountSession): NotificationItem[] {
  return session.calls
    .views(0)
    .filter((call) => call.state === "ringing")
    .map((call) => ({
      key: `call ${session.accountId} ${call.callId}`,
      accountId: session.accountId,
      roomId: call.roomId,
      callId: call.callId,
      kind: "call" as const,
      title: call.peer.displayName,
      body: call.media === "video" ? "Video call" : "Voice call",
      isHighlight: true,
      ...(call.isAudible && { sound: "ring" }),
      shownAtMs: call.startedAtMs,
    }));
}
