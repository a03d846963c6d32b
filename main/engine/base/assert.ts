/**
 * assertNever and must: for what cannot happen. Their errors are bugs of ours, never of a server.
 */

/** Makes the compiler prove that a union is handled whole. */
export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}

/** The value, which the code around it has made sure of. */
export function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Error(`missing: ${what}`);
  return value;
}
