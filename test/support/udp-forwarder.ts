/**
 * startUdpForwarder: a bad network before one UDP server, whose faults are arguments of the test: lost packets, late
 * packets, none at all. Called by the specs and benches of calls, which put it before a TURN server.
 * Invariants: loopback only; each client has a socket, and so a port, of its own towards the server; chance comes
 * from a seed, so that two runs lose the same share of packets.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** What happens on the way to the server. The way back stays clean, so that two clients' packets meet it once each way. */
export type NetworkFaults = {
  /** Of the packets, from 0 to 1. */
  lossShare: number;
  delayMs: number;
  /** Added to or taken from the delay, evenly spread; packets overtake each other. */
  jitterMs: number;
};

export type ForwardedCounts = { forwarded: number; lost: number; silenced: number };

export interface UdpForwarder extends AsyncDisposable {
  readonly port: number;
  /** Of all clients together since the start. */
  readonly counts: Readonly<ForwardedCounts>;
  setFaults(faults: NetworkFaults): void;
  /** Lets nothing through in either direction, as a cable that was pulled, until `mend`. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

const NO_FAULTS: NetworkFaults = { lossShare: 0, delayMs: 0, jitterMs: 0 };
const SEED = 20_261_123;

/** Starts a forwarder on a free loopback port in this process. */
export async function startUdpForwarder(targetPort: number): Promise<UdpForwarder> {
  const random = seededRandom(SEED);
  const counts: ForwardedCounts = { forwarded: 0, lost: 0, silenced: 0 };
  const upstreams = new Map<string, Promise<Socket>>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let faults = NO_FAULTS;
  let isCut = false;
  let isStopped = false;
  const server = createSocket("udp4");

  async function openUpstream(port: number, address: string): Promise<Socket> {
    const socket = createSocket("udp4");
    socket.on("message", (message) => {
      if (isCut) counts.silenced += 1;
      else if (!isStopped) server.send(message, port, address);
    });
    // A server that is not there yet is a lost packet, not an error.
    socket.on("error", () => {});
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return socket;
  }

  function pass(message: Buffer, upstream: Socket): void {
    if (isStopped) return;
    counts.forwarded += 1;
    upstream.send(message, targetPort, "127.0.0.1");
  }

  async function take(message: Buffer, port: number, address: string): Promise<void> {
    const key = `${address} ${port}`;
    const opening = upstreams.get(key) ?? openUpstream(port, address);
    upstreams.set(key, opening);
    const upstream = await opening;
    if (isCut) {
      counts.silenced += 1;
      return;
    }
    if (random() < faults.lossShare) {
      counts.lost += 1;
      return;
    }
    const delayMs = faults.delayMs + faults.jitterMs * (2 * random() - 1);
    if (delayMs <= 0) {
      pass(message, upstream);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      // On its way when the cable was pulled.
      if (isCut) counts.silenced += 1;
      else pass(message, upstream);
    }, delayMs);
    timers.add(timer);
  }

  server.on("message", (message, { port, address }) => void take(message, port, address));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");

  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    for (const timer of timers) clearTimeout(timer);
    server.close();
    for (const opening of upstreams.values()) (await opening).close();
  };
  return {
    port: server.address().port,
    counts,
    setFaults(next) {
      faults = next;
    },
    cut() {
      isCut = true;
    },
    mend() {
      isCut = false;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32, public domain). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
