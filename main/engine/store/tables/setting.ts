/**
 * Table setting: small facts of this account that belong to this device and must not come from account data, where
 * the server could write them. Written and read by many parts, each under its own name. Invariant: sealed.
 */
import type { JsonObject } from "../../matrix/json.ts";
import type { Db, WriteTx } from "../driver.ts";
import { contextOf, seal, unsealObject } from "../seal.ts";

export function openSettingTable(db: Db, profileKey: Uint8Array) {
  const select = db.prepare("SELECT value_sealed FROM setting WHERE name = ?");
  const upsert = db.prepare(
    "INSERT INTO setting (name, value_sealed) VALUES (?, ?) ON CONFLICT DO UPDATE SET value_sealed = excluded.value_sealed",
  );
  const context = (name: string) => contextOf("setting", name);
  return {
    /** Undefined where it was never set, or where the profile key does not open it: the caller's default must be safe. */
    read(name: string): JsonObject | undefined {
      return unsealObject(profileKey, select.get(name)?.["value_sealed"], context(name));
    },
    put(tx: WriteTx, name: string, value: JsonObject): void {
      upsert.run(tx, name, seal(profileKey, JSON.stringify(value), context(name)));
    },
  };
}
export type SettingTable = ReturnType<typeof openSettingTable>;
