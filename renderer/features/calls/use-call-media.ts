/**
 * Ties the topic `calls` to the media of this window, once per engine client. Used by CallSurfaces.
 * Also hangs `window.latticeCallStats` onto the page: a documented diagnostics hook, which resolves to
 * `{ framesDecoded, totalAudioEnergy, connectedMs }` of the call that runs (see CallStats).
 * Invariant: mounting twice, as React's strict mode does, opens no second connection; the media goes when the
 * last surface of an account has gone.
 */
import { useEffect, useSyncExternalStore } from "react";
import type { AccountId, CallId } from "../../../preload/contract/ids.ts";
import type { CallView } from "../../../preload/contract/views.ts";
import type { EngineClient } from "../../engine-client/engine-client.ts";
import { useEngineClient, useHostInfo } from "../../engine-client/EngineProvider.tsx";
import { useText } from "../../text/text.ts";
import type { Text } from "../../text/text.ts";
import type { CallMedia, CallMediaSnapshot, CallStats } from "./call-media/call-media.ts";
import { NO_MEDIA } from "./call-media/call-media.ts";
import { takeEarly } from "./call-media/early-devices.ts";
import { CallMediaRegistry } from "./call-media/call-media-registry.ts";
import { openLocalMedia } from "./call-media/local-media.ts";
import { watchNetwork } from "./call-media/network-changes.ts";
import { captureScreen } from "./call-media/screen-capture.ts";
import { openSimplePeerTransport } from "./call-media/simple-peer-transport.ts";
import { callNotices } from "./call-notices.ts";
import { problemWords } from "./call-words.ts";

/** The diagnostics hook. */
export type LatticeCallStats = () => Promise<CallStats>;

declare global {
  interface Window {
    /** Diagnostics: what of the running call has come in so far. */
    latticeCallStats?: LatticeCallStats;
  }
}

const registries = new WeakMap<object, CallMediaRegistry>();
const mounts = new WeakMap<CallMediaRegistry, Map<AccountId, number>>();

function registryOf(client: EngineClient, text: Text, isCallsWindow: boolean): CallMediaRegistry {
  const existing = registries.get(client);
  if (existing) return existing;
  const registry = new CallMediaRegistry({
    report: (accountId, callId, fact) => client.call("calls.report", { accountId, callId, fact }),
    prepare: async (accountId, callId) => (await client.call("calls.prepare", { accountId, callId })).desired,
    isCallsWindow,
    onMediaFailed: (accountId, message) => callNotices.show(accountId, message),
    describeProblem: (device, problem) => text(problemWords(device, problem)),
    openTransport: openSimplePeerTransport,
    newStream: () => new MediaStream(),
    openLocalMedia: (options) => openLocalMedia(options, takeEarly(options.media)),
    captureScreen,
    watchNetwork,
  });
  registries.set(client, registry);
  mounts.set(registry, new Map());
  window.latticeCallStats = () => registry.stats();
  return registry;
}

/** What this window has made ready for the answer to a call that rings; see CallMediaRegistry. */
export const givePrepared = (
  client: object,
  callId: CallId,
  media: CallView["media"],
): ReturnType<CallMediaRegistry["givePrepared"]> => registries.get(client)?.givePrepared(callId, media);

/**
 * Keeps the media of the account's calls in step with the topic, past React: a call is not to wait for its views to be
 * drawn. To be called before the same component reads the topic, so that it hears of a change first.
 */
export function useCallMediaRegistry(accountId: AccountId): CallMediaRegistry {
  const client = useEngineClient();
  const text = useText();
  const { role } = useHostInfo();
  const registry = registryOf(client, text, role === "calls");
  useEffect(() => {
    const view = client.view("calls", { accountId });
    const take = () => {
      const topic = view.snapshot();
      if (topic.status !== "loading") registry.reconcile(accountId, topic.status === "ready" ? topic.items : []);
    };
    take();
    return view.subscribe(take);
  }, [client, registry, accountId]);
  useEffect(() => {
    const counts = mounts.get(registry);
    counts?.set(accountId, (counts.get(accountId) ?? 0) + 1);
    return () => {
      counts?.set(accountId, (counts.get(accountId) ?? 1) - 1);
      // Strict mode mounts again at once; only who stays away gives the devices back.
      setTimeout(() => {
        if (counts?.get(accountId) === 0) registry.reconcile(accountId, []);
      });
    };
  }, [registry, accountId]);
  return registry;
}

/** The media of one call; undefined while this window has none. */
export function useCallMedia(registry: CallMediaRegistry, call: CallView | undefined): CallMedia | undefined {
  return useSyncExternalStore(registry.subscribe, () => registry.get(call?.callId));
}

const idle = () => () => {};

/** What there is to see of the media of a call. */
export function useMediaSnapshot(media: CallMedia | undefined): CallMediaSnapshot {
  return useSyncExternalStore(media?.subscribe ?? idle, media?.snapshot ?? (() => NO_MEDIA));
}
