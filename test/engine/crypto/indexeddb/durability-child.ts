/**
 * The program that durability.test.ts kills or traces: it writes to the file it is given, and tells by lines what has
 * been completed. Run as: node durability-child.ts <file> write|upgrade|trace
 */
import { writeSync } from "node:fs";
import { openIndexedDb } from "../../../../main/engine/crypto/indexeddb/index.ts";

const [path, mode] = process.argv.slice(2) as [string, "write" | "upgrade" | "trace"];
const tell = (text: string): void => void writeSync(1, `${text}\n`);
const factory = openIndexedDb({ path }).indexedDB as unknown as IDBFactory;

function open(version: number, onUpgrade: (database: IDBDatabase, transaction: IDBTransaction) => void) {
  return new Promise<IDBDatabase>((resolve) => {
    const request = factory.open("test", version);
    request.onupgradeneeded = () => onUpgrade(request.result, request.transaction as IDBTransaction);
    request.onsuccess = () => resolve(request.result);
  });
}

const completed = (transaction: IDBTransaction, onComplete: () => void): Promise<void> =>
  new Promise((resolve) => {
    transaction.oncomplete = () => {
      onComplete();
      resolve();
    };
  });

async function write(): Promise<void> {
  const database = await open(1, (opened) => {
    opened.createObjectStore("numbers", { keyPath: ["round", "part"] }).createIndex("round", "round");
    opened.createObjectStore("sums", { keyPath: "round" });
  });
  const known = await new Promise<number>((resolve) => {
    const request = database.transaction("sums").objectStore("sums").count();
    request.onsuccess = () => resolve(request.result);
  });
  for (let round = known + 1; ; round++) {
    const transaction = database.transaction(["numbers", "sums"], "readwrite");
    const ending = completed(transaction, () => tell(String(round)));
    for (let part = 0; part < 10; part++) {
      const request = transaction.objectStore("numbers").put({ round, part, text: "x".repeat(2000) });
      // One after another, so that the kill finds the transaction half-way.
      await new Promise((resolve) => (request.onsuccess = resolve));
    }
    transaction.objectStore("sums").put({ round, count: 10 });
    await ending;
  }
}

async function upgrade(): Promise<void> {
  const first = await open(1, (database) => database.createObjectStore("kept").put("old", 1));
  first.close();
  await open(2, (database, transaction) => {
    database.createObjectStore("new");
    const kept = transaction.objectStore("kept");
    kept.name = "renamed";
    const fill = (at: number): void => {
      kept.put("x".repeat(5000), at).onsuccess = () => {
        if (at === 100) tell("in the middle");
        fill(at + 1);
      };
    };
    fill(2);
  });
}

async function trace(): Promise<void> {
  const database = await open(1, (opened) => void opened.createObjectStore("store"));
  for (let round = 0; round < 20; round++) {
    const transaction = database.transaction("store", "readwrite");
    transaction.objectStore("store").put({ round }, round);
    tell(`asked ${round}`);
    await completed(transaction, () => tell(`complete ${round}`));
  }
  process.exit(0);
}

await { write, upgrade, trace }[mode]();
