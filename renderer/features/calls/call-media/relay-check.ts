/**
 * Whether a relay answers, found out before a call needs it: gathers candidates in a connection that may use relays
 * only and that is never offered to anybody. Used by DeviceCheck.
 * Invariants: only relays are asked, no STUN server; the connection is closed when the answer is there, when the
 * patience ends and when the signal aborts; the promise never rejects.
 * spec: W3C WebRTC, icecandidate, icecandidateerror; RFC 8656, section 7.
 */
import type { IceServer } from "../../../../preload/contract/views.ts";

export type RelayAnswer =
  /** A relay gave us an address: calls can go over it. */
  | "reachable"
  /** There is no relay among the servers. */
  | "none"
  /** No relay answered in time, or none could be reached. */
  | "silent"
  /** A relay answered, and would not have us: credentials or limits. */
  | "refused"
  /** The browser takes the list of servers for nonsense. */
  | "unusable";

/** What of a peer connection is needed, so that tests can bring their own. */
export type RelayProbe = Pick<
  RTCPeerConnection,
  "addEventListener" | "close" | "createDataChannel" | "iceGatheringState" | "setLocalDescription"
>;

export type RelayCheckOptions = {
  iceServers: readonly IceServer[];
  signal: AbortSignal;
  openConnection?: (configuration: RTCConfiguration) => RelayProbe;
};

const PATIENCE_MS = 10_000;
const RELAY_URL = /^turns?:/iu;
/** Below are the words of the relay itself; from here on those of the browser, such as 701: could not be reached. */
const FIRST_BROWSER_ERROR_CODE = 700;

/** Asks the relays among `iceServers` for an address. Undefined when the signal aborts first. */
export function checkRelay(options: RelayCheckOptions): Promise<RelayAnswer | undefined> {
  const { signal, openConnection = (configuration) => new RTCPeerConnection(configuration) } = options;
  const { promise, resolve } = Promise.withResolvers<RelayAnswer | undefined>();
  if (signal.aborted) return Promise.resolve(undefined);
  const relays = relaysOf(options.iceServers);
  if (relays.length === 0) return Promise.resolve("none");

  let connection: RelayProbe;
  try {
    connection = openConnection({ iceServers: relays, iceTransportPolicy: "relay" });
  } catch {
    return Promise.resolve("unusable");
  }
  let isRefused = false;
  const withoutAddress = () => settle(isRefused ? "refused" : "silent");
  const timer = setTimeout(withoutAddress, PATIENCE_MS);
  const onAbort = () => settle(undefined);
  const settle = (answer: RelayAnswer | undefined) => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    connection.close();
    resolve(answer);
  };
  signal.addEventListener("abort", onAbort);
  connection.addEventListener("icecandidate", ({ candidate }) => {
    // The empty candidate only says that a generation of candidates is complete.
    if (candidate && candidate.candidate !== "") settle("reachable");
  });
  connection.addEventListener("icecandidateerror", ({ errorCode }) => {
    // Kept until the end: another relay, or the same over another transport, may still take us.
    isRefused ||= errorCode < FIRST_BROWSER_ERROR_CODE;
  });
  connection.addEventListener("icegatheringstatechange", () => {
    if (connection.iceGatheringState === "complete") withoutAddress();
  });
  // Without anything to carry there is nothing to gather for.
  connection.createDataChannel("");
  connection.setLocalDescription().catch(() => settle("unusable"));
  return promise;
}

/** The servers without those that are no relays. */
function relaysOf(iceServers: readonly IceServer[]): RTCIceServer[] {
  return iceServers
    .map(({ urls, username, credential }) => ({
      urls: urls.filter((url) => RELAY_URL.test(url)),
      ...(username === undefined ? {} : { username }),
      ...(credential === undefined ? {} : { credential }),
    }))
    .filter(({ urls }) => urls.length > 0);
}
