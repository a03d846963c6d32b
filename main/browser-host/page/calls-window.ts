/**
 * The window of calls in a browser: a window of the same origin that the rooms' page opens, and the few words that the
 * two say to each other. Used by host.ts, which is the script of both pages.
 * Invariants: only windows of our own origin are listened to, which serves nobody else's pages; a request is handed
 * over once, and waits until the other page listens; a window that is open is never loaded anew.
 */
import * as v from "valibot";
import {
  callRequestSchema,
  routeSchema,
  type CallRequest,
  type HostInfo,
  type Route,
} from "../../../preload/contract/shell-contract.ts";

const WINDOW_NAME = "lattice-calls";
const WINDOW_FEATURES = "popup,width=960,height=640";
const ROLE_PARAMETER = "window";
const CALLS_ROLE = "calls" satisfies HostInfo["role"];

/** What the two pages say to each other. */
const wordSchema = v.variant("lattice", [
  /** Rooms to calls: are you there? */
  v.object({ lattice: v.literal("hello") }),
  /** Calls to rooms: I listen. */
  v.object({ lattice: v.literal("listening") }),
  v.object({ lattice: v.literal("call"), request: callRequestSchema }),
  v.object({ lattice: v.literal("route"), route: routeSchema }),
]);
type Word = v.InferOutput<typeof wordSchema>;

/** What the address of this page says that it is for. */
export const roleOfPage = (): HostInfo["role"] =>
  new URLSearchParams(window.location.search).get(ROLE_PARAMETER) === CALLS_ROLE ? "calls" : "main";

const say = (to: Window, word: Word): void => to.postMessage(word, window.location.origin);

function hear(listen: (word: Word, from: MessageEventSource | null) => void): void {
  window.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (event.origin !== window.location.origin) return;
    const parsed = v.safeParse(wordSchema, event.data);
    if (parsed.success) listen(parsed.output, event.source);
  });
}

/** The rooms' side. `onRoute` hears where the window of calls wants to lead. */
export function openCallsSide(onRoute: (route: Route) => void): (request: CallRequest) => boolean {
  let calls: Window | undefined;
  let waiting: CallRequest[] = [];
  hear((word, from) => {
    if (word.lattice === "route") onRoute(word.route);
    if (word.lattice !== "listening" || !calls || from !== calls) return;
    for (const request of waiting.splice(0)) say(calls, { lattice: "call", request });
  });
  return (request) => {
    // By its name a window is found again that an earlier load of this page opened; without an address it stays as it is.
    const found = window.open("", WINDOW_NAME, WINDOW_FEATURES);
    if (!found) return false;
    const isKnown = calls === found;
    const isNew = !isKnown && found.location.href === "about:blank";
    if (isNew && request.ask === "show") {
      found.close();
      return false;
    }
    waiting = [...(isKnown ? waiting : []), request];
    calls = found;
    if (isNew) found.location.replace(`/?${ROLE_PARAMETER}=${CALLS_ROLE}`);
    else say(found, { lattice: "hello" });
    found.focus();
    return true;
  };
}

/** The calls' side: hears what it is asked for, and leads the rooms' window somewhere. */
export function openRoomsSide(): {
  onRequest(listener: (request: CallRequest) => void): () => void;
  openMain(route: Route): void;
} {
  const rooms = (): Window | undefined => {
    // Typed as any, and null where the window was opened by nobody.
    const opener = window.opener as Window | null;
    return opener && !opener.closed ? opener : undefined;
  };
  const listeners = new Set<(request: CallRequest) => void>();
  const tellListening = (): void => {
    const opener = rooms();
    if (opener && listeners.size > 0) say(opener, { lattice: "listening" });
  };
  hear((word) => {
    if (word.lattice === "hello") tellListening();
    if (word.lattice === "call") for (const listener of listeners) listener(word.request);
  });
  return {
    onRequest(listener) {
      listeners.add(listener);
      tellListening();
      return () => listeners.delete(listener);
    },
    openMain(route) {
      const opener = rooms();
      if (!opener) return void window.open("/", "_blank");
      say(opener, { lattice: "route", route });
      opener.focus();
    },
  };
}
