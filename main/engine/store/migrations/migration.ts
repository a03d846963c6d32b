/**
 * What a migration is. Implemented by NNNN-what.ts, run by migrate.ts.
 */

/** One step of the schema. `version` is its number, counted from 1 without gaps. */
export type Migration = { version: number; statements: string };
