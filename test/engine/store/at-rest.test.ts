/**
 * The files of an account, searched byte by byte: what came encrypted, what was written here, and every secret is
 * in none of them, while they are written and after they are closed; and what was redacted or discarded in the
 * clear does not stay behind on free pages.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CallId, DeviceId, UserId } from "../../../preload/contract/ids.ts";
import {
  BOB,
  decrypted,
  eventId,
  message,
  openBench,
  OTHER_ROOM,
  pending,
  preview,
  ROOM,
  room,
  txnId,
  undecryptable,
} from "./fixtures.ts";

/** How often a text is in the files of a folder, in the encodings that a store might use. */
function hits(folder: string, text: string): string[] {
  const forms = [
    Buffer.from(text),
    Buffer.from(text, "utf16le"),
    Buffer.from(Buffer.from(text).toString("base64").slice(0, -4)),
  ];
  return readdirSync(folder).filter((name) => {
    const bytes = readFileSync(join(folder, name));
    return forms.some((form) => bytes.includes(form));
  });
}

test("canaries put through every sealed table are in no file", () => {
  const bench = openBench();
  const store = bench.open();
  const canaries = new Set<string>();
  const canary = (name: string): string => {
    const text = `canary-${name}-7f3a91`;
    canaries.add(text);
    return text;
  };
  const account = {
    userId: "@alice:example.org" as UserId,
    deviceId: "DEVICE" as DeviceId,
    homeserverUrl: "https://example.org",
  };
  const longCanary = `${canary("long-start")}${"x".repeat(20_000)}${canary("long-end")}`;

  store.write((tx) => {
    store.account.create(tx, account, { accessToken: canary("access"), refreshToken: canary("refresh") });
    store.rooms.put(tx, room(ROOM, { isEncrypted: true, preview: preview(canary("preview-put")) }));
    store.rooms.setPreview(tx, ROOM, preview(canary("preview-set")), 1);
    store.rooms.put(tx, { ...room(ROOM, { isEncrypted: false }), preview: preview(canary("preview-stale")) });
    store.events.insert(tx, ROOM, decrypted(1, canary("event"), { prevContent: { body: canary("previous") } }));
    store.events.insert(tx, ROOM, decrypted(2, longCanary));
    store.events.insert(tx, ROOM, undecryptable(3));
    store.events.setDecrypted(tx, ROOM, decrypted(3, canary("healed")));
    store.outbox.add(tx, pending("txn-aaaa", { body: canary("pending") }));
    store.outbox.add(tx, pending("txn-bbbb", { body: canary("discarded") }));
    store.calls.put(tx, {
      roomId: ROOM,
      callId: "call" as CallId,
      direction: "incoming",
      media: "voice",
      peerUserId: BOB,
      state: "ringing",
      ownPartyId: "PARTY",
      inviteEventId: undefined,
      invite: { content: { sdp: canary("invite") }, originServerTs: 1 },
      startedAtMs: 1,
      connectedAtMs: undefined,
      endedAtMs: undefined,
      endReason: undefined,
    });
    store.drafts.put(tx, ROOM, canary("draft"));
    store.settings.put(tx, "setting", { value: canary("setting") });
    // Not sealed, so that the search is known to find what is there.
    store.events.insert(tx, OTHER_ROOM, message(1, "control-clear-7f3a91"));
  });
  store.write((tx) => {
    store.account.saveTokens(tx, { accessToken: canary("access-2") });
    store.drafts.put(tx, ROOM, canary("draft-2"));
    store.outbox.settle(tx, txnId("txn-bbbb"));
    store.events.setShield(tx, ROOM, eventId("event-1"), "unknown-device");
  });

  const search = () => [...canaries].flatMap((text) => hits(bench.folder, text).map((file) => `${text} in ${file}`));
  expect(existsSync(`${bench.path}-wal`)).toBe(true);
  expect(hits(bench.folder, "control-clear-7f3a91")).toContain("account.db-wal");
  expect(search()).toEqual([]);
  bench.close(store);
  expect(hits(bench.folder, "control-clear-7f3a91")).toEqual(["account.db"]);
  expect(search()).toEqual([]);
  expect(canaries.size).toBeGreaterThanOrEqual(16);
});

test("what was redacted, replaced or discarded in the clear does not stay on free pages", () => {
  const bench = openBench();
  const store = bench.open();
  // Short ones share a page, long ones fill pages of their own; every third is redacted later.
  const bodyOf = (position: number) => `clear-${position}-`.repeat(position % 2 === 0 ? 3 : 1_500);
  store.write((tx) => {
    store.rooms.put(tx, room(ROOM, { preview: preview("clear-preview-") }));
    for (let position = 1; position <= 120; position += 1)
      store.events.insert(tx, ROOM, message(position, bodyOf(position)));
  });
  store.write((tx) => {
    store.rooms.setPreview(tx, ROOM, preview("something else"), 1);
    for (let position = 3; position <= 120; position += 3)
      store.events.redact(tx, ROOM, eventId(`event-${position}`), {});
  });
  bench.close(store);
  const bytes = readFileSync(bench.path);
  const left = Array.from({ length: 120 }, (_, index) => index + 1).filter((at) => bytes.includes(`clear-${at}-`));
  expect(left).toEqual(Array.from({ length: 120 }, (_, index) => index + 1).filter((at) => at % 3 !== 0));
  expect(bytes.includes("clear-preview-")).toBe(false);
});
