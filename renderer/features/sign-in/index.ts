/**
 * The sign-in screen. Composed by renderer/app when no account is signed in.
 * Invariant: the only door into this folder, except gallery.tsx for the gallery page.
 */
export { SignInPane } from "./SignInPane.tsx";
