/**
 * A content repository on loopback that keeps bytes as they came, and goes wrong where a test says so. Used by the
 * tests and the bench of engine/media. Invariant: what it was told is in `requests`, headers and all.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type MediaRequest = { method: string; path: string; headers: IncomingHttpHeaders };
type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export class MediaServer implements AsyncDisposable {
  readonly requests: MediaRequest[] = [];
  readonly files = new Map<string, { bytes: Buffer; contentType: string }>();
  /** Answers the next requests whose path holds the key, one handler for each. */
  readonly faults = new Map<string, Handler[]>();
  uploadLimit: number | undefined;
  /** Counts what is uploaded instead of keeping it. */
  isForgetful = false;
  url = "";
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });
  #lastId = 0;

  static async start(): Promise<MediaServer> {
    const started = new MediaServer();
    started.#server.listen(0, "127.0.0.1");
    await once(started.#server, "listening");
    started.url = `http://127.0.0.1:${(started.#server.address() as AddressInfo).port}`;
    return started;
  }

  /** Makes the next request whose path holds `part` go wrong. */
  fail(part: string, handler: Handler): void {
    this.faults.set(part, [...(this.faults.get(part) ?? []), handler]);
  }

  /** Puts a file there as if someone had uploaded it. */
  put(bytes: Uint8Array, contentType = "application/octet-stream"): string {
    this.#lastId += 1;
    const mxc = `mxc://example.org/m${this.#lastId}`;
    this.files.set(mxc, { bytes: Buffer.from(bytes), contentType });
    return mxc;
  }

  pathsWith(part: string): string[] {
    return this.requests.map(({ path }) => path).filter((path) => path.includes(part));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    this.requests.push({ method: request.method ?? "", path, headers: request.headers });
    const fault = [...this.faults].find(([part, handlers]) => path.includes(part) && handlers.length > 0)?.[1].shift();
    if (fault) return fault(request, response);
    if (path.endsWith("/media/config")) {
      return json(response, 200, this.uploadLimit === undefined ? {} : { "m.upload.size": this.uploadLimit });
    }
    if (request.method === "POST" && path.startsWith("/_matrix/media/v3/upload")) {
      const chunks: Buffer[] = [];
      for await (const chunk of request) if (!this.isForgetful) chunks.push(chunk as Buffer);
      const mxc = this.put(Buffer.concat(chunks), request.headers["content-type"]);
      return json(response, 200, { content_uri: mxc });
    }
    const id = /^\/_matrix\/client\/v1\/media\/download\/example\.org\/(m\d+)$/u.exec(path)?.[1];
    const file = id === undefined ? undefined : this.files.get(`mxc://example.org/${id}`);
    if (!file) return json(response, 404, { errcode: "M_NOT_FOUND" });
    response.writeHead(200, { "content-type": file.contentType, "content-length": String(file.bytes.length) });
    response.end(file.bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
