/**
 * What the tests of the store share: a folder with one database, opened and closed as often as a test likes, and
 * records with little in them.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";
import type { DeviceId, EventId, RoomId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import type { EventEncryption } from "../../../main/engine/matrix/events.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import { openAccountStore, type AccountStore } from "../../../main/engine/store/account-store.ts";
import type { EventRecord } from "../../../main/engine/store/tables/event.ts";
import type { RoomRecord } from "../../../main/engine/store/tables/room.ts";

export const ROOM = "!room:example.org" as RoomId;
export const OTHER_ROOM = "!other:example.org" as RoomId;
export const BOB = "@bob:example.org" as UserId;
export const eventId = (name: string | number) => `$${name}` as EventId;
export const txnId = (name: string) => name as TxnId;

/** A database in a folder of its own, which goes with the test. */
export function openBench(profileKey: Uint8Array = randomBytes(32)) {
  const folder = mkdtempSync(join(tmpdir(), "lattice-store-"));
  const path = join(folder, "account.db");
  const opened = new Set<AccountStore>();
  onTestFinished(() => {
    for (const store of opened) store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const close = (store: AccountStore): void => {
    if (opened.delete(store)) store.close();
  };
  return {
    folder,
    path,
    profileKey,
    close,
    open(key: Uint8Array = profileKey): AccountStore {
      const store = openAccountStore(path, key);
      opened.add(store);
      return store;
    },
    /** Does what no store would: changes the file with plain SQL, while no store has it open. */
    tamper(sql: string, ...parameters: (string | number | null | Uint8Array)[]): void {
      const raw = new DatabaseSync(path);
      raw.prepare(sql).run(...parameters);
      raw.close();
    },
    row(sql: string, ...parameters: (string | number)[]): Record<string, unknown> | undefined {
      const raw = new DatabaseSync(path);
      try {
        return raw.prepare(sql).get(...parameters);
      } finally {
        raw.close();
      }
    },
  };
}

export const room = (roomId: RoomId, more: Partial<RoomRecord> = {}): RoomRecord => ({
  roomId,
  membership: "join",
  name: "Room",
  avatarMxc: undefined,
  topic: "",
  isDirect: false,
  directUserId: undefined,
  isEncrypted: false,
  isPublic: false,
  joinedCount: 2,
  invitedCount: 0,
  heroes: [],
  hasAllMembers: false,
  isFavourite: false,
  isLowPriority: false,
  isMuted: false,
  inviterUserId: undefined,
  preview: undefined,
  activityTs: undefined,
  notificationCount: 0,
  highlightCount: 0,
  ...more,
});

export const preview = (text: string): NonNullable<RoomRecord["preview"]> => ({
  kind: "text",
  text,
  isOwn: false,
  senderName: "Bob",
});

/** A message at a place of chunk 1, in the clear. */
export const message = (position: number, body: string, more: Partial<EventRecord> = {}): EventRecord => ({
  chunk: 1,
  position,
  eventId: eventId(`event-${position}`),
  type: "m.room.message",
  stateKey: undefined,
  sender: BOB,
  originServerTs: 1_000 + position,
  content: { msgtype: "m.text", body },
  prevContent: undefined,
  txnId: undefined,
  isRedacted: false,
  isShown: true,
  relation: undefined,
  relatedId: undefined,
  push: 0,
  encryption: undefined,
  ...more,
});

export const encryption = (position: number, more: Partial<EventEncryption> = {}): EventEncryption => ({
  wireContent: { algorithm: "m.megolm.v1.aes-sha2", ciphertext: `ciphertext ${position}`, session_id: "session" },
  sessionId: "session",
  messageIndex: position,
  senderDeviceId: "BOBDEVICE" as DeviceId,
  membershipThen: "join",
  shield: undefined,
  cause: undefined,
  ...more,
});

/** As `message`, after decryption. */
export const decrypted = (position: number, body: string, more: Partial<EventRecord> = {}): EventRecord =>
  message(position, body, { encryption: encryption(position), ...more });

/** An event that waits for its key: type and content as they came. */
export function undecryptable(position: number, more: Partial<EventEncryption> = {}): EventRecord {
  const known = encryption(position, { cause: "missing-key", ...more });
  return message(position, "", { type: "m.room.encrypted", content: known.wireContent, encryption: known });
}

export const pending = (name: string, content: JsonObject = { body: name }) => ({
  txnId: txnId(name),
  roomId: ROOM,
  type: "m.room.message",
  content,
  createdAtMs: 1,
});
