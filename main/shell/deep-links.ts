/**
 * Deep links: turns a `matrix:` URI or a matrix.to link into a route of the app, and finds one in the arguments of
 * a program start. Called by index.ts for the first instance, for later instances and for macOS's open-url.
 * Invariant: pure; a link is data that becomes a parsed Route or nothing. No link is ever loaded as a page.
 * spec: appendices, "URIs" (Matrix URI scheme, matrix.to navigation).
 */
import * as v from "valibot";
import { routeSchema, type Route } from "../../preload/contract/shell-contract.ts";

const MAX_LINK_LENGTH = 4_096;
const MAX_VIA = 5;
const SERVER_NAME = /^[A-Za-z0-9.\-:[\]]{1,255}$/u;

/** The sigil that each kind of Matrix URI leaves out; the long words are those of the drafts, still in use. */
const sigils: Readonly<Record<string, string>> = {
  u: "@",
  user: "@",
  r: "#",
  room: "#",
  roomid: "!",
  e: "$",
  event: "$",
};

/** The route that a link names, or undefined where it names none. */
export function parseLink(text: string): Route | undefined {
  if (text.length > MAX_LINK_LENGTH) return undefined;
  if (/^matrix:/iu.test(text)) return parseMatrixUri(text.slice("matrix:".length));
  const matrixTo = /^https:\/\/(?:www\.)?matrix\.to\/#\/(.*)$/iu.exec(text);
  return matrixTo ? parseMatrixTo(matrixTo[1] ?? "") : undefined;
}

/** The first argument that is a link; switches and paths are none. */
export function findLink(argv: readonly string[]): string | undefined {
  return argv.find(
    (argument) =>
      argument.length <= MAX_LINK_LENGTH && /^(?:matrix:|https:\/\/(?:www\.)?matrix\.to\/)/iu.test(argument),
  );
}

function parseMatrixUri(rest: string): Route | undefined {
  const [path, query] = splitOnce(splitOnce(rest, "#")[0], "?");
  // An authority part means nothing yet; the specification lets clients skip it.
  const segments = path.replace(/^\/\/[^/]*\//u, "").split("/");
  const ids: string[] = [];
  for (let at = 0; at + 1 < segments.length; at += 2) {
    const kind = segments[at]?.toLowerCase() ?? "";
    const sigil = Object.hasOwn(sigils, kind) ? sigils[kind] : undefined;
    const id = decode(segments[at + 1] ?? "");
    if (sigil === undefined || id === undefined || id === "") return undefined;
    ids.push(sigil + id);
  }
  return segments.length % 2 === 0 ? toRoute(ids, query) : undefined;
}

function parseMatrixTo(fragment: string): Route | undefined {
  const [path, query] = splitOnce(fragment, "?");
  const ids: string[] = [];
  for (const segment of path.replace(/\/$/u, "").split("/")) {
    const id = decode(segment);
    if (id === undefined || id === "") return undefined;
    ids.push(id);
  }
  return toRoute(ids, query);
}

function toRoute(ids: readonly string[], query: string): Route | undefined {
  const [id = "", eventId, ...more] = ids;
  if (more.length > 0 || (eventId !== undefined && !eventId.startsWith("$"))) return undefined;
  const candidate = candidateRoute(id, eventId, query);
  const parsed = v.safeParse(routeSchema, candidate);
  return parsed.success ? parsed.output : undefined;
}

function candidateRoute(id: string, eventId: string | undefined, query: string): unknown {
  switch (id[0]) {
    case "!":
      return { to: "room", roomId: id, ...(eventId === undefined ? {} : { eventId }) };
    case "#": {
      const via = new URLSearchParams(query)
        .getAll("via")
        .filter((server) => SERVER_NAME.test(server))
        .slice(0, MAX_VIA);
      return { to: "alias", alias: id, ...(via.length === 0 ? {} : { via }) };
    }
    case "@":
      return eventId === undefined ? { to: "user", userId: id } : undefined;
    default:
      return undefined;
  }
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}
