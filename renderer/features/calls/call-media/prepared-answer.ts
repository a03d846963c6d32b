/**
 * PreparedAnswer: the connection of a call that still rings, with the answer ready and its own candidates found, so
 * that nothing of that is left to do when the user takes the call. Made by call-media-registry.ts for one call at a
 * time, given to the engine with the user's answer, taken over by the CallMedia of that call.
 * Invariants: until it is taken nothing goes out and nothing comes in: the browser is told none of the other side's
 * addresses, the other side learns nothing, and no device is opened. What was prepared is used only where it is exactly
 * what the engine wants; whatever goes wrong before is nobody's loss, the call is answered without it. What the engine
 * was given is not said again, and holds: engine and window see by the same wish for relays whether it was sent.
 */
import type { GivenAnswer } from "../../../../preload/contract/engine-contract.ts";
import type { Candidate, DesiredMedia, StreamMetadata } from "../../../../preload/contract/views.ts";
import type { CallTransport, OpenTransport, Slot, TransportEvent } from "./call-transport.ts";
import { withCandidates, withoutCandidates } from "./sdp.ts";

export type PreparedAnswerDeps = {
  openTransport: OpenTransport;
  newStream: () => MediaStream;
  watchNetwork: (onChange: () => void) => () => void;
};

export type TakenAnswer = {
  transport: CallTransport;
  offerSeq: number;
  /** The engine has the description already. */
  isGiven: boolean;
  begin: (onEvent: (event: TransportEvent) => void) => void;
};

/** Where what a callee will send has its place in the answer. */
export const slotsOf = (media: DesiredMedia["media"]): readonly ("audio" | "video")[] =>
  (media === "video" ? ["audio", "video"] : ["audio"]) satisfies Slot[];

/** What is said of our stream before the devices are open. */
export const announcedStreams = (stream: MediaStream, media: DesiredMedia["media"]): StreamMetadata => ({
  [stream.id]: { purpose: "m.usermedia", audioMuted: false, videoMuted: media === "voice" },
});

export class PreparedAnswer {
  /** What the answer says ours will come in. */
  readonly stream: MediaStream;
  readonly #desired: DesiredMedia;
  /** The other side's, that its offer came with. */
  readonly #candidates: readonly Candidate[];
  readonly #offerSeq: number;
  /** What has been until somebody hears it. */
  readonly #events: TransportEvent[] = [];
  /** So many of these the engine was given, as far as they are for it. */
  #givenCount = 0;
  readonly #unwatchNetwork: () => void;
  #onEvent: ((event: TransportEvent) => void) | undefined;
  #transport: CallTransport | undefined;

  /** Undefined for a call that no offer came with. */
  static open(desired: DesiredMedia, deps: PreparedAnswerDeps): PreparedAnswer | undefined {
    const [first] = desired.remote;
    if (desired.role !== "callee" || first?.kind !== "description") return undefined;
    return new PreparedAnswer(desired, first, deps);
  }

  private constructor(
    desired: DesiredMedia,
    offer: DesiredMedia["remote"][number] & { kind: "description" },
    deps: PreparedAnswerDeps,
  ) {
    this.stream = deps.newStream();
    this.#desired = desired;
    this.#offerSeq = offer.seq;
    const { sdp, candidates } = withoutCandidates(offer.description.sdp);
    this.#candidates = candidates;
    // What was found out about the old network is of no use on another.
    this.#unwatchNetwork = deps.watchNetwork(() => this.close());
    const { role, iceServers, isRelayOnly, isPolite, media } = desired;
    this.#transport = deps.openTransport(
      { role, streams: [], announced: { stream: this.stream, slots: slotsOf(media) }, iceServers, isRelayOnly },
      (event) => this.#onTransport(event),
    );
    this.#transport.applyRemote({ type: offer.description.type, sdp }, isPolite);
  }

  /**
   * What to give the engine with an answer of this kind. Undefined while it is not ready, and for an answer of another
   * kind. Whoever takes this gives it: from then on it is what the other side hears.
   */
  give(media: DesiredMedia["media"]): GivenAnswer | undefined {
    const made = this.#events.find((event) => event.event === "description");
    if (!made || !this.#transport || media !== this.#desired.media) return undefined;
    this.#givenCount = this.#events.length;
    this.#unwatchNetwork();
    const candidates = this.#events.flatMap((event) => (event.event === "candidate" ? [event.candidate] : []));
    const { type, sdp } = made.description;
    return {
      isRelayOnly: this.#desired.isRelayOnly,
      description: { type, sdp: withCandidates(sdp, candidates) },
      streams: announcedStreams(this.stream, media),
      isGathered: candidates.some(({ candidate }) => candidate === ""),
    };
  }

  /** Whether this is what the engine wants, now that the call is answered. */
  fits({ role, media, isRelayOnly, iceServers, remote }: DesiredMedia): boolean {
    const before = this.#desired;
    if (this.#givenCount > 0) return isRelayOnly === before.isRelayOnly;
    return (
      this.#transport !== undefined &&
      role === before.role &&
      media === before.media &&
      isRelayOnly === before.isRelayOnly &&
      JSON.stringify([iceServers, remote[0]]) === JSON.stringify([before.iceServers, before.remote[0]])
    );
  }

  /**
   * Hands the connection over: from now on it belongs to the taker, who hears what has been and what comes once
   * `begin` is called, and goes on with what follows the entry `offerSeq` of the log. Throws where what the engine was
   * given broke down meanwhile.
   */
  take(): TakenAnswer {
    const transport = this.#transport;
    if (!transport) throw new Error("The connection broke down as the call was answered.");
    this.#transport = undefined;
    this.#unwatchNetwork();
    const begin = (onEvent: (event: TransportEvent) => void) => {
      this.#onEvent = onEvent;
      for (const [index, event] of this.#events.splice(0).entries()) {
        const isGiven = index < this.#givenCount && (event.event === "description" || event.event === "candidate");
        if (!isGiven) onEvent(event);
      }
      transport.addCandidates(this.#candidates);
    };
    return { transport, offerSeq: this.#offerSeq, isGiven: this.#givenCount > 0, begin };
  }

  /** Nobody took the call here. */
  close(): void {
    this.#unwatchNetwork();
    this.#transport?.close();
    this.#transport = undefined;
  }

  #onTransport(event: TransportEvent): void {
    if (this.#onEvent) this.#onEvent(event);
    else if (event.event === "broken") this.close();
    else this.#events.push(event);
  }
}
