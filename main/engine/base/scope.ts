/**
 * Scope: the owner of everything that must be closed. Used wherever something is opened.
 * Invariant: closers run once, last in first out; what is owned after the close is closed at once.
 */
type Closer = () => void | Promise<void>;

export class Scope implements AsyncDisposable {
  #closers: Closer[] | undefined = [];
  readonly #controller = new AbortController();

  /** Aborts when the scope closes, before any closer runs. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ties the life of `value` to this scope and gives it back. */
  own<T>(value: T, close: (value: T) => void | Promise<void>): T {
    if (this.#closers) this.#closers.push(() => close(value));
    else void close(value);
    return value;
  }

  /** Runs all closers; failures are collected, so that each closer gets its turn. */
  async close(): Promise<void> {
    const closers = this.#closers ?? [];
    this.#closers = undefined;
    this.#controller.abort();
    const failures: unknown[] = [];
    for (const close of closers.toReversed()) {
      try {
        // In order on purpose: what was opened last may still need what was opened first.
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "scope closed with failures");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
