/**
 * A user of matrix-js-sdk on a real homeserver, in a page: signs in, syncs, calls and is called. The page of
 * calls-synapse.spec.ts; everything hangs on `window.sdkUser`.
 * Invariant: memory store, so every page is a new device; the client's own sync and timers run as in its apps.
 */
import { createClient } from "matrix-js-sdk";
import type { MatrixCall, MatrixClient } from "matrix-js-sdk";
import { ClientEvent } from "matrix-js-sdk/lib/client.js";
import { SyncState } from "matrix-js-sdk/lib/sync.js";
import { CallErrorCode, CallEvent } from "matrix-js-sdk/lib/webrtc/call.js";
import { CallEventHandlerEvent } from "matrix-js-sdk/lib/webrtc/callEventHandler.js";
import type { CallFeed } from "matrix-js-sdk/lib/webrtc/callFeed.js";

/** `isRelayOnly`: no call goes any other way than over the homeserver's TURN server. */
type Login = { baseUrl: string; user: string; password: string; isRelayOnly?: boolean };

class SdkUser {
  #client: MatrixClient | undefined;
  #call: MatrixCall | undefined;
  readonly errors: string[] = [];

  async start({ baseUrl, user, password, isRelayOnly = false }: Login): Promise<void> {
    const anonymous = createClient({ baseUrl });
    const login = await anonymous.loginRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password,
    });
    const client = createClient({
      baseUrl,
      userId: login.user_id,
      deviceId: login.device_id,
      accessToken: login.access_token,
      forceTURN: isRelayOnly,
    });
    this.#client = client;
    client.on(CallEventHandlerEvent.Incoming, (call) => this.#take(call));
    const isReady = new Promise<void>((resolve) => {
      client.on(ClientEvent.Sync, (state) => {
        if (state === SyncState.Syncing) resolve();
      });
    });
    await client.startClient({ initialSyncLimit: 10 });
    await isReady;
    // The client asks for its relay in the background, and a call takes what is there when it begins.
    await client.checkTurnServers();
  }

  get callState(): string | undefined {
    return this.#call?.state;
  }

  get callKind(): string | undefined {
    return this.#call?.type;
  }

  get hangupReason(): string | undefined {
    return this.#call?.hangupReason;
  }

  place(roomId: string, media: "voice" | "video"): void {
    const call = this.#client?.createCall(roomId);
    if (!call) throw new Error("the client cannot make calls");
    this.#take(call);
    void (media === "video" ? call.placeVideoCall() : call.placeVoiceCall());
  }

  async answer(): Promise<void> {
    await this.#call?.answer();
  }

  reject(): void {
    this.#call?.reject();
  }

  hangUp(): void {
    this.#call?.hangup(CallErrorCode.UserHangup, false);
  }

  async stats(): Promise<{ framesDecoded: number; totalAudioEnergy: number }> {
    const result = { framesDecoded: 0, totalAudioEnergy: 0 };
    const report = await this.#call?.peerConn?.getStats();
    report?.forEach((entry: { type: string; framesDecoded?: number; totalAudioEnergy?: number }) => {
      if (entry.type !== "inbound-rtp") return;
      result.framesDecoded += entry.framesDecoded ?? 0;
      result.totalAudioEnergy += entry.totalAudioEnergy ?? 0;
    });
    return result;
  }

  #take(call: MatrixCall): void {
    this.#call = call;
    call.on(CallEvent.Error, (error) => this.errors.push(`${error.code}: ${error.message}`));
    call.on(CallEvent.FeedsChanged, (feeds) => this.#play(feeds));
  }

  /** Sound that nobody plays is not decoded. */
  #play(feeds: CallFeed[]): void {
    for (const feed of feeds.filter((each) => !each.isLocal())) {
      const video = document.createElement("video");
      video.autoplay = true;
      video.srcObject = feed.stream;
      document.body.append(video);
    }
  }
}

declare global {
  interface Window {
    sdkUser: SdkUser;
  }
}

window.sdkUser = new SdkUser();
