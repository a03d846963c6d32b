/**
 * The call log on disk, in a real database: what is written is read back whole, and only calls that live are
 * found again after a restart.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CallId, EventId } from "../../../preload/contract/ids.ts";
import { openAccountStore } from "../../../main/engine/store/account-store.ts";
import type { CallRow } from "../../../main/engine/store/tables/call.ts";
import { BOB, CALL, ROOM, inviteContent } from "./fixtures.ts";

const ringing: CallRow = {
  roomId: ROOM,
  callId: CALL,
  direction: "incoming",
  media: "video",
  peerUserId: BOB,
  state: "ringing",
  ownPartyId: "PARTY",
  inviteEventId: "$invite" as EventId,
  invite: { content: inviteContent(), originServerTs: 5 },
  startedAtMs: 1_000,
  connectedAtMs: undefined,
  endedAtMs: undefined,
  endReason: undefined,
};

test("calls are written, replaced, and found again while they live", () => {
  const folder = mkdtempSync(join(tmpdir(), "lattice-calls-"));
  const store = openAccountStore(join(folder, "account.db"), new Uint8Array(32));
  try {
    store.write((tx) => {
      store.calls.put(tx, ringing);
      store.calls.put(tx, {
        ...ringing,
        callId: "other" as CallId,
        state: "ended",
        invite: undefined,
        inviteEventId: undefined,
      });
    });
    expect(store.calls.readLive()).toEqual([ringing]);
    const ended: CallRow = {
      ...ringing,
      state: "ended",
      invite: undefined,
      connectedAtMs: 2_000,
      endedAtMs: 3_000,
      endReason: "user-hangup",
    };
    store.write((tx) => store.calls.put(tx, ended));
    expect(store.calls.readLive()).toEqual([]);
    expect(store.calls.read(ROOM, CALL)).toEqual(ended);
    expect(store.calls.read(ROOM, "none" as CallId)).toBeUndefined();
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
