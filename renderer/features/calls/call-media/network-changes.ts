/**
 * Tells when this computer came to another network, so that a call looks for a new path before the old one is
 * missed. Used by call-media.ts.
 * Invariant: only changes of the network are told, not those of its estimated speed, which come all the time.
 * spec: HTML, "online"; W3C Network Information API.
 */

/** Not in TypeScript's library; browsers may lack it, or know no `type`. */
type NetworkInformation = EventTarget & { readonly type?: string };

/** Calls `onChange` after each change; gives back the end of it. */
export function watchNetwork(onChange: () => void): () => void {
  const { connection } = navigator as Navigator & { connection?: NetworkInformation };
  let type = connection?.type;
  const onConnection = () => {
    if (connection?.type === type) return;
    type = connection?.type;
    if (type !== "none") onChange();
  };
  window.addEventListener("online", onChange);
  connection?.addEventListener("change", onConnection);
  return () => {
    window.removeEventListener("online", onChange);
    connection?.removeEventListener("change", onConnection);
  };
}
