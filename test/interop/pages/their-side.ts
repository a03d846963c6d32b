/**
 * TheirSide: matrix-js-sdk's MatrixCall, the engine of Element's calls, with a client that has no homeserver:
 * what it sends is handed over in the page, what it gets is put into its timeline by hand.
 * Used by call-peers.page.ts. Invariant: only its public doors are used, so that it behaves as in its apps.
 */
import { createClient } from "matrix-js-sdk";
import type { MatrixCall, MatrixClient } from "matrix-js-sdk";
import { MatrixEvent } from "matrix-js-sdk/lib/models/event.js";
import { Room, RoomEvent } from "matrix-js-sdk/lib/models/room.js";
import { ClientEvent } from "matrix-js-sdk/lib/client.js";
import { SyncState } from "matrix-js-sdk/lib/sync.js";
import { CallEventHandlerEvent } from "matrix-js-sdk/lib/webrtc/callEventHandler.js";
import { CallErrorCode, CallEvent, CallState } from "matrix-js-sdk/lib/webrtc/call.js";
import type { CallFeed } from "matrix-js-sdk/lib/webrtc/callFeed.js";
import { ALICE as US, BOB as THEM } from "./our-side.ts";
import { hear, see } from "./marked-media.ts";
import type { SendWire, WireContent } from "./our-side.ts";

const ROOM_ID = "!room:localhost";

/** One side of a call, made of matrix-js-sdk. */
export class TheirSide {
  readonly #client: MatrixClient;
  readonly #room: Room;
  call: MatrixCall | undefined;
  readonly sent: string[] = [];
  readonly errors: string[] = [];
  readonly #videos = new Map<string, HTMLVideoElement>();
  #eventCount = 0;

  constructor(send: SendWire) {
    this.#client = createClient({
      baseUrl: "http://localhost",
      userId: THEM,
      deviceId: "THEIRDEVICE",
      accessToken: "token",
      fetchFn: async () => new Response("{}", { status: 200, headers: { "content-type": "application/json" } }),
    });
    const client = this.#client;
    this.#room = new Room(ROOM_ID, client, THEM);
    this.#room.currentState.setStateEvents(
      [US, THEM].map((userId) =>
        this.#event("m.room.member", userId, { membership: "join", displayname: userId }, userId),
      ),
    );
    client.store.storeRoom(this.#room);
    const anyClient = client as unknown as Record<string, unknown>;
    anyClient["sendEvent"] = async (_roomId: string, type: string, content: WireContent) => {
      this.sent.push(type);
      send(type, JSON.parse(JSON.stringify(content)) as WireContent);
      this.#eventCount += 1;
      return { event_id: `$sent${this.#eventCount}` };
    };
    client.callEventHandler?.start();
    client.on(CallEventHandlerEvent.Incoming, (call) => this.#take(call));
  }

  #event(type: string, sender: string, content: WireContent, stateKey?: string): MatrixEvent {
    this.#eventCount += 1;
    return new MatrixEvent({
      event_id: `$event${this.#eventCount}`,
      room_id: ROOM_ID,
      type,
      sender,
      content,
      origin_server_ts: Date.now(),
      unsigned: { age: 0 },
      ...(stateKey === undefined ? {} : { state_key: stateKey }),
    });
  }

  #take(call: MatrixCall): void {
    this.call = call;
    call.on(CallEvent.Error, (error) => this.errors.push(`${error.code}: ${error.message}`));
    call.on(CallEvent.FeedsChanged, (feeds) => this.#play(feeds));
  }

  /** What an app around the call does: sound that nobody plays is not decoded. */
  #play(feeds: CallFeed[]): void {
    for (const feed of feeds.filter((each) => !each.isLocal())) {
      const video = this.#videos.get(feed.purpose) ?? document.createElement("video");
      this.#videos.set(feed.purpose, video);
      video.autoplay = true;
      video.srcObject = feed.stream;
      document.body.append(video);
    }
  }

  #feed(what: "camera" | "screen"): CallFeed | undefined {
    return what === "camera" ? this.call?.remoteUsermediaFeed : this.call?.remoteScreensharingFeed;
  }

  /** The tones that come in, with the camera or with the screen. */
  hears(what: "camera" | "screen" = "camera"): number[] {
    return hear(this.#feed(what)?.stream);
  }

  /** The hue of what is shown. */
  sees(what: "camera" | "screen" = "camera"): number | undefined {
    const feed = this.#feed(what);
    return feed && !feed.isVideoMuted() ? see(this.#videos.get(feed.purpose)) : undefined;
  }

  /** Whether our side holds the call, by their rules. */
  get isHeld(): boolean | undefined {
    return this.call?.isLocalOnHold();
  }

  async share(isOn: boolean): Promise<void> {
    await this.call?.setScreensharingEnabled(isOn, { audio: true });
  }

  get hasInvite(): boolean {
    return this.call?.state === CallState.Ringing;
  }

  /** Whether our camera is marked as off on their side. */
  get isVideoMuted(): boolean | undefined {
    return this.call?.remoteUsermediaFeed?.isVideoMuted();
  }

  get kind(): string | undefined {
    return this.call?.type;
  }

  place(media: "voice" | "video"): void {
    const call = this.#client.createCall(ROOM_ID);
    if (!call) throw new Error("the client cannot make calls");
    this.#take(call);
    this.#client.callEventHandler?.calls.set(call.callId, call);
    void (media === "video" ? call.placeVideoCall() : call.placeVoiceCall());
  }

  async answer(): Promise<void> {
    await this.call?.answer();
  }

  async setMicrophoneMuted(isMuted: boolean): Promise<void> {
    await this.call?.setMicrophoneMuted(isMuted);
  }

  async setVideoMuted(isMuted: boolean): Promise<void> {
    await this.call?.setLocalVideoMuted(isMuted);
  }

  setOnHold(isOnHold: boolean): void {
    this.call?.setRemoteOnHold(isOnHold);
  }

  restart(): void {
    this.call?.peerConn?.restartIce();
  }

  hangUp(): void {
    this.call?.hangup(CallErrorCode.UserHangup, false);
  }

  receive(type: string, content: WireContent): void {
    const event = this.#event(type, US, content);
    this.#client.emit(RoomEvent.Timeline, event, this.#room, false, false, {
      timeline: this.#room.getLiveTimeline(),
      liveEvent: true,
    });
    this.#client.emit(ClientEvent.Sync, SyncState.Syncing, SyncState.Syncing);
  }

  async stats(): Promise<{ framesDecoded: number; totalAudioEnergy: number }> {
    const result = { framesDecoded: 0, totalAudioEnergy: 0 };
    const report = await this.call?.peerConn?.getStats();
    report?.forEach((entry: { type: string; framesDecoded?: number; totalAudioEnergy?: number }) => {
      if (entry.type !== "inbound-rtp") return;
      result.framesDecoded += entry.framesDecoded ?? 0;
      result.totalAudioEnergy += entry.totalAudioEnergy ?? 0;
    });
    return result;
  }
}
