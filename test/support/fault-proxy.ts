/**
 * startFaultProxy: an HTTP proxy before the homeserver, whose faults are arguments of the test.
 * Called by engine and end-to-end tests; the engine under test is given the proxy's URL as its homeserver.
 * Invariant: a request without a matching rule passes unchanged; of several matching rules the one added last acts.
 * Bodies are read whole on both sides, which Matrix's client API allows.
 */
import { once } from "node:events";
import {
  Agent,
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to a request that a rule matches. */
export type FaultResponse =
  /** Our answer in place of the server's, which never sees the request. An object becomes JSON. */
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** The request reaches the server late. */
  | { delayMs: number }
  /** The server's answer, with its JSON body changed. */
  | { rewrite: (body: unknown) => unknown }
  /** No answer, and the server never sees the request: the connection closes. */
  | "drop"
  /** The same, by a TCP reset. */
  | "reset"
  /** The server acts on the request, but its answer is lost. */
  | "drop-response"
  /** The server's answer stops in the middle. */
  | "half-body"
  /** The request waits before the server until the fault is released or removed. */
  | "hold"
  /** The server acts on the request, and its answer waits until the fault is released or removed. */
  | "hold-response";

export type FaultRule = {
  /** Upper case; without it any method. */
  method?: string;
  /** Tested against path and query. */
  path: RegExp;
  /** How many requests it acts on; without it all of them. */
  times?: number;
  response: FaultResponse;
};

/** An active rule. Calling it removes the rule and lets go what it held. */
export type Fault = (() => void) & {
  /** Lets go what is held now and what would be held later. */
  release(): void;
  /** Resolves when the rule has acted on this many requests. */
  matched(count?: number): Promise<void>;
};

/** One request as it came in; `status` is what the client was answered, undefined while or where it was not. */
export type LoggedRequest = { method: string; path: string; body: unknown; status: number | undefined; atMs: number };

export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly LoggedRequest[];
  add(rule: FaultRule): Fault;
  /** Keeps the rule for as long as `run` runs. */
  during<T>(rule: FaultRule, run: (fault: Fault) => Promise<T> | T): Promise<T>;
  /** Cuts every open connection, as pulling the cable does; new ones are welcome. */
  disconnectAll(): void;
  stop(): Promise<void>;
}

type ActiveRule = { rule: FaultRule; acted: number; released: PromiseWithResolvers<void>; onActed: Set<() => void> };
type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** Starts a proxy on a free loopback port in this process. */
export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const agent = new Agent({ keepAlive: true });
  const rules: ActiveRule[] = [];
  const requests: LoggedRequest[] = [];

  const server = createServer((incoming, outgoing) => {
    // A client that goes away in the middle is part of the tests, not an error.
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on("clientError", (_error, socket) => socket.destroy());

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController();
    outgoing.on("close", () => gone.abort());
    const method = incoming.method ?? "GET";
    const path = incoming.url ?? "/";
    const logged: LoggedRequest = { method, path, body: undefined, status: undefined, atMs: Date.now() };
    requests.push(logged);
    const body = await readWhole(incoming);
    logged.body = parseOrText(body);

    const active = take(rules, method, path);
    const fault = active?.rule.response;
    const held = () => Promise.race([active?.released.promise, once(gone.signal, "abort")]);

    if (fault === "drop") return void incoming.socket.destroy();
    if (fault === "reset") return void incoming.socket.resetAndDestroy();
    if (typeof fault === "object" && "status" in fault) return reply(outgoing, logged, ownAnswer(fault));
    if (fault === "hold") await held();
    if (typeof fault === "object" && "delayMs" in fault) await delay(fault.delayMs, gone.signal);

    // Not tied to the client's going: a request that left it reaches the server, whatever happens to the answer.
    if (gone.signal.aborted && fault === "hold") return;
    const leash = fault === "drop-response" || fault === "hold-response" ? undefined : gone.signal;
    const answer = await forward({ target, agent, method, path, headers: incoming.headers, body, signal: leash });

    if (fault === "drop-response") return void incoming.socket.destroy();
    if (fault === "hold-response") await held();
    if (fault === "half-body") return cutInHalf(incoming, outgoing, answer);
    if (typeof fault === "object" && "rewrite" in fault) {
      return reply(outgoing, logged, { ...answer, body: toBody(fault.rewrite(parseOrText(answer.body))) });
    }
    reply(outgoing, logged, answer);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const add = (rule: FaultRule): Fault => {
    const active: ActiveRule = { rule, acted: 0, released: Promise.withResolvers(), onActed: new Set() };
    rules.unshift(active);
    const remove = () => {
      const at = rules.indexOf(active);
      if (at >= 0) rules.splice(at, 1);
      active.released.resolve();
    };
    return Object.assign(remove, {
      release: () => active.released.resolve(),
      matched: (count = 1) =>
        new Promise<void>((resolve) => {
          const look = () => {
            if (active.acted < count) return;
            active.onActed.delete(look);
            resolve();
          };
          active.onActed.add(look);
          look();
        }),
    });
  };

  const stop = async () => {
    for (const active of rules.splice(0)) active.released.resolve();
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    agent.destroy();
    await closed;
  };

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    add,
    async during(rule, run) {
      const fault = add(rule);
      try {
        return await run(fault);
      } finally {
        fault();
      }
    },
    disconnectAll: () => server.closeAllConnections(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function take(rules: readonly ActiveRule[], method: string, path: string): ActiveRule | undefined {
  const active = rules.find(
    ({ rule, acted }) =>
      (rule.method === undefined || rule.method === method) &&
      path.search(rule.path) >= 0 &&
      acted < (rule.times ?? Number.POSITIVE_INFINITY),
  );
  if (active === undefined) return undefined;
  active.acted += 1;
  for (const look of active.onActed) look();
  return active;
}

type Forwarded = {
  target: URL;
  agent: Agent;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  signal: AbortSignal | undefined;
};

async function forward(call: Forwarded): Promise<Answer> {
  const outward = request({
    host: call.target.hostname,
    port: call.target.port,
    agent: call.agent,
    method: call.method,
    path: call.path,
    headers: {
      ...withoutHopHeaders(call.headers),
      host: call.target.host,
      // Rewriting needs a body that can be read.
      "accept-encoding": "identity",
      "content-length": String(call.body.length),
    },
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
  outward.end(call.body);
  const [response] = (await once(outward, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 502, headers: response.headers, body: await readWhole(response) };
}

function withoutHopHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const {
    connection,
    "keep-alive": keepAlive,
    "transfer-encoding": encoding,
    "content-length": length,
    ...rest
  } = headers;
  void [connection, keepAlive, encoding, length];
  return rest;
}

function ownAnswer(fault: { status: number; headers?: Record<string, string>; body?: unknown }): Answer {
  const type = typeof fault.body === "string" ? "text/plain" : "application/json";
  return { status: fault.status, headers: { "content-type": type, ...fault.headers }, body: toBody(fault.body) };
}

function reply(outgoing: ServerResponse, logged: LoggedRequest, answer: Answer): void {
  logged.status = answer.status;
  outgoing.writeHead(answer.status, { ...withoutHopHeaders(answer.headers), "content-length": answer.body.length });
  outgoing.end(answer.body);
}

function cutInHalf(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer): void {
  outgoing.writeHead(answer.status, { ...withoutHopHeaders(answer.headers), "content-length": answer.body.length });
  outgoing.write(answer.body.subarray(0, answer.body.length >> 1), () => incoming.socket.destroy());
}

async function readWhole(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function toBody(value: unknown): Buffer {
  if (value === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

function parseOrText(body: Buffer): unknown {
  const text = body.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text === "" ? undefined : text;
  }
}

function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
