/**
 * Brings a database to the newest schema. Called once when an account's store opens.
 * Invariant: migrations are append-only and gapless, each runs in one transaction together with its version
 * number, and a database from a newer version is refused untouched.
 */
import { EngineError } from "../base/errors.ts";
import type { Db } from "./driver.ts";
import { migration as initial } from "./migrations/0001-initial.ts";
import { migration as encryption } from "./migrations/0002-encryption.ts";
import { migration as ownEvents } from "./migrations/0003-own-events.ts";
import type { Migration } from "./migrations/migration.ts";

const migrations: readonly Migration[] = [initial, encryption, ownEvents];

export function migrate(db: Db): void {
  const found = db.userVersion;
  if (found > migrations.length) {
    throw new EngineError(
      "store-newer",
      "This profile was last used by a newer version of Lattice. Nothing was changed; please update Lattice.",
    );
  }
  for (const { version, statements } of migrations.slice(found)) {
    db.write(
      (tx) => {
        db.exec(tx, statements);
        db.setUserVersion(tx, version);
      },
      { isDurable: true },
    );
  }
}
