/**
 * The crypto bench: OlmMachine on our durable IndexedDB, and our engine on that, beside OlmMachine on its memory
 * store, on fake-indexeddb, in Chromium on real IndexedDB (what Element runs on), and on an IndexedDB that does no
 * work (the ceiling of every store).
 *   room keys received · backlogs decrypted · key file imported · machine opened · syncs that bring nothing
 * Invariant: the same data for all, side by side: in every round each peer has its turn, on a new store; the first round
 * warms up and does not count.
 */
import { makeCorpus, makeExportedKeys, type Corpus, type Shape } from "./crypto/corpus.ts";
import { openChromiumPeer, openNodePeer, type Peer } from "./crypto/peers.ts";
import { summarize, summarizeRates, type Sample } from "./samples.ts";
import { PASSPHRASE, type ImportResult, type NodePeer, type Order } from "./crypto/work.ts";
import { sealKeys } from "../../main/engine/crypto/key-file.ts";

const ROUNDS = 3;
const SPARE_KEYS = 250;
const IMPORTED_KEYS = 10_000;
/** With the whole of it the slow peers alone would take minutes: it is for the stores that are ours, and the floor. */
const MANY_IMPORTED_KEYS = 100_000;
const REOPENINGS = 5;

const OURS = "ours";
const ENGINE = "ours, in the engine";
const MEMORY = "memory store";
const CHROMIUM = "Chromium";
const NULL = "IndexedDB without work";
const NODE_PEERS: Record<string, NodePeer> = {
  [OURS]: "durable",
  [ENGINE]: "engine",
  [MEMORY]: "memory",
  "fake-indexeddb": "fake",
  [NULL]: "null",
};
/** What every rate is compared with. */
const FLOORS = { timesChromium: CHROMIUM, timesMemory: MEMORY, timesCeiling: NULL };

const SHAPES: (Shape & { order: Order })[] = [
  { key: "decrypt-100x20", rooms: 100, eventsPerRoom: 20, order: "eachAlone" },
  { key: "decrypt-1x5000", rooms: 1, eventsPerRoom: 5_000, order: "eachAlone" },
  { key: "decrypt-100x20-at-once", rooms: 100, eventsPerRoom: 20, order: "allAtOnce" },
];

export async function benchCrypto(): Promise<Sample[]> {
  const peers: Peer[] = [];
  try {
    for (const [name, kind] of Object.entries(NODE_PEERS)) peers.push(await openNodePeer(kind, name));
    try {
      peers.push(await openChromiumPeer(CHROMIUM));
    } catch (error) {
      process.stderr.write(`Without Chromium: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    return [...(await benchEvents(peers)), ...(await benchStores(peers))];
  } finally {
    for (const peer of peers) await peer.close();
  }
}

const deviceOf = (peer: Peer, round: number): string => `${peer.name.replaceAll(/\W/gu, "")}${round}`;

/** Keys received, and events decrypted with them. */
async function benchEvents(peers: readonly Peer[]): Promise<Sample[]> {
  const uploads = new Map<string, string>();
  for (const peer of peers) {
    for (let round = 0; round <= ROUNDS; round += 1) {
      const deviceId = deviceOf(peer, round);
      uploads.set(deviceId, await peer.work.open(deviceId));
    }
  }
  const corpus = await makeCorpus(uploads, SHAPES, SPARE_KEYS);
  const keyCount = [...corpus.keysOf.values()][0]?.reduce((sum, batch) => sum + countOf(batch), 0) ?? 0;
  const timesMs = new Map<string, Map<string, number[]>>();
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const peer of peers) {
      for (const [bench, tookMs] of await runRound(peer, round, corpus)) {
        if (round === 0) continue;
        const ofBench = timesMs.get(bench) ?? new Map<string, number[]>();
        timesMs.set(bench, ofBench.set(peer.name, [...(ofBench.get(peer.name) ?? []), tookMs]));
      }
    }
  }
  const counts = new Map(SHAPES.map(({ key, rooms, eventsPerRoom }) => [key, rooms * eventsPerRoom]));
  return [...timesMs].flatMap(([bench, ofBench]) =>
    summarizeRates(`crypto-${bench}`, counts.get(bench) ?? keyCount, ofBench, FLOORS),
  );
}

const countOf = (batch: string): number => (JSON.parse(batch) as unknown[]).length;

async function runRound({ name, work }: Peer, round: number, corpus: Corpus): Promise<[string, number][]> {
  const deviceId = deviceOf({ name } as Peer, round);
  await work.meet(deviceId, corpus.senderKeys);
  const took: [string, number][] = [["room-keys", await work.receive(deviceId, corpus.keysOf.get(deviceId) ?? [])]];
  for (const { key, order } of SHAPES) {
    // The engine goes through a response in its order.
    if (name === ENGINE && order === "allAtOnce") continue;
    took.push([key, await work.decrypt(deviceId, corpus.rooms.get(key) ?? [], order)]);
  }
  await work.close(deviceId);
  return took;
}

/** Import, opening, and syncs with nothing in them. */
async function benchStores(peers: readonly Peer[]): Promise<Sample[]> {
  const imports = new Map<string, ImportResult>();
  const openings = new Map<string, number[]>();
  const unchanged = new Map<string, number[]>();
  const counts = new Map<string, number[]>();
  const keys = makeExportedKeys(IMPORTED_KEYS);
  const keyFile = await sealKeys(keys, PASSPHRASE);
  for (const peer of peers) {
    const { name, work } = peer;
    const deviceId = deviceOf(peer, ROUNDS + 1);
    await work.open(deviceId);
    // A page takes what is in the file: opening one is not its business here.
    imports.set(name, await work.import(deviceId, name === CHROMIUM ? keys : keyFile));
    const idle = await work.idle(deviceId);
    unchanged.set(name, idle.unchangedMs);
    counts.set(name, idle.countsMs);
    if (name !== MEMORY) {
      const tookMs: number[] = [];
      for (let run = 0; run < REOPENINGS; run += 1) tookMs.push(await work.reopen(deviceId));
      openings.set(name, tookMs);
    }
    await work.close(deviceId);
  }
  const manyImports = new Map<string, ImportResult>();
  const manyKeys = await sealKeys(makeExportedKeys(MANY_IMPORTED_KEYS), PASSPHRASE);
  for (const peer of peers) {
    if (![ENGINE, MEMORY, NULL].includes(peer.name)) continue;
    const deviceId = deviceOf(peer, ROUNDS + 2);
    await peer.work.open(deviceId);
    manyImports.set(peer.name, await peer.work.import(deviceId, manyKeys));
    await peer.work.close(deviceId);
  }
  return [
    ...importSamples("crypto-import-10k", imports),
    ...importSamples("crypto-import-100k", manyImports),
    ...durations("crypto-open-10k-keys", openings),
    ...durations("crypto-sync-unchanged", unchanged),
    ...durations("crypto-sync-key-count", counts),
  ];
}

function importSamples(bench: string, results: ReadonlyMap<string, ImportResult>): Sample[] {
  const [first] = results.values();
  // The same file for all: each took its first step with the same number of keys.
  const samples = summarizeRates(
    bench,
    first?.count ?? 0,
    new Map([...results].map(([name, { tookMs }]) => [name, [tookMs]])),
    FLOORS,
  );
  return samples.map((sample) => {
    const { lagP95Ms = Number.NaN, lagMaxMs = Number.NaN } = results.get(sample.of) ?? {};
    return { ...sample, lagP95Ms: Math.round(lagP95Ms * 10) / 10, lagMaxMs: Math.round(lagMaxMs * 10) / 10 };
  });
}

const durations = (bench: string, timesMs: ReadonlyMap<string, readonly number[]>): Sample[] =>
  [...timesMs].map(([name, times]) => summarize(bench, name, times));
