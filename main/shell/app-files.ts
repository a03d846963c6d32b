/**
 * Which file of the renderer bundle answers an address of the `app:` scheme, and with which headers.
 * Used by app-protocol.ts. Invariant: the result lies inside the bundle's folder, whatever the address; symbolic
 * links are resolved before that is checked.
 */
import { realpath } from "node:fs/promises";
import { extname, join, relative, resolve, sep } from "node:path";

/** Origin of the app's one page. */
export const APP_ORIGIN = "app://lattice";
/** Scheme that serves media of the homeserver, an origin of its own. */
export const MEDIA_SCHEME = "lattice-media";

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
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

/** The policy of the page: only its own code, no markup by strings, no network but media of the app's own scheme. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  `img-src 'self' ${MEDIA_SCHEME}: blob: data:`,
  `media-src 'self' ${MEDIA_SCHEME}: blob:`,
  "font-src 'self'",
  `connect-src 'self' ${MEDIA_SCHEME}:`,
  "worker-src 'self'",
  "manifest-src 'none'",
  "object-src 'none'",
  "frame-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** Headers of every answer of the `app:` scheme. */
export const appHeaders = (contentType: string): Record<string, string> => ({
  "content-type": contentType,
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy":
    "camera=(self), microphone=(self), fullscreen=(self), geolocation=(), usb=(), hid=(), serial=()",
});

/** Whether an address belongs to the app's own page. */
export function isAppUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === "app:" && url.host === "lattice" && url.username === "" && url.password === "";
}

/**
 * The path inside the bundle that an address names: relative, with forward slashes. Undefined where it names
 * none, or tries to leave the folder. A path without an extension is a route of the page: index.html.
 */
export function bundlePath(text: string): string | undefined {
  if (!isAppUrl(text)) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(new URL(text).pathname);
  } catch {
    return undefined;
  }
  // Drive letters, alternate streams, UNC and Windows separators have no business in a bundle.
  // eslint-disable-next-line no-control-regex
  if (/[\\:%\u0000-\u001f\u007f]|\/\//u.test(path)) return undefined;
  const segments = path.split("/").filter((segment) => segment !== "");
  if (segments.some((segment) => segment.startsWith(".") || /[. ]$/u.test(segment))) return undefined;
  const last = segments.at(-1);
  return last === undefined || extname(last) === "" ? "index.html" : segments.join("/");
}

/** The file that answers an address, and its type; undefined where there is none. */
export async function findAppFile(
  root: string,
  text: string,
): Promise<{ path: string; contentType: string } | undefined> {
  const inside = bundlePath(text);
  const contentType = inside === undefined ? undefined : contentTypes[extname(inside)];
  if (inside === undefined || contentType === undefined) return undefined;
  try {
    const realRoot = await realpath(resolve(root));
    const path = await realpath(join(realRoot, inside));
    const way = relative(realRoot, path);
    if (way === "" || way === ".." || way.startsWith(`..${sep}`) || resolve(realRoot, way) !== path) return undefined;
    return { path, contentType };
  } catch {
    return undefined;
  }
}
