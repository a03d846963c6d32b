/**
 * The page of call-media.spec.ts: two sides of a call in one document, with the wire between them in memory.
 * Everything a test touches hangs on `window.peers`. Invariant: events arrive later and in order, as over a
 * homeserver; a test can drop or watch them by `onWire`.
 */
import {
  openLevelMeter,
  playTestTone,
  watchDevices,
} from "../../../renderer/features/calls/call-media/media-devices.ts";
import type { DeviceLists } from "../../../renderer/features/calls/call-media/media-devices.ts";
import { ALICE, BOB, OurSide } from "./our-side.ts";
import { MarkedDevices } from "./marked-media.ts";
import type { WireContent } from "./our-side.ts";
import { TheirSide } from "./their-side.ts";

type Receiver = { receive(type: string, content: WireContent): void };

const DELAY_MS = 15;

export type WireEvent = { from: string; type: string; content: WireContent };

/** How devices are tried out, as far as only a browser can show it. */
const tools = {
  playTestTone,
  listDevices: () =>
    new Promise<DeviceLists>((resolve) => {
      const close = watchDevices((devices) => {
        resolve(devices);
        setTimeout(() => close());
      });
    }),
  /** The loudest that the level meter shows within a time. */
  measure: async (stream: MediaStream, forMs: number) => {
    let loudest = 0;
    const close = openLevelMeter(stream, (level) => (loudest = Math.max(loudest, level)));
    await new Promise((resolve) => setTimeout(resolve, forMs));
    close();
    return loudest;
  },
};

class Peers {
  readonly wire: WireEvent[] = [];
  readonly tools = tools;
  devices: MarkedDevices | undefined;
  /** What becomes of an event on its way; undefined leaves it as it is. */
  onWire: ((event: WireEvent) => WireContent) | undefined;
  alice: OurSide | undefined;
  bob: OurSide | undefined;
  them: TheirSide | undefined;

  #link(from: string, to: () => Receiver | undefined) {
    return (type: string, content: WireContent) => {
      const event = { from, type, content };
      this.wire.push(event);
      const arriving = this.onWire?.(event) ?? content;
      setTimeout(() => to()?.receive(type, arriving), DELAY_MS);
    };
  }

  /** Two sides of ours. */
  openOurs(options: { isRelayOnly?: boolean } = {}): void {
    const send = this.#link("alice", () => this.bob);
    this.alice = new OurSide({ userId: ALICE, peerUserId: BOB, send, ...options });
    this.bob = new OurSide({ userId: BOB, peerUserId: ALICE, send: this.#link("bob", () => this.alice) });
  }

  /** Ours against matrix-js-sdk. */
  openTheirs(): void {
    this.them = new TheirSide(this.#link("them", () => this.alice));
    this.alice = new OurSide({ userId: ALICE, peerUserId: BOB, send: this.#link("alice", () => this.them) });
  }

  /** Devices that can be told apart: alice's are tone-1250 and colour-300, the other side's tone-700 and colour-60. */
  useMarks(): void {
    this.devices = new MarkedDevices(["tone-700", "colour-60", "tone-1250", "tone-1700", "colour-300", "colour-200"]);
    this.alice?.choices.set({ microphoneId: "tone-1250", cameraId: "colour-300" });
  }
}

declare global {
  interface Window {
    peers: Peers;
  }
}

window.peers = new Peers();
