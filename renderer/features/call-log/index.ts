/**
 * The public door of the list of calls. Used by renderer/app only. Invariant: nothing else of this folder is imported
 * from outside, but the gallery, which is loaded apart.
 */
export { CallLogPane } from "./CallLogPane.tsx";
