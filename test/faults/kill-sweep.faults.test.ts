/**
 * An engine killed at its writes, one run for each: from signing in to the first messages and the recovery, each run
 * dies on entering one system call, is opened again on the same folder, and brought to its end. (R1, R5, I5) Every third
 * is a power cut: of what was not synced, any part may be gone. (R6) The clean run before shows what is on the disk when
 * a request goes out. (R5, I2)
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { UserId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { BareClient } from "../support/bare-client.ts";
import { bodies, type TestEngine } from "../support/engine-harness.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import type { RegisteredUser } from "../support/register-user.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";
import { openFriend, type Friend } from "./support/friend.ts";
import { cutPower, quickCheck } from "./support/profile.ts";
import { inLanes, report, sample } from "./support/scale.ts";
import { answerTo, runSession, type SessionNote, type SessionPlan } from "./support/session.ts";
import { openStage } from "./support/stage.ts";
import { readTrace, runTraced, syncedSizes, whyNoStrace, type KillPoint, type TracedCall } from "./support/traced.ts";
import { checkUploads } from "./support/uploads.ts";

const TEXTS = ["first", "second"];
const ALL_TEXTS = [...TEXTS, "after the kill"];
/** Kills at the same time: the server is what they wait for. */
const LANES = 2;

const reason = whyNoStrace();
if (reason !== undefined) process.stderr.write(`SKIPPED: no engine is killed at its writes: ${reason}.\n`);

let friend: Friend;
let trace: TracedCall[];

beforeAll(async () => {
  if (reason !== undefined) return;
  friend = await openFriend(sharedHomeserver().baseUrl, await newUser("friend"));
  trace = await traceCleanRun();
}, 120_000);

afterAll(async () => {
  await friend?.[Symbol.asyncDispose]();
});

async function traceCleanRun(): Promise<TracedCall[]> {
  const stage = await openStage(friend.engine.userId, TEXTS);
  await using _proxy = stage.proxy;
  const logPath = join(stage.dataDir, "trace.log");
  await runTraced(stage.order, { logPath });
  const calls = await readTrace(logPath);
  await (await stage.open())[Symbol.asyncDispose]();
  return calls;
}

// ---- order

/** Requests that promise something: what they carry must be found again after a power cut. */
const PROMISES = [
  "/keys/upload",
  "/keys/device_signing/upload",
  "/keys/signatures/upload",
  "/sendToDevice/m.room.encrypted/",
  "/send/m.room.encrypted/",
  "/room_keys/keys",
];

test.skipIf(reason !== undefined)("what a request promises is on the disk before it goes out", () => {
  let syncs = 0;
  let isDirty = false;
  const seen = new Set<string>();
  let count = 0;
  for (const { call, target, text } of trace) {
    if (target.endsWith("/crypto.db-wal")) {
      if (call === "pwrite64") isDirty = true;
      if (call === "fsync" || call === "fdatasync") {
        isDirty = false;
        syncs += 1;
      }
    }
    if (!target.startsWith("TCP")) continue;
    const promise = PROMISES.find((path) => text.includes(` /_matrix/client/v3`) && text.includes(path));
    if (promise === undefined) continue;
    seen.add(promise);
    count += 1;
    expect({ promise, isDirty, isAfterSync: syncs > 0 }).toEqual({ promise, isDirty: false, isAfterSync: true });
    // The next one needs a commit of its own only where it has something new to keep; that is what the kills prove.
  }
  expect([...seen].toSorted()).toEqual(PROMISES.toSorted());
  report(`requests with keys or ciphertext ${count}: sent before their sync 0`);
});

// ---- kills

/** Where a kill may find something half done: files changed, and requests sent. */
function killPoints(): KillPoint[] {
  const isProfileCall = ({ call, target }: TracedCall) =>
    call === "unlink" || (target.startsWith("/") && !target.includes("engine.lock")) || target.startsWith("TCP");
  return trace.filter(isProfileCall).map(({ call, k }) => ({ call, k }));
}

/** Every so many kills the power goes with the process. */
const POWER_CUT_EVERY = 3;

type Totals = {
  cycles: number;
  killed: number;
  powerCuts: number;
  lost: number;
  doubled: number;
  undecryptable: number;
  checked: number;
  sound: number;
  repeated: number;
  conflicts: number;
  extraRooms: number;
  problems: string[];
};

test.skipIf(reason !== undefined)(
  "killed at a write, and opened again: nothing is lost, doubled or made twice",
  async () => {
    const all = killPoints();
    expect(all.length).toBeGreaterThan(300);
    const points = sample(all, 4, 80);
    const totals: Totals = {
      ...{ cycles: 0, killed: 0, powerCuts: 0, lost: 0, doubled: 0, undecryptable: 0 },
      ...{ checked: 0, sound: 0, repeated: 0, conflicts: 0, extraRooms: 0, problems: [] },
    };
    await inLanes(points, LANES, (point) => runCycle(point, totals));
    const { cycles, killed, powerCuts, lost, doubled, undecryptable, checked, sound, repeated, conflicts } = totals;
    report(
      `kill -9 cycles ${cycles} (${killed} exact, of ${all.length} calls, ${powerCuts} power cuts): lost ${lost}, doubled ${doubled}, ` +
        `undecryptable ${undecryptable}, quick_check ok ${sound}/${checked}`,
    );
    report(`keys uploaded under a name that was used ${repeated}: different or refused ${conflicts}`);
    if (totals.extraRooms > 0) report(`rooms made twice: ${totals.extraRooms}`);
    expect(totals.problems).toEqual([]);
    expect(killed).toBeGreaterThanOrEqual(Math.floor(cycles * 0.8));
  },
  900_000,
);

async function runCycle(point: KillPoint, totals: Totals): Promise<void> {
  const stage = await openStage(friend.engine.userId, TEXTS);
  await using proxy = stage.proxy;
  totals.cycles += 1;
  const isPowerCut = totals.cycles % POWER_CUT_EVERY === 0;
  const name = `${isPowerCut ? "power cut at " : ""}${point.call} ${point.k}`;
  const problem = (text: string) => void totals.problems.push(`${name}: ${text}`);
  try {
    const logPath = join(stage.dataDir, "trace.log");
    const { notes, isKilled } = await runTraced(stage.order, { kill: isPowerCut ? { ...point, logPath } : point });
    if (isKilled) totals.killed += 1;
    if (isPowerCut && cutPower(stage.dataDir, syncedSizes(await readTrace(logPath))) > 0) totals.powerCuts += 1;
    const { checked, damages } = quickCheck(stage.dataDir);
    totals.checked += checked;
    totals.sound += checked - damages.length;
    for (const damage of damages) problem(damage);
    await using engine = await stage.open();
    const promised = notes.filter(({ note }) => !isPowerCut || note !== "read") as SessionNote[];
    await assertKept(engine, promised, stage.deviceIds, totals, problem);
    await bringToEnd(
      engine,
      { ...stage, proxy, isRecovered: notes.some(({ note }) => note === "recovery") },
      totals,
      problem,
    );
  } catch (error) {
    problem(error instanceof Error ? error.message : String(error));
  }
  const uploads = checkUploads(proxy.requests);
  totals.repeated += uploads.repeated;
  totals.conflicts += uploads.conflicts.length;
  for (const conflict of uploads.conflicts) problem(conflict);
}

/** What the user was told before the kill is so after it. What was only received comes again after a power cut. */
async function assertKept(
  engine: TestEngine,
  notes: readonly SessionNote[],
  deviceIds: readonly unknown[],
  totals: Totals,
  problem: (text: string) => void,
): Promise<void> {
  const [row] = await engine.until("accounts", {}, () => true);
  if (row && !deviceIds.includes(row.deviceId)) problem(`the device ${row.deviceId} is none of the server's`);
  const account = notes.find((note) => note.note === "account");
  if (account && row?.deviceId !== account.deviceId) problem("the account is gone, or another device");
  const room = notes.find((note) => note.note === "room");
  if (!row || !room) return;
  const inRoom = { accountId: row.accountId, roomId: room.roomId };
  const shown = bodies(await engine.until("timeline", inRoom, () => true));
  for (const note of notes) {
    if ((note.note !== "typed" && note.note !== "read") || shown.includes(note.text)) continue;
    totals.lost += 1;
    problem(`"${note.text}" (${note.note}) is lost`);
  }
}

type End = { account: RegisteredUser; proxy: FaultProxy; plan: SessionPlan; isRecovered: boolean };

/** The user goes on: everything comes to its end, and everyone has everything once. */
async function bringToEnd(
  engine: TestEngine,
  { account, plan, isRecovered }: End,
  totals: Totals,
  problem: (text: string) => void,
): Promise<void> {
  const again: SessionNote[] = [];
  const roomId = await runSession(engine, { ...plan, texts: ALL_TEXTS }, (note) => again.push(note));
  if (isRecovered && again.some(({ note }) => note === "recovery")) problem("the recovery is forgotten");

  const all = [...ALL_TEXTS, ...ALL_TEXTS.map(answerTo)];
  const looks = [
    ["own", await engine.timeline(roomId, (items) => items.every((item) => !isWaiting(item)))],
    ["friend's", await friend.engine.timeline(roomId, (items) => all.every((text) => bodies(items).includes(text)))],
  ] as const;
  for (const [whose, items] of looks) {
    const unread = items.filter((item) => item.kind === "placeholder" && item.reason === "undecryptable").length;
    if (unread > 0) problem(`${unread} events of the ${whose} timeline cannot be read`);
    totals.undecryptable += unread;
    for (const text of all) {
      const count = bodies(items).filter((body) => body === text).length;
      if (count !== 1) problem(`"${text}" is ${count} times in the ${whose} timeline`);
      if (count === 0) totals.lost += 1;
      if (count > 1) totals.doubled += 1;
    }
  }
  const stored = await new BareClient(sharedHomeserver().baseUrl, account).events(roomId);
  const said = stored.filter((event) => event.sender === plan.userId && event.state_key === undefined);
  const types = said.map(({ type }) => type);
  if (types.length !== ALL_TEXTS.length || types.some((type) => type !== "m.room.encrypted")) {
    problem(`the server has ${types.join(", ")} of what was sent`);
  }
  totals.extraRooms += friend.roomsWith(account.userId as UserId).length - 1;
}

const isWaiting = (item: TimelineItem): boolean =>
  item.kind === "message" && item.send !== undefined && item.send.state !== "sent";
