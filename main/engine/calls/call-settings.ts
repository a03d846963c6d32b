/**
 * CallSettings: how this account's calls are made and announced on this device. Opened by session; read by the call
 * service for each call. Invariants: what cannot be read counts as never set, and a public server is not asked then;
 * they stay on this device, since a server that could write them could make calls leak addresses.
 */
import * as v from "valibot";
import { callSettingsSchema, type CallSettings, type IceServer } from "../../../preload/contract/views.ts";
import type { AccountStore } from "../store/account-store.ts";

const NAME = "calls.settings";
const storedSchema = v.partial(v.omit(callSettingsSchema, ["key"]));
export type CallSettingsChange = v.InferOutput<typeof storedSchema>;

/** Of the Matrix.org Foundation, and asked only where the user has agreed. */
const PUBLIC_STUN: IceServer = { urls: ["stun:turn.matrix.org"] };

export function openCallSettings({ store, changed }: { store: AccountStore; changed: () => void }) {
  let known: CallSettings | undefined;

  function read(): CallSettings {
    const stored = v.safeParse(storedSchema, store.settings.read(NAME) ?? {});
    known ??= {
      key: "callSettings",
      isRelayOnly: false,
      publicStun: "unasked",
      ringsInRooms: false,
      ...(stored.success && withoutGaps(stored.output)),
    };
    return known;
  }

  return {
    read,
    set(change: CallSettingsChange): void {
      const { key: _key, ...next } = { ...read(), ...withoutGaps(change) };
      store.write((tx) => store.settings.put(tx, NAME, next), { isDurable: true });
      known = undefined;
      changed();
    },
    /** The servers that a call may ask for a path: the homeserver's, and where it has none the public one. */
    iceServersFrom(servers: readonly IceServer[]): IceServer[] {
      const needsPublic = servers.length === 0 && read().publicStun === "allowed" && !read().isRelayOnly;
      return needsPublic ? [PUBLIC_STUN] : [...servers];
    },
  };
}
export type CallSettingsStore = ReturnType<typeof openCallSettings>;

/** What is set at all: a missing value must not hide one that is there. */
const withoutGaps = (change: CallSettingsChange): Partial<Omit<CallSettings, "key">> =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
