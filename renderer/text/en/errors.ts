/**
 * English words for each error code of the contract: what happened, and what to do. Composed as `errors.*`.
 * Invariant: one entry for each code of preload/contract/errors.ts (checked by type in text.ts's callers);
 * where the engine's own message says more, the caller shows that instead.
 */
export const errors = {
  offline: "No connection. Try again when the network is back.",
  "server-error": "The server has a problem. Try again in a while.",
  "rate-limited": "The server asks for a little patience. Try again in a while.",
  "signed-out": "The server asks you to sign in again.",
  "wrong-credentials": "The user name or the password is wrong.",
  "password-needed": "The server asks for the password of your account.",
  "wrong-recovery-key": "This recovery key, or passphrase, does not fit. Check it and try again.",
  "encryption-not-ready": "Encryption is not ready on this device. Nothing was sent, and nothing is lost.",
  "identity-changed": "Somebody here has a new identity. Look at it before you send anything.",
  "not-a-homeserver": "There is no Matrix server at this address. Check the spelling.",
  certificate: "The server cannot prove who it is: its certificate is not trusted. Ask its administrator.",
  forbidden: "The server does not allow this.",
  "not-found": "The server does not know it. Check the spelling.",
  rejected: "The server refused this.",
  "disk-full": "The disk is full. Nothing is lost; free some space and try again.",
  "profile-locked":
    "The key that opens the data on this computer is not there. Nothing is deleted; bring it back and try again.",
  "store-corrupt": "The data on this computer is damaged and cannot be read.",
  "store-newer": "The data on this computer is from a newer version of Lattice. Update to open it.",
  "invalid-request": "Lattice asked in a way it does not understand itself. Update, or report this.",
  cancelled: "Cancelled.",
  bug: "Something went wrong inside Lattice. The details are in the log.",
} as const;
