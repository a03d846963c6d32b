/**
 * Lets style props carry our custom properties. Used by whatever sets `--…` from a component.
 * Invariant: types only.
 */
export {};

declare module "react" {
  interface CSSProperties {
    [name: `--${string}`]: string | number | undefined;
  }
}
