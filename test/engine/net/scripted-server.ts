/**
 * A server on loopback whose every answer a test writes. Used by the tests of engine/net.
 * `fetchAs` makes a fetch that brings requests for any https host here, so that discovery can be tried without
 * names and certificates. Invariant: what is not scripted fails the request with 404 and no Matrix error.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type SeenRequest = {
  method: string;
  host: string;
  path: string;
  authorization: string | undefined;
  body: string;
};
export type Answer = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

export const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
export const html =
  (status = 200): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "text/html" }).end("<html><title>Welcome to our Wi-Fi</title></html>");
  };
export const redirect =
  (location: string, status = 302): Answer =>
  (response) => {
    response.writeHead(status, { location }).end();
  };

export class ScriptedServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  /** Answers by "METHOD host/path", by "METHOD /path" or by "/path", the first that fits. */
  readonly answers = new Map<string, Answer>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  url = "";

  static async start(): Promise<ScriptedServer> {
    const started = new ScriptedServer();
    started.#server.listen(0, "127.0.0.1");
    await once(started.#server, "listening");
    started.url = `http://127.0.0.1:${(started.#server.address() as AddressInfo).port}`;
    return started;
  }

  /** A fetch for which this server is every https host; plain http passes untouched. */
  readonly fetchAs: typeof fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== "https:") return fetch(url, init);
    const headers = new Headers(init?.headers);
    headers.set("x-test-host", url.host);
    return fetch(`${this.url}${url.pathname}${url.search}`, { ...init, headers });
  };

  paths(): string[] {
    return this.requests.map(({ host, path }) => `${host}${path}`);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const host = request.headers["x-test-host"];
    const path = request.url ?? "";
    const seen: SeenRequest = {
      method: request.method ?? "",
      host: typeof host === "string" ? host : "",
      path,
      authorization: request.headers.authorization,
      body,
    };
    this.requests.push(seen);
    const bare = path.split("?")[0] ?? path;
    const answer = [`${seen.method} ${seen.host}${bare}`, `${seen.host}${bare}`, `${seen.method} ${bare}`, bare, "*"]
      .map((key) => this.answers.get(key))
      .find((found) => found !== undefined);
    await (answer ?? html(404))(response, seen);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
