/**
 * HostSession: who may talk to the host. Made by server.ts, once per run.
 * The address that the program prints carries a token that is good for one exchange, for a cookie that scripts
 * cannot read. Invariant: a page of another origin, another user's program or a name that was rebound to loopback
 * never passes: the Host header, the Origin and the cookie are each compared whole.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export class HostSession {
  readonly #authority: string;
  readonly #origins: readonly string[];
  readonly #cookieName: string;
  readonly #secret = randomBytes(32).toString("base64url");
  readonly #tokens = new Set<string>();

  /** `extraOrigins` are origins beside the host's own that may open sockets: a development server's. */
  constructor(port: number, extraOrigins: readonly string[] = []) {
    this.#authority = `127.0.0.1:${port}`;
    this.#origins = [`http://${this.#authority}`, ...extraOrigins];
    // Cookies do not know ports: the name keeps two hosts in one browser apart.
    this.#cookieName = `lattice-${port}`;
  }

  /** A new one-time token. */
  mintToken(): string {
    const token = randomBytes(32).toString("base64url");
    this.#tokens.add(token);
    return token;
  }

  /** Whether the token is good; it is not any more afterwards. */
  redeem(token: string): boolean {
    const match = [...this.#tokens].find((known) => isSame(known, token));
    return match !== undefined && this.#tokens.delete(match);
  }

  /** The cookie that stands for this session, as a Set-Cookie header. */
  get setCookie(): string {
    return `${this.#cookieName}=${this.#secret}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Whether the request names this host by its address. A rebound name would show here. */
  hasRightHost(request: IncomingMessage): boolean {
    return request.headers.host === this.#authority;
  }

  /** Whether the request carries the session's cookie. */
  hasCookie(request: IncomingMessage): boolean {
    const wanted = `${this.#cookieName}=`;
    return (request.headers.cookie ?? "")
      .split(";")
      .map((pair) => pair.trim())
      .some((pair) => pair.startsWith(wanted) && isSame(pair.slice(wanted.length), this.#secret));
  }

  /** Whether the page of this host asks, for a socket or to write: browsers name the origin whenever that matters. */
  isOwnPage(request: IncomingMessage): boolean {
    const origin = request.headers.origin;
    return (
      this.hasRightHost(request) && origin !== undefined && this.#origins.includes(origin) && this.hasCookie(request)
    );
  }
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
