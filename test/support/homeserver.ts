/**
 * startHomeserver: a real Synapse on loopback, for one test run, one test or the demo.
 * Called by global-setup.ts, by tests that kill or restart their own server, and by the demo.
 * Invariant: what answers on `baseUrl` is our own child, proved by its signing key; it dies with this process however
 * that ends, and its data folder with it unless `keep` was asked for.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError, tail } from "./cache.ts";
import { registerUser, type HomeserverAddress, type RegisteredUser } from "./register-user.ts";
import { ensureSynapse, SYNAPSE_VERSION } from "./setup.ts";
import { synapseConfig, synapseLogConfig } from "./synapse-config.ts";

const LAUNCHER = join(import.meta.dirname, "synapse-launcher.py");
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;

export type HomeserverOptions = {
  /** Default `localhost:<port>`. Fixed for the life of a data folder. */
  serverName?: string;
  /** Default a free port. A port that is taken is an error when it was asked for. */
  port?: number;
  /** Default a new folder among the system's temporary ones. */
  dataDir?: string;
  /** Leaves the data folder behind. */
  keep?: boolean;
  /** Keeps the rate limits a server has out of the box; default off. */
  defaultRateLimits?: boolean;
  /** Default off: it costs writes on every sync. */
  presence?: boolean;
  /** Makes the server hand out credentials for a TURN server on this loopback port (secret: TURN_SECRET). */
  turnPort?: number;
  /** Runs Synapse's container image instead of a Python environment. Default where Synapse has no wheels. */
  docker?: boolean;
  /** Top-level keys of homeserver.yaml that win over ours. */
  config?: Record<string, unknown>;
};

export interface Homeserver extends AsyncDisposable, HomeserverAddress {
  readonly dataDir: string;
  /** The pid of the server's process; changes with a restart. */
  readonly pid: number;
  /** Makes a user; without a localpart, one with a name nobody has. */
  registerUser(
    localpart?: string,
    password?: string,
    options?: { admin?: boolean; displayName?: string },
  ): Promise<RegisteredUser>;
  /** Calls a server API as an administrator and gives the parsed answer; throws when it is not 2xx. */
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Ends the server in order and deletes its data, unless kept. */
  stop(): Promise<void>;
  /** Ends the server as a power cut would; the data stays, for restart. */
  kill9(): Promise<void>;
  /** Starts it again, after ending it where it still runs, on the same port with the same data. */
  restart(): Promise<void>;
}

/** Starts a Synapse and waits until it answers. */
export async function startHomeserver(options: HomeserverOptions = {}): Promise<Homeserver> {
  const docker = options.docker ?? process.platform !== "linux";
  const python = docker ? undefined : (await ensureSynapse()).python;
  const attempts = options.port === undefined ? 3 : 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options, python);
    } catch (error) {
      // A free port may be taken between our look and the server's bind; another one is as good.
      if (!(error instanceof PortTakenError) || attempt >= attempts) throw error;
    }
  }
}

/** The port was somebody else's when the server wanted it. */
class PortTakenError extends SetupError {}

async function startOnce(options: HomeserverOptions, python: string | undefined): Promise<Homeserver> {
  const port = options.port ?? (await findFreePort());
  if (!(await isFree(port))) {
    throw new PortTakenError(`Port ${port} is in use by another program. Stop it, or choose another port.`);
  }
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "lattice-homeserver-")));
  await mkdir(dataDir, { recursive: true });
  const address: HomeserverAddress = {
    baseUrl: `http://127.0.0.1:${port}`,
    serverName: options.serverName ?? `localhost:${port}`,
    sharedSecret: randomBytes(16).toString("hex"),
  };
  const isContainer = python === undefined;
  const seenDataDir = isContainer ? "/data" : dataDir;
  const config = synapseConfig({
    dataDir: seenDataDir,
    serverName: address.serverName,
    port,
    bindAddress: isContainer ? "0.0.0.0" : "127.0.0.1",
    sharedSecret: address.sharedSecret,
    defaultRateLimits: options.defaultRateLimits ?? false,
    presence: options.presence ?? false,
    turnPort: options.turnPort,
    extra: options.config ?? {},
  });
  const publicKey = await openSigningKey(join(dataDir, "signing.key"));
  await writeFile(join(dataDir, "homeserver.yaml"), JSON.stringify(config, undefined, 2));
  await writeFile(join(dataDir, "log.yaml"), JSON.stringify(synapseLogConfig(seenDataDir), undefined, 2));
  await copyFile(LAUNCHER, join(dataDir, "launcher.py"));

  const keep = options.keep ?? false;
  const spawnServer = () => (isContainer ? spawnContainer(dataDir, port) : spawnPython(python, dataDir, keep));
  const removeData = () => (keep ? Promise.resolve() : rm(dataDir, { recursive: true, force: true, maxRetries: 3 }));

  let child = spawnServer();
  const start = async (): Promise<void> => {
    try {
      await waitUntilUp(child, address.baseUrl, publicKey, join(dataDir, "output.log"));
    } catch (error) {
      await end(child, "SIGKILL");
      throw error;
    }
  };
  try {
    await start();
  } catch (error) {
    await removeData();
    throw error;
  }

  let adminUser: Promise<RegisteredUser> | undefined;
  const homeserver: Homeserver = {
    ...address,
    dataDir,
    get pid() {
      return child.pid ?? -1;
    },
    registerUser: (
      localpart = `user-${randomBytes(5).toString("hex")}`,
      password = "correct horse",
      userOptions = {},
    ) => registerUser(address, localpart, password, userOptions),
    async admin(method, path, body) {
      adminUser ??= homeserver.registerUser(`admin-${randomBytes(4).toString("hex")}`, undefined, { admin: true });
      const response = await fetch(address.baseUrl + path, {
        method,
        headers: { authorization: `Bearer ${(await adminUser).accessToken}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
      return JSON.parse(text);
    },
    async stop() {
      await end(child, "SIGTERM");
      await removeData();
    },
    kill9: () => end(child, "SIGKILL"),
    async restart() {
      await end(child, "SIGTERM");
      child = spawnServer();
      await start();
    },
    [Symbol.asyncDispose]: () => homeserver.stop(),
  };
  return homeserver;
}

/** A port nobody listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

const KEY_ID = "a_test";
/** What stands before the 32 bytes of the seed in a PKCS #8 key of type Ed25519 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** Writes a signing key unless the data folder has one, and gives its public half as the key API shows it. */
async function openSigningKey(path: string): Promise<string> {
  const existing = await readFile(path, "utf8").catch(() => undefined);
  const seed = existing === undefined ? randomBytes(32) : Buffer.from(existing.trim().split(" ")[2] ?? "", "base64");
  if (existing === undefined) await writeFile(path, `ed25519 ${KEY_ID} ${unpadded(seed)}\n`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return unpadded(spki.subarray(-32));
}

const unpadded = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");

function spawnPython(python: string, dataDir: string, keep: boolean): ChildProcess {
  // A proxy of the machine must not stand between two programs on loopback.
  const env = { ...process.env, SYNAPSE_CACHE_FACTOR: "0.5", PYTHONUNBUFFERED: "1" };
  for (const name of ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"]) Reflect.deleteProperty(env, name);
  const args = [join(dataDir, "launcher.py"), join(dataDir, "homeserver.yaml"), ...(keep ? [] : [dataDir])];
  return spawnLogged(python, args, dataDir, env);
}

function spawnContainer(dataDir: string, port: number): ChildProcess {
  const user = process.getuid === undefined ? [] : ["--user", `${process.getuid()}:${process.getgid?.() ?? 0}`];
  const args = ["run", "--rm", "--interactive", ...user, "--volume", `${dataDir}:/data`];
  args.push("--publish", `127.0.0.1:${port}:${port}`, "--entrypoint", "python");
  args.push(`matrixdotorg/synapse:v${SYNAPSE_VERSION}`, "/data/launcher.py", "/data/homeserver.yaml");
  return spawnLogged("docker", args, dataDir, process.env);
}

function spawnLogged(command: string, args: string[], dataDir: string, env: NodeJS.ProcessEnv): ChildProcess {
  const log = openSync(join(dataDir, "output.log"), "a");
  // The open stdin is the leash: the launcher ends when it closes. Its own process group keeps Ctrl+C from
  // ending the server before the program that owns it has closed it in order.
  const child = spawn(command, args, { cwd: dataDir, env, stdio: ["pipe", log, log], detached: true });
  closeSync(log);
  child.stdin?.on("error", () => {});
  child.once("error", () => {});
  return child;
}

async function waitUntilUp(child: ChildProcess, baseUrl: string, publicKey: string, logPath: string): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  for (;;) {
    if (failure !== undefined) throw new SetupError(`The homeserver could not be started: ${failure.message}`);
    if (child.exitCode !== null || child.signalCode !== null) {
      const output = await readFile(logPath, "utf8").catch(() => "");
      if (/address already in use|CannotListenError/i.test(output)) throw new PortTakenError(`${baseUrl} is in use.`);
      throw new SetupError(`The homeserver ended while starting. Its last words:\n${tail(output)}`);
    }
    const shown = await fetchPublicKey(baseUrl);
    if (shown === publicKey) return;
    if (shown !== undefined) throw new PortTakenError(`Another homeserver answers on ${baseUrl}.`);
    if (performance.now() > deadlineMs) {
      const output = await readFile(logPath, "utf8").catch(() => "");
      throw new SetupError(`The homeserver did not answer within 60 s. Its last words:\n${tail(output)}`);
    }
    await sleep(25);
  }
}

async function fetchPublicKey(baseUrl: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${baseUrl}/_matrix/key/v2/server`, { signal: AbortSignal.timeout(2_000) });
    const body = (await response.json()) as { verify_keys?: Record<string, { key?: string }> };
    return body.verify_keys?.[`ed25519:${KEY_ID}`]?.key ?? "none";
  } catch {
    return undefined;
  }
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  const timeout = new AbortController();
  const late = sleep(STOP_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(
    () => void child.kill("SIGKILL"),
    () => {},
  );
  await exited;
  timeout.abort();
  await late;
}
