/**
 * The page of the Chromium peer: OlmMachine on the browser's own IndexedDB, as Element runs it. Bundled and called
 * by peers.ts.
 */
import { DeviceId, initAsync, OlmMachine, StoreHandle, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { importInSteps, openMachineWork } from "./machine-work.ts";
import { RECEIVER, type Work } from "./work.ts";

const STORE_KEY = new Uint8Array(32).fill(7);

declare global {
  interface Window {
    benchWork: Promise<Work>;
  }
}

window.benchWork = initAsync().then(() =>
  openMachineWork({
    async open(deviceId) {
      const handle = await StoreHandle.openWithKey(deviceId, STORE_KEY);
      const olm = await OlmMachine.initFromStore(new UserId(RECEIVER), new DeviceId(deviceId), handle);
      return { olm, close: () => olm.close() };
    },
    importKeys: (olm, keys, report) => importInSteps(olm, keys, 250, report),
  }),
);
