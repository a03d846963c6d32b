/**
 * One side of a call alone in its page, ours or matrix-js-sdk's: what it sends goes to the test, which hands it to
 * the other page. The page of namespaces.spec.ts; everything hangs on `window.onePeer`.
 * Invariant: the events need no network, so that a cut link cuts the media and nothing else.
 */
import { ALICE, BOB, OurSide } from "../../pages/our-side.ts";
import { TheirSide } from "../../pages/their-side.ts";

declare global {
  interface Window {
    onePeer: OurSide | TheirSide;
    openPeer(who: "alice" | "bob" | "sdk-bob"): void;
    /** Given by the test. */
    sendWire(type: string, content: Record<string, unknown>): void;
  }
}

window.openPeer = (who) => {
  const send = (type: string, content: Record<string, unknown>) => window.sendWire(type, content);
  const [userId, peerUserId] = who === "alice" ? [ALICE, BOB] : [BOB, ALICE];
  window.onePeer = who === "sdk-bob" ? new TheirSide(send) : new OurSide({ userId, peerUserId, send });
};
