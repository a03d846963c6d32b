/**
 * Restoring from the key backup: all of it, room by room, or the one session that a message waits for.
 * Opened and driven by recovery.ts, on what backup.ts has found to be ours. Invariants: keys are decrypted and
 * taken in small steps that let everything else run; what is damaged or encrypted for someone else is counted and
 * left out; a restore that was stopped by a quit or by the network goes on where it was.
 * Keys from a backup prove nothing about who wrote a message; the machine remembers that of each.
 * spec: client-server GET /room_keys/keys.
 */
import { BackupDecryptionKey, RoomId as WasmRoomId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { sleep } from "../base/clock.ts";
import { backoffMs, EngineError, retryPlan, toErrorData } from "../base/errors.ts";
import {
  isObject,
  readArray,
  readBoolean,
  readObject,
  readString,
  type JsonObject,
  type JsonValue,
} from "../matrix/json.ts";
import type { Backup } from "./backup.ts";
import type { CryptoContext } from "./context.ts";

/** Decrypting one key takes a fifth of a millisecond: so many between two turns of the event loop. */
const KEYS_PER_SLICE = 20;
const KEYS_PER_IMPORT = 500;
/** Rooms that are fetched one by one, ahead of the rest, where the rest comes in one answer. */
const MAX_FIRST_ROOMS = 50;
/** A backup of up to this many keys is fetched in one answer; of a larger one, the rooms that we know. */
const MAX_WHOLE_BACKUP_KEYS = 20_000;
const SAVE_PROGRESS_INTERVAL_MS = 5_000;
/** Single sessions are asked for one at a time, with a pause between them. */
const SESSION_INTERVAL_MS = 100;
const MAX_WAITING_SESSIONS = 1_000;
/** How long a session that the backup does not have is not asked for again; doubles up to the maximum. */
const FIRST_ABSENCE_MS = 5_000;
/** Up to this absence the session is asked for again by itself; after that only when someone looks at the message. */
const MAX_REASKED_ABSENCE_MS = 640_000;
const MAX_ABSENCE_MS = 24 * 3_600_000;
const MAX_KNOWN_ABSENT = 10_000;
/** No honest session comes near this; beyond it nothing is even decrypted. */
const MAX_SESSION_CHARACTERS = 65_536;

/** What a restore has done with the keys of the backup. */
export type RestoreResult = {
  importedCount: number;
  /** Keys that were encrypted for someone else, or are damaged. */
  failedCount: number;
  /** True where the whole backup was read. */
  isComplete: boolean;
};

export type RestoreOptions = {
  /** The rooms that the user looks at, or will look at first, in that order. */
  firstRooms?: (() => readonly string[]) | undefined;
  /** All rooms whose history this account can read. */
  knownRooms?: (() => readonly string[]) | undefined;
};

/** Setting: how far the restore has come. */
const RESTORE = "crypto.backup-restore";
type Progress = {
  version: string;
  /** Rooms that are done, of a restore that has not ended. */
  rooms: readonly string[];
  isWanted: boolean;
  /** A restore of this version has read it whole. */
  isComplete: boolean;
};

type Run = {
  key: BackupDecryptionKey;
  version: string;
  cancel: AbortSignal;
  result: RestoreResult;
  report: (keyCount: number) => void;
};

export function openBackupRestore(context: CryptoContext, backup: Backup, options: RestoreOptions = {}) {
  const { olm, server, store, clock, log, signal } = context;
  let running: { done: Promise<RestoreResult>; first: string[]; ending: AbortController } | undefined;
  /** Sessions to ask for, the newest wish last. */
  const waiting = new Map<string, { roomId: string; sessionId: string }>();
  /** Sessions that the backup did not have, by the version and their ids. */
  const absent = new Map<string, { untilMs: number; absenceMs: number }>();
  const stopTimers = new Set<() => void>();
  let isFetching = false;

  signal.addEventListener("abort", () => {
    for (const stop of stopTimers) stop();
  });

  function readProgress(version: string): Progress | undefined {
    const value = store.settings.read(RESTORE) ?? {};
    if (readString(value, "version") !== version) return undefined;
    return {
      version,
      rooms: (readArray(value, "rooms") ?? []).filter((room) => typeof room === "string"),
      isWanted: readBoolean(value, "isWanted") ?? false,
      isComplete: readBoolean(value, "isComplete") ?? false,
    };
  }
  const saveProgress = (progress: Progress): void =>
    store.write((tx) => store.settings.put(tx, RESTORE, progress), { isDurable: true });

  /** The key of the backup in use. Throws `encryption-not-ready` where it is not here. */
  async function openKey(): Promise<{ key: BackupDecryptionKey; version: string }> {
    const held = await backup.heldKey();
    const { state, version } = backup.view();
    if (state !== "active" || !held || version === undefined) {
      throw new EngineError(
        "encryption-not-ready",
        "The key of the backup is not on this device. Verify this device, or enter the recovery key.",
      );
    }
    return { key: BackupDecryptionKey.fromBase64(held.privateKey), version };
  }

  /**
   * Fetches what the backup has, `first` rooms first. One at a time: another call brings its rooms to the front of
   * the one that runs, and gets the same result.
   */
  function restore(request: { first?: readonly string[] } = {}): Promise<RestoreResult> {
    const first = [...(request.first ?? options.firstRooms?.() ?? [])];
    if (running) {
      running.first.unshift(...first);
      return running.done;
    }
    const ending = new AbortController();
    const done = restoreAll(first, AbortSignal.any([signal, ending.signal])).finally(() => {
      running = undefined;
      if (!signal.aborted) backup.show({ restoring: undefined });
    });
    running = { first, ending, done };
    return done;
  }

  async function restoreAll(first: string[], cancel: AbortSignal): Promise<RestoreResult> {
    await backup.check();
    const { key, version } = await openKey();
    const result: RestoreResult = { importedCount: 0, failedCount: 0, isComplete: false };
    const before = readProgress(version);
    const done = new Set(before?.rooms);
    const save = (isWanted: boolean) =>
      saveProgress({ version, rooms: [...done], isWanted, isComplete: before?.isComplete ?? false });
    try {
      save(true);
      const totalCount = (await server.backupInfo(version, { signal: cancel }))?.count ?? 0;
      await restoreRooms({ run: startRun(totalCount), first, totalCount, done, save: () => save(true) });
      saveProgress({ version, rooms: [], isWanted: false, isComplete: result.isComplete });
      await backup.count();
      return result;
    } catch (error) {
      if (signal.aborted) throw cancelled();
      // What the user stops stays stopped over a restart; what the network stops goes on then.
      save(!cancel.aborted);
      if (cancel.aborted) throw cancelled();
      backup.show({ error: toErrorData(error) });
      throw error;
    } finally {
      key.free();
    }

    function startRun(totalCount: number): Run {
      let doneCount = 0;
      const report = (keyCount: number) => {
        doneCount += keyCount;
        backup.show({ restoring: { doneCount, totalCount: Math.max(totalCount, doneCount) } });
      };
      report(0);
      return { key, version, cancel, result, report };
    }
  }

  type Plan = { run: Run; first: string[]; totalCount: number; done: Set<string>; save: () => void };

  async function restoreRooms({ run, first, totalCount, done, save }: Plan): Promise<void> {
    const { version, cancel } = run;
    let savedAtMs = clock.monotonic();
    const take = async (roomId: string, sessions: JsonObject | undefined) => {
      await importSessions(run, roomId, sessions ?? {});
      done.add(roomId);
      if (clock.monotonic() - savedAtMs < SAVE_PROGRESS_INTERVAL_MS) return;
      savedAtMs = clock.monotonic();
      save();
    };
    const isWhole = totalCount <= MAX_WHOLE_BACKUP_KEYS;
    const others = isWhole ? [] : [...(options.knownRooms?.() ?? [])];
    const maxTurns = isWhole ? MAX_FIRST_ROOMS : Infinity;
    for (let turn = 0; turn < maxTurns; turn += 1) {
      cancel.throwIfAborted();
      // Looked at anew each time: the user may have gone elsewhere, and asked for other rooms first.
      const roomId = first.shift() ?? others.shift();
      if (roomId === undefined) break;
      if (done.has(roomId)) continue;
      const answer = await patiently(() => server.backupKeys(version, { roomId }, { signal: cancel }), cancel);
      await take(roomId, answer && readObject(answer, "sessions"));
    }
    if (!isWhole) return;
    const answer = await patiently(() => server.backupKeys(version, undefined, { signal: cancel }), cancel);
    const rooms = (answer && readObject(answer, "rooms")) ?? {};
    for (const roomId of new Set([...first, ...Object.keys(rooms)])) {
      cancel.throwIfAborted();
      if (!done.has(roomId)) await take(roomId, readObject(readObject(rooms, roomId) ?? {}, "sessions"));
    }
    run.result.isComplete = answer !== undefined;
  }

  /** Tries again as long as that can help. Undefined where the server has no such thing. */
  async function patiently<T>(ask: () => Promise<T>, cancel: AbortSignal): Promise<T | undefined> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask();
      } catch (error) {
        cancel.throwIfAborted();
        if (error instanceof EngineError && error.code === "not-found") return undefined;
        const plan = retryPlan(error, attempt);
        if (plan.when === "never") throw error;
        await backup.pause(plan.when === "after" ? plan.delayMs : backoffMs(attempt), cancel);
        cancel.throwIfAborted();
      }
    }
  }

  async function importSessions(run: Run, roomId: string, sessions: JsonObject): Promise<void> {
    let batch = new Map<string, JsonObject>();
    let seenCount = 0;
    const flush = async () => {
      const importedCount = batch.size > 0 ? await importBatch(run, roomId, batch) : 0;
      run.result.importedCount += importedCount;
      run.result.failedCount += seenCount - importedCount;
      if (seenCount > 0) run.report(seenCount);
      batch = new Map();
      seenCount = 0;
    };
    for (const [sessionId, session] of Object.entries(sessions)) {
      const decrypted = decryptSession(run.key, session);
      if (decrypted) batch.set(sessionId, decrypted);
      seenCount += 1;
      if (seenCount % KEYS_PER_SLICE === 0) await breathe();
      run.cancel.throwIfAborted();
      if (seenCount >= KEYS_PER_IMPORT) await flush();
    }
    await flush();
  }

  /** How many of them were keys. What is none is left out by the machine; a room id that is none takes all with it. */
  async function importBatch(run: Run, roomId: string, batch: Map<string, JsonObject>): Promise<number> {
    try {
      const rooms = new Map([[new WasmRoomId(roomId), batch]]);
      const imported = await olm.importBackedUpRoomKeys(rooms, () => {}, run.version);
      const { totalCount } = imported;
      imported.free();
      return totalCount;
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn("keys of the backup were not taken", { count: batch.size });
      return 0;
    }
  }

  /**
   * A message waits for this session: it is asked of the backup in a while, unless it was not there a short time
   * ago. What comes is reported by the machine, as all keys are.
   */
  function requestSession(roomId: string, sessionId: string): void {
    const { state, version } = backup.view();
    if (state !== "active") return;
    const name = JSON.stringify([version, roomId, sessionId]);
    if ((absent.get(name)?.untilMs ?? -Infinity) > clock.monotonic()) return;
    waiting.delete(name);
    waiting.set(name, { roomId, sessionId });
    if (waiting.size > MAX_WAITING_SESSIONS) waiting.delete(waiting.keys().next().value ?? "");
    if (isFetching) return;
    isFetching = true;
    fetchWaiting()
      .catch((error: unknown) => {
        // What waits stays, and is tried with the next wish.
        if (!signal.aborted) log.warn("a key could not be fetched from the backup", { code: toErrorData(error).code });
      })
      .finally(() => {
        isFetching = false;
      });
  }

  async function fetchWaiting(): Promise<void> {
    const { key, version } = await openKey();
    try {
      while (!signal.aborted && backup.view().version === version) {
        // The newest wish first: it is what the user looks at.
        const [name, wanted] = [...waiting].at(-1) ?? [];
        if (name === undefined || !wanted) return;
        const { roomId, sessionId } = wanted;
        const answer = await patiently(() => server.backupKeys(version, { roomId, sessionId }, { signal }), signal);
        waiting.delete(name);
        const result: RestoreResult = { importedCount: 0, failedCount: 0, isComplete: false };
        const run: Run = { key, version, cancel: signal, result, report: () => {} };
        await importSessions(run, roomId, answer ? Object.fromEntries([[sessionId, answer]]) : {});
        if (result.importedCount === 0) rememberAbsence(name);
        else absent.delete(name);
        await sleep(clock, SESSION_INTERVAL_MS, signal).catch(() => undefined);
      }
    } finally {
      key.free();
    }
  }

  function rememberAbsence(name: string): void {
    const before = absent.get(name)?.absenceMs;
    const absenceMs = before === undefined ? FIRST_ABSENCE_MS : Math.min(before * 2, MAX_ABSENCE_MS);
    absent.delete(name);
    absent.set(name, { untilMs: clock.monotonic() + absenceMs, absenceMs });
    if (absent.size > MAX_KNOWN_ABSENT) absent.delete(absent.keys().next().value ?? "");
    if (absenceMs <= MAX_REASKED_ABSENCE_MS) askAgainLater(name, absenceMs);
  }

  /** The device that has the key may be about to upload it: a few more looks, each later than the one before. */
  function askAgainLater(name: string, delayMs: number): void {
    const stop = clock.setTimer(delayMs, () => {
      stopTimers.delete(stop);
      const [, roomId, sessionId] = JSON.parse(name) as [string | undefined, string, string];
      if (!signal.aborted && absent.has(name)) requestSession(roomId, sessionId);
    });
    stopTimers.add(stop);
  }

  return {
    restore,
    cancel: (): void => running?.ending.abort(),
    requestSession,
    /** Sessions that were not there a short time ago may be asked for again at once. */
    forgetAbsences: (): void => absent.clear(),
    /** Whether a restore was interrupted, or this version of the backup has never been restored here. */
    isDue(): boolean {
      const { state, version } = backup.view();
      if (state !== "active" || version === undefined || backup.isMadeHere(version)) return false;
      return readProgress(version)?.isWanted ?? true;
    },
    /** A restore has read this version of the backup whole. */
    isComplete: (version: string): boolean => readProgress(version)?.isComplete ?? false,
  };
}
export type BackupRestore = ReturnType<typeof openBackupRestore>;

const cancelled = (): EngineError => new EngineError("cancelled", "Cancelled.");

/** A session as the backup has it, decrypted; undefined where it is damaged, foreign or no session. */
function decryptSession(key: BackupDecryptionKey, session: JsonValue): JsonObject | undefined {
  const data = isObject(session) ? readObject(session, "session_data") : undefined;
  if (!data) return undefined;
  const [ephemeral, mac, ciphertext] = ["ephemeral", "mac", "ciphertext"].map((name) => readString(data, name));
  if (ephemeral === undefined || mac === undefined || ciphertext === undefined) return undefined;
  if (ephemeral.length + mac.length + ciphertext.length > MAX_SESSION_CHARACTERS) return undefined;
  try {
    const plain = JSON.parse(key.decryptV1(ephemeral, mac, ciphertext)) as JsonValue;
    return isObject(plain) ? plain : undefined;
  } catch {
    return undefined;
  }
}

/** Lets everything else that waits have its turn. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
