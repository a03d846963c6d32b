/**
 * startTurnServer: coturn on loopback, with the shared secret by which Synapse hands out credentials for it.
 * Called by the specs and benches of calls that go over a relay. Invariants: it listens and relays on loopback only;
 * what answers is there when the promise resolves; it dies with `stop`, and its files with it.
 * spec: client-server, GET /voip/turnServer; RFC 8656.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError, tail } from "./cache.ts";
import { findFreePort } from "./homeserver.ts";
import { TURN_SECRET } from "./synapse-config.ts";

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 3_000;
/** Above what the system gives out by itself, so that nobody has them by chance. */
const RELAY_PORTS = { first: 61_000, last: 61_400 };

export interface TurnServer extends AsyncDisposable {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts the coturn at `binary` (see ensureTurnServer) and waits until it answers. */
export async function startTurnServer(binary: string): Promise<TurnServer> {
  const folder = await mkdtemp(join(tmpdir(), "lattice-turn-"));
  const port = await findFreePort();
  const child = spawn(binary, argumentsOf(port, folder), { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-8_000);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  const isOver = () => failure !== undefined || child.exitCode !== null || child.signalCode !== null;

  const stop = async (): Promise<void> => {
    if (!isOver()) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(late);
    }
    await rm(folder, { recursive: true, force: true });
  };

  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!isOver() && performance.now() < deadlineMs) {
    if (await answers(port)) return { port, stop, [Symbol.asyncDispose]: stop };
    await sleep(25);
  }
  await stop();
  throw new SetupError(`The TURN server could not be started. ${failure?.message ?? ""}\n${tail(output)}`);
}

function argumentsOf(port: number, folder: string): string[] {
  const values: Record<string, string | number> = {
    "listening-ip": "127.0.0.1",
    "listening-port": port,
    "relay-ip": "127.0.0.1",
    "min-port": RELAY_PORTS.first,
    "max-port": RELAY_PORTS.last,
    "static-auth-secret": TURN_SECRET,
    realm: "localhost",
    "relay-threads": 1,
    "log-file": "stdout",
    pidfile: join(folder, "turn.pid"),
    userdb: join(folder, "turn.db"),
  };
  const switches = ["use-auth-secret", "allow-loopback-peers", "no-cli", "no-tls", "no-dtls", "no-rfc5780"];
  return ["-n", ...switches.map((name) => `--${name}`), ...Object.entries(values).map(([name, v]) => `--${name}=${v}`)];
}

/** Whether a STUN server answers there. spec: RFC 8489, binding request. */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    const request = Buffer.concat([Buffer.from("000100002112a442", "hex"), randomBytes(12)]);
    const reply = once(socket, "message", { signal: AbortSignal.timeout(250) });
    socket.send(request, port, "127.0.0.1");
    const [message] = (await reply) as [Buffer];
    return message.readUInt16BE(0) === 0x0101;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
