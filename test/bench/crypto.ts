/**
 * The crypto bench: OlmMachine on our durable IndexedDB, and our engine on that, beside OlmMachine on its memory
 * store, on fake-indexeddb, in Chromium on real IndexedDB (what Element runs on), and on an IndexedDB that does no
 * work (the ceiling of every store).
 *   room keys received · backlogs decrypted · key file imported · machine opened · syncs that bring nothing
 * Invariant: the same data for all, side by side: the work is cut into pieces, and each peer has its turn at each
 * piece, so that what else the machine does meets all of them; what warms up does not count.
 */
import { sealKeys } from "../../main/engine/crypto/key-file.ts";
import { makeCorpus, makeExportedKeys, type Corpus, type Shape } from "./crypto/corpus.ts";
import { openChromiumPeer, openNodePeer, type Peer } from "./crypto/peers.ts";
import { PASSPHRASE, type ImportResult, type NodePeer, type Order, type Room } from "./crypto/work.ts";
import { summarize, summarizeRates, type Sample } from "./samples.ts";

/** In batches of a hundred, as sync responses bring them; the first batches warm up. */
const RECEIVED_KEYS = 1_400;
const WARM_UP_BATCHES = 2;
const EVENTS_PER_PIECE = 200;
/** Key files one after the other into one store: together as many keys as the machine is opened with afterwards. */
const IMPORTS = 4;
const KEYS_PER_IMPORT = 2_500;
/** With the whole of it the slow peers alone would take minutes: it is for our engine, and what bounds it. */
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

const WARM_UP: Shape & { order: Order } = { key: "warm-up", rooms: 20, eventsPerRoom: 20, order: "eachAlone" };
const SHAPES: (Shape & { order: Order })[] = [
  WARM_UP,
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

/** One device for the events, one for the key files, one for the large one. */
const deviceOf = (peer: Peer, purpose: "Events" | "Keys" | "ManyKeys"): string =>
  `${peer.name.replaceAll(/\W/gu, "")}${purpose}`;

/** By bench, by peer. */
class Times {
  readonly #times = new Map<string, Map<string, number[]>>();
  add(bench: string, of: string, tookMs: number): void {
    const ofBench = this.#times.get(bench) ?? new Map<string, number[]>();
    this.#times.set(bench, ofBench.set(of, [...(ofBench.get(of) ?? []), tookMs]));
  }
  of(bench: string): ReadonlyMap<string, readonly number[]> {
    return this.#times.get(bench) ?? new Map<string, number[]>();
  }
}

/** Keys received, and events decrypted with them. */
async function benchEvents(peers: readonly Peer[]): Promise<Sample[]> {
  const uploads = new Map<string, string>();
  for (const peer of peers) {
    const deviceId = deviceOf(peer, "Events");
    uploads.set(deviceId, await peer.work.open(deviceId));
  }
  const corpus = await makeCorpus(uploads, SHAPES, RECEIVED_KEYS);
  for (const peer of peers) await peer.work.meet(deviceOf(peer, "Events"), corpus.senderKeys);
  const samples = [...(await benchKeys(peers, corpus)), ...(await benchDecryption(peers, corpus))];
  for (const peer of peers) await peer.work.close(deviceOf(peer, "Events"));
  return samples;
}

async function benchKeys(peers: readonly Peer[], { keysOf, keysPerBatch }: Corpus): Promise<Sample[]> {
  const times = new Times();
  for (let at = 0; at * keysPerBatch < RECEIVED_KEYS; at += 1) {
    for (const peer of peers) {
      const deviceId = deviceOf(peer, "Events");
      const batch = keysOf.get(deviceId)?.[at] ?? "[]";
      const tookMs = await peer.work.receive(deviceId, [batch]);
      if (at >= WARM_UP_BATCHES) times.add("room-keys", peer.name, tookMs);
    }
  }
  return summarizeRates("crypto-room-keys", keysPerBatch, times.of("room-keys"), FLOORS);
}

async function benchDecryption(peers: readonly Peer[], corpus: Corpus): Promise<Sample[]> {
  const times = new Times();
  for (const { key, order } of SHAPES) {
    for (const piece of toPieces(corpus.rooms.get(key) ?? [])) {
      for (const peer of peers) {
        // The engine goes through a response in its own order.
        if (peer.name === ENGINE && order === "allAtOnce") continue;
        times.add(key, peer.name, await peer.work.decrypt(deviceOf(peer, "Events"), piece, order));
      }
    }
  }
  return SHAPES.filter((shape) => shape !== WARM_UP).flatMap(({ key }) =>
    summarizeRates(`crypto-${key}`, EVENTS_PER_PIECE, times.of(key), FLOORS),
  );
}

/** Of so many events each: several rooms, or a part of one. */
function toPieces(rooms: readonly Room[]): Room[][] {
  const parts = rooms.flatMap(({ roomId, events }) =>
    Array.from({ length: Math.ceil(events.length / EVENTS_PER_PIECE) }, (_, at) => ({
      roomId,
      events: events.slice(at * EVENTS_PER_PIECE, (at + 1) * EVENTS_PER_PIECE),
    })),
  );
  const perPiece = EVENTS_PER_PIECE / (parts[0]?.events.length ?? 1);
  return Array.from({ length: Math.ceil(parts.length / perPiece) }, (_, at) =>
    parts.slice(at * perPiece, (at + 1) * perPiece),
  );
}

/** Import, opening, and syncs with nothing in them. */
async function benchStores(peers: readonly Peer[]): Promise<Sample[]> {
  const imports = new Map<string, ImportResult[]>();
  for (const peer of peers) await peer.work.open(deviceOf(peer, "Keys"));
  for (let at = 0; at < IMPORTS; at += 1) {
    const keys = makeExportedKeys(KEYS_PER_IMPORT);
    const keyFile = await sealKeys(keys, PASSPHRASE);
    for (const peer of peers) {
      // A page takes what is in the file: opening one is not its business here.
      const result = await peer.work.import(deviceOf(peer, "Keys"), peer.name === CHROMIUM ? keys : keyFile);
      imports.set(peer.name, [...(imports.get(peer.name) ?? []), result]);
    }
  }
  const times = new Times();
  for (let run = 0; run < REOPENINGS; run += 1) {
    for (const peer of peers) {
      // A store in memory has nothing left to open.
      if (peer.name !== MEMORY) times.add("open", peer.name, await peer.work.reopen(deviceOf(peer, "Keys")));
    }
  }
  for (const peer of peers) {
    const { unchangedMs, countsMs } = await peer.work.idle(deviceOf(peer, "Keys"));
    for (const tookMs of unchangedMs) times.add("unchanged", peer.name, tookMs);
    for (const tookMs of countsMs) times.add("key-count", peer.name, tookMs);
    await peer.work.close(deviceOf(peer, "Keys"));
  }
  return [
    ...importSamples(`crypto-import-${IMPORTS}x${KEYS_PER_IMPORT}`, imports),
    ...importSamples(`crypto-import-${MANY_IMPORTED_KEYS}`, await importMany(peers)),
    ...durations(`crypto-open-${IMPORTS * KEYS_PER_IMPORT}-keys`, times.of("open")),
    ...durations("crypto-sync-unchanged", times.of("unchanged")),
    ...durations("crypto-sync-key-count", times.of("key-count")),
  ];
}

async function importMany(peers: readonly Peer[]): Promise<Map<string, ImportResult[]>> {
  const keyFile = await sealKeys(makeExportedKeys(MANY_IMPORTED_KEYS), PASSPHRASE);
  const imports = new Map<string, ImportResult[]>();
  for (const peer of peers) {
    if (![ENGINE, MEMORY, NULL].includes(peer.name)) continue;
    const deviceId = deviceOf(peer, "ManyKeys");
    await peer.work.open(deviceId);
    imports.set(peer.name, [await peer.work.import(deviceId, keyFile)]);
    await peer.work.close(deviceId);
  }
  return imports;
}

function importSamples(bench: string, imports: ReadonlyMap<string, readonly ImportResult[]>): Sample[] {
  // The same files for all: each took its first step with the same number of keys.
  const count = [...imports.values()][0]?.[0]?.count ?? 0;
  const timesMs = new Map([...imports].map(([name, results]) => [name, results.map(({ tookMs }) => tookMs)]));
  return summarizeRates(bench, count, timesMs, FLOORS).map((sample) => {
    const results = imports.get(sample.of) ?? [];
    const worst = (of: (result: ImportResult) => number) => Math.round(Math.max(...results.map(of)));
    return { ...sample, lagP95Ms: worst(({ lagP95Ms }) => lagP95Ms), lagMaxMs: worst(({ lagMaxMs }) => lagMaxMs) };
  });
}

const durations = (bench: string, timesMs: ReadonlyMap<string, readonly number[]>): Sample[] =>
  [...timesMs].map(([name, times]) => summarize(bench, name, times));
