/** Whether a relay answers: every way in which the gathering of a throw-away connection can end. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkRelay } from "../../../renderer/features/calls/call-media/relay-check.ts";
import type { RelayProbe } from "../../../renderer/features/calls/call-media/relay-check.ts";

const relay = { urls: ["turn:relay.example?transport=udp"], username: "u", credential: "c" };
const stun = { urls: ["stun:stun.example"] };

/** A connection that gathers what the test tells it to. */
class FakeConnection extends EventTarget {
  iceGatheringState: RTCIceGatheringState = "new";
  isClosed = false;
  channels = 0;
  readonly configuration: RTCConfiguration;
  setLocalDescription = () => Promise.resolve();

  constructor(configuration: RTCConfiguration) {
    super();
    this.configuration = configuration;
  }
  createDataChannel(): void {
    this.channels += 1;
  }
  close(): void {
    this.isClosed = true;
  }
  find(candidate: string): void {
    this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate: { candidate } }));
  }
  fail(errorCode: number): void {
    this.dispatchEvent(Object.assign(new Event("icecandidateerror"), { errorCode }));
  }
  complete(): void {
    this.iceGatheringState = "complete";
    this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate: null }));
    this.dispatchEvent(new Event("icegatheringstatechange"));
  }
}

function begin(iceServers = [relay]) {
  const opened: FakeConnection[] = [];
  const abort = new AbortController();
  const answer = checkRelay({
    iceServers,
    signal: abort.signal,
    openConnection: (configuration) => {
      const connection = new FakeConnection(configuration);
      opened.push(connection);
      return connection as unknown as RelayProbe;
    },
  });
  const [connection] = opened;
  return { answer, abort, connection: connection as FakeConnection, opened };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a relay that gives an address is reachable, and nothing stays open", async () => {
  const { answer, connection } = begin();
  connection.fail(401);
  connection.find("candidate:1 1 udp 1 192.0.2.1 50000 typ relay");
  await expect(answer).resolves.toBe("reachable");
  expect(connection.channels).toBe(1);
  expect(connection.isClosed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("only relays are asked, and over relays only", async () => {
  const { answer, abort, connection } = begin([
    stun,
    { ...relay, urls: ["stun:relay.example", "TURNS:relay.example"] },
  ] as (typeof relay)[]);
  expect(connection.configuration).toEqual({
    iceTransportPolicy: "relay",
    iceServers: [{ urls: ["TURNS:relay.example"], username: "u", credential: "c" }],
  });
  abort.abort();
  await answer;
});

test.each([[[]], [[stun]]])("without a relay no connection is opened", async (servers) => {
  const { answer, opened } = begin(servers as (typeof relay)[]);
  await expect(answer).resolves.toBe("none");
  expect(opened).toEqual([]);
});

test.each([
  ["silent", []],
  ["silent", [701, 701]],
  ["refused", [401]],
  ["refused", [701, 403, 701]],
  ["refused", [486]],
] as const)("gathering that ends without an address: %s after %j", async (expected, codes) => {
  const { answer, connection } = begin();
  for (const code of codes) connection.fail(code);
  connection.find("");
  connection.complete();
  await expect(answer).resolves.toBe(expected);
  expect(connection.isClosed).toBe(true);
});

test.each([
  ["silent", 701],
  ["refused", 403],
] as const)("the patience is 10 s: %s", async (expected, code) => {
  const { answer, connection } = begin();
  let settled: unknown = "waits";
  void answer.then((value) => (settled = value));
  connection.fail(code);
  await vi.advanceTimersByTimeAsync(9_900);
  expect(settled).toBe("waits");
  await vi.advanceTimersByTimeAsync(200);
  expect(settled).toBe(expected);
  expect(connection.isClosed).toBe(true);
});

test("an abort closes the connection at once", async () => {
  const { answer, abort, connection } = begin();
  abort.abort();
  await expect(answer).resolves.toBeUndefined();
  expect(connection.isClosed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
  await expect(checkRelay({ iceServers: [relay], signal: abort.signal })).resolves.toBeUndefined();
});

test("servers that the browser takes for nonsense are told as such", async () => {
  const openConnection = () => {
    throw new SyntaxError("no ICE URL");
  };
  const { signal } = new AbortController();
  await expect(checkRelay({ iceServers: [relay], signal, openConnection })).resolves.toBe("unusable");
  const refuses = (configuration: RTCConfiguration) => {
    const connection = new FakeConnection(configuration);
    connection.setLocalDescription = () => Promise.reject(new Error("no"));
    return connection as unknown as RelayProbe;
  };
  await expect(checkRelay({ iceServers: [relay], signal, openConnection: refuses })).resolves.toBe("unusable");
});
