/**
 * The files of the page: which file answers a path, and with which headers. Used by server.ts.
 * Invariant: a path is looked up in a list of the files that are there; it is never joined to a folder's name, so
 * that no path can lead out of the folder.
 */
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".wav": "audio/wav",
  ".ogg": "audio/ogg",
  ".mp3": "audio/mpeg",
};

/** The policy of the page: its own code only, no markup from strings, no network but this host. */
export const contentSecurityPolicy = (port: number): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    `connect-src 'self' ws://127.0.0.1:${port}`,
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");

/** Headers of every answer, whatever it is. */
export const commonHeaders: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "camera=(self), microphone=(self), fullscreen=(self), display-capture=(self), speaker-selection=(self), geolocation=(), usb=(), hid=(), serial=()",
};

/** What is sent for a path. */
export type PageFile = { bytes: Buffer; contentType: string; isForever: boolean };

export class PageFiles {
  readonly #rendererDir: string;
  readonly #hostScript: string;
  readonly #title: string;
  #paths: ReadonlyMap<string, string> = new Map();

  /** `hostScript` is put into the page before its own code; `title` names the window until the page does. */
  constructor(options: { rendererDir: string; hostScript: string; title: string }) {
    this.#rendererDir = options.rendererDir;
    this.#hostScript = options.hostScript;
    this.#title = options.title;
  }

  /** The file behind a path of an address, or undefined. */
  async read(path: string): Promise<PageFile | undefined> {
    if (path === "/" || path === "/index.html") {
      const html = await readFile(join(this.#rendererDir, "index.html"), "utf8");
      const script = '<head>\n    <script type="module" src="./host.js"></script>';
      const title = `<title>${escapeHtml(this.#title)}</title>`;
      const page = html.replace("<head>", () => script).replace(/<title>[^<]*<\/title>/u, () => title);
      return { bytes: Buffer.from(page), contentType: "text/html; charset=utf-8", isForever: false };
    }
    if (path === "/host.js") {
      return {
        bytes: await readFile(this.#hostScript),
        contentType: "text/javascript; charset=utf-8",
        isForever: false,
      };
    }
    // A rebuilt page has files of new names: look again once before saying no.
    if (!this.#paths.has(path)) this.#paths = await listFiles(this.#rendererDir);
    const file = this.#paths.get(path);
    const contentType = contentTypes[extname(path)];
    if (file === undefined || contentType === undefined) return undefined;
    return { bytes: await readFile(file), contentType, isForever: path.startsWith("/assets/") };
  }
}

/** Real files only: a link could lead anywhere. */
async function listFiles(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [`/${relative(folder, file).split(sep).join("/")}`, file]),
  );
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
