/**
 * Table account: the one row of this account, with its sealed tokens and its place in the sync stream.
 * Used by session and sync. Invariant: next_batch moves only inside the transaction that stores what it implies.
 */
import type { AccountState } from "../../../../preload/contract/views.ts";
import type { DeviceId, MxcUri, UserId } from "../../../../preload/contract/ids.ts";
import type { Db, WriteTx } from "../driver.ts";
import { seal, unseal } from "../seal.ts";

export type StoredTokens = { accessToken: string; refreshToken?: string; expiresAtMs?: number };

/** As the first version sealed them; a database has one such row. */
const TOKEN_CONTEXT = "";

export type AccountRecord = {
  userId: UserId;
  deviceId: DeviceId;
  homeserverUrl: string;
  displayName: string | undefined;
  avatarMxc: MxcUri | undefined;
  state: AccountState;
  nextBatch: string | undefined;
};

export function openAccountTable(db: Db, profileKey: Uint8Array) {
  const select = db.prepare(
    "SELECT user_id, device_id, homeserver_url, display_name, avatar_mxc, state, next_batch FROM account WHERE one = 1",
  );
  const insert = db.prepare(
    "INSERT INTO account (one, user_id, device_id, homeserver_url, state, tokens_sealed) VALUES (1, ?, ?, ?, 'signed-in', ?)",
  );
  const selectTokens = db.prepare("SELECT tokens_sealed FROM account WHERE one = 1");
  const updateTokens = db.prepare("UPDATE account SET tokens_sealed = ? WHERE one = 1");
  const updateState = db.prepare("UPDATE account SET state = ? WHERE one = 1");
  const updateProfile = db.prepare("UPDATE account SET display_name = ?, avatar_mxc = ? WHERE one = 1");
  const updateNextBatch = db.prepare("UPDATE account SET next_batch = ? WHERE one = 1");

  return {
    read(): AccountRecord | undefined {
      const row = select.get();
      if (!row) return undefined;
      return {
        userId: row["user_id"] as UserId,
        deviceId: row["device_id"] as DeviceId,
        homeserverUrl: row["homeserver_url"] as string,
        displayName: (row["display_name"] as string | null) ?? undefined,
        avatarMxc: (row["avatar_mxc"] as MxcUri | null) ?? undefined,
        state: row["state"] as AccountState,
        nextBatch: (row["next_batch"] as string | null) ?? undefined,
      };
    },
    create(
      tx: WriteTx,
      account: { userId: UserId; deviceId: DeviceId; homeserverUrl: string },
      tokens: StoredTokens,
    ): void {
      insert.run(
        tx,
        account.userId,
        account.deviceId,
        account.homeserverUrl,
        seal(profileKey, JSON.stringify(tokens), TOKEN_CONTEXT),
      );
    },
    /** Undefined where there are none, or where the profile key does not fit them. */
    readTokens(): StoredTokens | undefined {
      const sealed = selectTokens.get()?.["tokens_sealed"];
      if (!(sealed instanceof Uint8Array)) return undefined;
      const text = unseal(profileKey, sealed, TOKEN_CONTEXT);
      return text === undefined ? undefined : (JSON.parse(text) as StoredTokens);
    },
    /**
     * There are tokens, and the profile key does not open them. Another key may: until it is there, nothing of this
     * account must be written, let alone given up.
     */
    isLocked(): boolean {
      const sealed = selectTokens.get()?.["tokens_sealed"];
      return sealed instanceof Uint8Array && unseal(profileKey, sealed, TOKEN_CONTEXT) === undefined;
    },
    saveTokens(tx: WriteTx, tokens: StoredTokens | undefined): void {
      updateTokens.run(tx, tokens ? seal(profileKey, JSON.stringify(tokens), TOKEN_CONTEXT) : null);
    },
    setState(tx: WriteTx, state: AccountState): void {
      updateState.run(tx, state);
    },
    setProfile(tx: WriteTx, displayName: string | undefined, avatarMxc: MxcUri | undefined): void {
      updateProfile.run(tx, displayName ?? null, avatarMxc ?? null);
    },
    setNextBatch(tx: WriteTx, nextBatch: string): void {
      updateNextBatch.run(tx, nextBatch);
    },
  };
}
export type AccountTable = ReturnType<typeof openAccountTable>;
