/**
 * Which devices calls use, and how the microphone is treated: the user's choice for this computer. Written by the
 * call settings, read by local-media.ts (which follows changes within a running call) and by whatever plays sound.
 * Invariants: an absent id means the system's default; what is stored and cannot be read counts as no choice.
 * Kept in localStorage: ids of devices are made up by the browser for this app, and no secret.
 */
import * as v from "valibot";

const deviceId = v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(500)));

const choicesSchema = v.object({
  microphoneId: deviceId,
  cameraId: deviceId,
  /** Where calls are heard. */
  speakerId: deviceId,
  /** Where it rings. */
  ringId: deviceId,
  echoCancellation: v.optional(v.boolean(), true),
  noiseSuppression: v.optional(v.boolean(), true),
  autoGainControl: v.optional(v.boolean(), true),
});
export type MediaChoices = v.InferOutput<typeof choicesSchema>;

const STORAGE_KEY = "lattice.call-media";

/** A store of choices over `storage`; views read it through useSyncExternalStore. */
export class MediaChoicesStore {
  readonly #storage: () => Pick<Storage, "getItem" | "setItem">;
  readonly #listeners = new Set<() => void>();
  readonly #onStored: (event: StorageEvent) => void;
  #choices: MediaChoices | undefined;

  constructor(storage: () => Pick<Storage, "getItem" | "setItem">) {
    this.#storage = storage;
    // Never heard from the window that stored it: settings are made in one window, calls held in another.
    this.#onStored = ({ key }) => {
      if (key !== null && key !== STORAGE_KEY) return;
      this.#choices = undefined;
      for (const listener of this.#listeners) listener();
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#listeners.size === 0) globalThis.addEventListener?.("storage", this.#onStored);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) globalThis.removeEventListener?.("storage", this.#onStored);
    };
  };

  /** The choices as they are now; the same object until one changes. */
  readonly snapshot = (): MediaChoices => {
    this.#choices ??= this.#read();
    return this.#choices;
  };

  /** Changes what `patch` names; an id of undefined goes back to the system's default. */
  set(patch: Partial<MediaChoices>): void {
    this.#choices = { ...this.snapshot(), ...patch };
    try {
      this.#storage().setItem(STORAGE_KEY, JSON.stringify(this.#choices));
    } catch {
      // Without storage the choice holds until the window closes.
    }
    for (const listener of this.#listeners) listener();
  }

  #read(): MediaChoices {
    try {
      return v.parse(choicesSchema, JSON.parse(this.#storage().getItem(STORAGE_KEY) ?? "{}"));
    } catch {
      return v.parse(choicesSchema, {});
    }
  }
}

/** The choices of this window. */
export const mediaChoices = new MediaChoicesStore(() => localStorage);
