/**
 * startBrowserHost: serves the page and the engine's port to a browser on this machine. Called by index.ts and by
 * tests. Addresses: `/` the page, `/enter?token=` the one-time exchange, `/host` a socket with the engine's status,
 * `/engine` a socket per port, `/media/…` media of servers and files of messages.
 * Invariant: it listens on 127.0.0.1 only, and without the session's cookie nothing but the exchange is answered.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";
import { EngineCaller } from "./engine-caller.ts";
import { HostSession } from "./host-session.ts";
import { exchangeFile, isFileUrl } from "./files.ts";
import type { HostedEngine } from "./hosted-engine.ts";
import { answerMedia } from "./media.ts";
import { commonHeaders, contentSecurityPolicy, PageFiles } from "./page-files.ts";
import { MAX_FRAME_BYTES, SocketPort } from "./socket-port.ts";

const MAX_SOCKETS = 32;

export type BrowserHostOptions = {
  engine: HostedEngine;
  /** Folder of the built page. */
  rendererDir: string;
  /** The built `page/host.ts`. */
  hostScript: string;
  /** Default: a free one. */
  port?: number;
  /** Names the window. */
  title?: string;
  /** Origins that may open sockets beside the host's own: a development server's. */
  extraOrigins?: readonly string[];
};

export interface BrowserHost extends AsyncDisposable {
  readonly origin: string;
  /** An address that opens the app, good for one use. */
  mintUrl(): string;
  /** Ends all windows' connections; the engine is its owner's to close. */
  close(): Promise<void>;
}

/** The asked port belongs to another program. */
export class PortInUseError extends Error {
  override readonly name = "PortInUseError";
}

/** Starts to listen and gives the host back when it answers. */
export async function startBrowserHost(options: BrowserHostOptions): Promise<BrowserHost> {
  const server = createServer();
  const port = await listen(server, options.port ?? 0);
  const origin = `http://127.0.0.1:${port}`;
  const session = new HostSession(port, options.extraOrigins);
  const caller = new EngineCaller(options.engine);
  const files = new PageFiles({
    rendererDir: options.rendererDir,
    hostScript: options.hostScript,
    title: options.title ?? "Lattice",
  });
  const pageHeaders = { ...commonHeaders, "content-security-policy": contentSecurityPolicy(port) };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const send = (status: number, headers: Record<string, string>, body: Uint8Array | string = ""): void => {
      const bytes = Buffer.from(body);
      response.writeHead(status, { ...pageHeaders, "content-length": String(bytes.byteLength), ...headers });
      response.end(request.method === "HEAD" ? undefined : bytes);
    };
    const refuse = (status: number, text: string): void =>
      send(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" }, `${text}\n`);

    if (!session.hasRightHost(request))
      return refuse(421, `This is not the address of Lattice. Open ${origin} instead.`);
    const url = parseUrl(request.url, origin);
    if (!url) return refuse(400, "This address cannot be read.");
    const isUpload = request.method === "POST" && url.pathname.startsWith("/media/upload/");
    if (request.method !== "GET" && request.method !== "HEAD" && !isUpload)
      return refuse(405, "Only GET is answered here.");

    if (url.pathname === "/enter") {
      const isKnown = session.hasCookie(request);
      // HEAD must not use the token up: link checkers send it.
      if (!isKnown && (request.method !== "GET" || !session.redeem(url.searchParams.get("token") ?? ""))) {
        return refuse(
          403,
          "This address was used already, or is from an earlier run. Start Lattice again for a new one.",
        );
      }
      return send(303, {
        location: "/",
        "cache-control": "no-store",
        ...(isKnown ? {} : { "set-cookie": session.setCookie }),
      });
    }
    if (!session.hasCookie(request))
      return refuse(
        403,
        "This window is not signed in to the host. Open the address that Lattice printed when it started.",
      );
    if (isUpload && !session.isOwnPage(request)) return refuse(403, "Only the page of Lattice sends files here.");
    if (isFileUrl(url)) return exchangeFile({ url, request, response, headers: pageHeaders, caller });
    if (url.pathname.startsWith("/media/")) {
      const media = await answerMedia(url, request.headers.range, caller);
      return send(media.status, media.headers, media.bytes);
    }
    const path = decodedPath(url.pathname);
    const file = path === undefined ? undefined : await files.read(path);
    if (!file) return refuse(404, "There is no such file.");
    const cache = file.isForever ? "private, max-age=31536000, immutable" : "no-store";
    send(200, { "content-type": file.contentType, "cache-control": cache }, file.bytes);
  };

  server.on("request", (request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent)
        response.writeHead(500, { ...pageHeaders, "content-type": "text/plain; charset=utf-8" });
      response.end("The host could not read its own files. Build the app again, then reload.\n");
    });
  });

  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on("error", () => {});
    const path = parseUrl(request.url, origin)?.pathname;
    if (!session.isOwnPage(request)) return refuseUpgrade(stream, "403 Forbidden");
    if (path !== "/host" && path !== "/engine") return refuseUpgrade(stream, "404 Not Found");
    if (sockets.clients.size >= MAX_SOCKETS) return refuseUpgrade(stream, "503 Service Unavailable");
    sockets.handleUpgrade(request, stream, head, (socket) => {
      if (path === "/engine") options.engine.connect(new SocketPort(socket));
      else followStatus(socket, options.engine);
    });
  });

  const close = async (): Promise<void> => {
    caller.close();
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  };
  return { origin, mintUrl: () => `${origin}/enter?token=${session.mintToken()}`, close, [Symbol.asyncDispose]: close };
}

/** Tells a window how the engine is: at once, and with every change. The window says nothing on this socket. */
function followStatus(socket: WebSocket, engine: HostedEngine): void {
  const tell = (status: EngineStatus): void => socket.send(JSON.stringify(status));
  socket.on("error", () => {});
  socket.once("close", engine.onStatus(tell));
  tell(engine.status);
}

function refuseUpgrade(stream: Duplex, status: string): void {
  // Destroyed as well: a peer that keeps its half open must not keep the host from closing.
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => stream.destroy());
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
      throw new PortInUseError(
        `Port ${port} is in use by another program. Choose another with --port, or leave it out for a free one.`,
      );
    }
    throw error;
  }
  return (server.address() as AddressInfo).port;
}

function parseUrl(target: string | undefined, origin: string): URL | undefined {
  // A target that starts with two slashes would name another host.
  if (target === undefined || target.length > 4_096 || !/^\/(?!\/)/u.test(target) || !URL.canParse(target, origin))
    return undefined;
  return new URL(target, origin);
}

function decodedPath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}
