/**
 * How Chromium is started where calls are tested. Used by the Playwright configs and by the specs that open
 * windows of their own. Invariant: fake devices only, no host names by mDNS (nobody answers them in a
 * container), nothing in the background that talks to the network, no question before a page talks to loopback.
 */

/** Flags that give a headless Chromium a fake camera, a fake microphone, and sound without a click. */
export const callFlags: string[] = [
  "--no-sandbox",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  "--allow-loopback-in-peer-connection",
  "--disable-background-networking",
  "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
];
