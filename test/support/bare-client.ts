/**
 * BareClient: a device without keys, as bare HTTP. Through it tests do what our engine has no command for (other
 * state, redactions, room settings), and see what the server really holds. Used by engine and interop tests.
 * Invariant: it never publishes device keys, so that to all others the user has no more devices than before.
 */

/** An event as the server hands it out. */
export type WireEvent = {
  event_id: string;
  type: string;
  sender: string;
  state_key?: string;
  content: Record<string, unknown>;
};

export class BareClient {
  readonly #baseUrl: string;
  readonly #accessToken: string;

  constructor(baseUrl: string, account: { accessToken: string }) {
    this.#baseUrl = baseUrl;
    this.#accessToken = account.accessToken;
  }

  /** Calls an endpoint below `/_matrix/client/v3`. Throws with the server's words where it refuses. */
  async call<T>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#baseUrl}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#accessToken}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  }

  async createRoom(options: Record<string, unknown>): Promise<string> {
    return (await this.call<{ room_id: string }>("POST", "/createRoom", options)).room_id;
  }

  /** Gives the id of the state event. */
  async putState(roomId: string, type: string, content: unknown, stateKey = ""): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`;
    return (await this.call<{ event_id: string }>("PUT", path, content)).event_id;
  }

  /** Sends an event as it is, without encrypting it. */
  async send(roomId: string, type: string, content: unknown): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/${type}/bare${crypto.randomUUID()}`;
    return (await this.call<{ event_id: string }>("PUT", path, content)).event_id;
  }

  /** Messages to devices, unencrypted: user, device (or "*"), content. */
  async sendToDevice(type: string, messages: Record<string, Record<string, unknown>>): Promise<void> {
    await this.call("PUT", `/sendToDevice/${type}/bare${crypto.randomUUID()}`, { messages });
  }

  event(roomId: string, eventId: string): Promise<WireEvent> {
    return this.call("GET", `/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`);
  }

  /** The newest hundred events of a room, the oldest of them first. */
  async events(roomId: string): Promise<WireEvent[]> {
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`;
    return (await this.call<{ chunk: WireEvent[] }>("GET", path)).chunk.toReversed();
  }
}
