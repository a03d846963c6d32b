/**
 * AccountStore: the open database of one account with all its tables. Opened by session.
 * Invariant: the schema is the newest, or the store did not open.
 */
import { Db, type WriteTx } from "./driver.ts";
import { migrate } from "./migrate.ts";
import { openAccountDataTable } from "./tables/account-data.ts";
import { openAccountTable } from "./tables/account.ts";
import { openCallTable } from "./tables/call.ts";
import { openDraftTable } from "./tables/draft.ts";
import { openEventTable } from "./tables/event.ts";
import { openMemberTable } from "./tables/member.ts";
import { openOutboxTable } from "./tables/outbox.ts";
import { openReceiptTable } from "./tables/receipt.ts";
import { openRoomTable } from "./tables/room.ts";
import { openSettingTable } from "./tables/setting.ts";
import { openStateEventTable } from "./tables/state-event.ts";

export function openAccountStore(path: string, profileKey: Uint8Array) {
  const db = Db.open(path);
  try {
    migrate(db);
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    write: <T>(work: (tx: WriteTx) => T, options?: { isDurable?: boolean }): T => db.write(work, options),
    account: openAccountTable(db, profileKey),
    accountData: openAccountDataTable(db),
    rooms: openRoomTable(db, profileKey),
    state: openStateEventTable(db),
    members: openMemberTable(db),
    events: openEventTable(db, profileKey),
    receipts: openReceiptTable(db),
    outbox: openOutboxTable(db, profileKey),
    calls: openCallTable(db, profileKey),
    drafts: openDraftTable(db, profileKey),
    settings: openSettingTable(db, profileKey),
    close: () => db.close(),
  };
}
export type AccountStore = ReturnType<typeof openAccountStore>;
