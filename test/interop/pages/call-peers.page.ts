/**
 * The page of call-media.spec.ts: two sides of a call in one document, with the wire between them in memory.
 * Everything a test touches hangs on `window.peers`. Invariant: events arrive later and in order, as over a
 * homeserver; a test can drop or watch them by `onWire`.
 */
import { ALICE, BOB, OurSide } from "./our-side.ts";
import type { WireContent } from "./our-side.ts";
import { TheirSide } from "./their-side.ts";

type Receiver = { receive(type: string, content: WireContent): void };

const DELAY_MS = 15;

export type WireEvent = { from: string; type: string; content: WireContent };

class Peers {
  readonly wire: WireEvent[] = [];
  alice: OurSide | undefined;
  bob: OurSide | undefined;
  them: TheirSide | undefined;

  #link(from: string, to: () => Receiver | undefined) {
    return (type: string, content: WireContent) => {
      this.wire.push({ from, type, content });
      setTimeout(() => to()?.receive(type, content), DELAY_MS);
    };
  }

  /** Two sides of ours. */
  openOurs(): void {
    this.alice = new OurSide({ userId: ALICE, peerUserId: BOB, send: this.#link("alice", () => this.bob) });
    this.bob = new OurSide({ userId: BOB, peerUserId: ALICE, send: this.#link("bob", () => this.alice) });
  }

  /** Ours against matrix-js-sdk. */
  openTheirs(): void {
    this.them = new TheirSide(this.#link("them", () => this.alice));
    this.alice = new OurSide({ userId: ALICE, peerUserId: BOB, send: this.#link("alice", () => this.them) });
  }
}

declare global {
  interface Window {
    peers: Peers;
  }
}

window.peers = new Peers();
