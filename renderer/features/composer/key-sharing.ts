/**
 * Says that the user is about to write, so that what the message needs is at the others' devices before it is
 * sent: once for each stay in the composer. Driven by ComposerPane.
 * Invariant: merely opening a room, which puts the cursor here, is no wish to write: it takes a key or a click.
 */
export type KeySharing = {
  /** The user came here: by key or pointer, not by opening the room. */
  entered(): void;
  /** A key changed the text. */
  typed(): void;
  /** The user went elsewhere. */
  left(): void;
};

/** Makes the reporter of one room; `prepare` is called at most once between two calls of `left`. */
export function createKeySharing(prepare: () => void): KeySharing {
  let isPrepared = false;
  const once = () => {
    if (isPrepared) return;
    isPrepared = true;
    prepare();
  };
  return { entered: once, typed: once, left: () => void (isPrepared = false) };
}
