/**
 * What every peer of the crypto bench does, and how it is asked to: the one list that peers.ts calls and that
 * machine-work.ts (a bare OlmMachine, in Node and in a page) and engine-work.ts (our engine) answer.
 * Invariant: the times are taken beside the work, so that no peer pays for how it was asked.
 */
export const SENDER = "@sender:bench";
export const RECEIVER = "@receiver:bench";

export type Room = { roomId: string; events: string[] };

/** `eachAlone`: the next event waits for the last; `allAtOnce`: the machine has them all to choose from. */
export type Order = "eachAlone" | "allAtOnce";

export type ImportResult = {
  /** From the first step of progress to the end, and the keys of that time: without the stretching of a passphrase. */
  count: number;
  tookMs: number;
  lagP95Ms: number;
  lagMaxMs: number;
};

/** The calls of one peer. What they take and give crosses a process border. */
export interface Work {
  /** A new device on a new store. Gives its key upload. */
  open(deviceId: string): Promise<string>;
  /** The device learns of the sender: `senderKeys` is the answer to its query. */
  meet(deviceId: string, senderKeys: string): Promise<void>;
  /** Room keys, one sync response after the other. Gives the milliseconds. */
  receive(deviceId: string, batches: string[]): Promise<number>;
  /** The milliseconds for all events of these rooms; throws where one cannot be read. */
  decrypt(deviceId: string, rooms: Room[], order: Order): Promise<number>;
  /** The milliseconds of syncs that bring nothing, and of those that bring another count of one-time keys. */
  idle(deviceId: string): Promise<{ unchangedMs: number[]; countsMs: number[] }>;
  import(deviceId: string, keys: string): Promise<ImportResult>;
  /** Closes the device's machine and opens it on what the store has. Gives the milliseconds, of the opening alone. */
  reopen(deviceId: string): Promise<number>;
  close(deviceId: string): Promise<void>;
}

export const WORK_NAMES = ["open", "meet", "receive", "decrypt", "idle", "import", "reopen", "close"] as const;

/** durable: our IndexedDB; engine: our engine on it; null: an IndexedDB that does no work. */
export type NodePeer = "durable" | "engine" | "memory" | "fake" | "null";
export type PeerCall = { id: number; name: keyof Work; args: unknown[] };
export type PeerAnswer = { id: number; ok: true; value: unknown } | { id: number; ok: false; error: string };

/** Of the key files that are imported. */
export const PASSPHRASE = "bench";

const LAG_PROBE_MS = 5;

/** How late a timer comes while something else works: what a click would feel. */
export function watchLag(): { stop: () => { lagP95Ms: number; lagMaxMs: number } } {
  const lagsMs: number[] = [];
  let askedAt = performance.now();
  let timer: ReturnType<typeof setTimeout>;
  const ask = (): void => {
    askedAt = performance.now();
    timer = setTimeout(note, LAG_PROBE_MS);
  };
  const note = (): void => {
    lagsMs.push(Math.max(0, performance.now() - askedAt - LAG_PROBE_MS));
    ask();
  };
  ask();
  return {
    stop() {
      clearTimeout(timer);
      // One that is due but had no turn was late, too.
      lagsMs.push(Math.max(0, performance.now() - askedAt - LAG_PROBE_MS));
      const sorted = lagsMs.toSorted((a, b) => a - b);
      return { lagP95Ms: sorted[Math.floor(sorted.length * 0.95)] ?? 0, lagMaxMs: sorted.at(-1) ?? 0 };
    },
  };
}
