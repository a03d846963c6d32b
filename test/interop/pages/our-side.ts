/**
 * OurSide: our call machine and our call media in one page with the other side of the call: the renderer's
 * and the engine's halves as in the app, without a store, a port or a homeserver between them.
 * Used by call-peers.page.ts. Invariant: the machine's effects are performed in their order, as live-call.ts
 * does; nothing here knows what an event of a call looks like.
 */
import type { CallId, EventId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { CallView } from "../../../preload/contract/views.ts";
import { parseCallEvent } from "../../../main/engine/calls/call-events.ts";
import type { CallMedia as CallKind } from "../../../main/engine/calls/call-events.ts";
import { placeCall, receiveInvite, stepCall } from "../../../main/engine/calls/call.machine.ts";
import type { CallInput, CallState, CallStep } from "../../../main/engine/calls/call.machine.ts";
import { toCallView } from "../../../main/engine/calls/call-view.ts";
import { CallMedia } from "../../../renderer/features/calls/call-media/call-media.ts";
import type { CallTransport } from "../../../renderer/features/calls/call-media/call-transport.ts";
import { openLocalMedia } from "../../../renderer/features/calls/call-media/local-media.ts";
import { MediaChoicesStore } from "../../../renderer/features/calls/call-media/media-choices.ts";
import { watchNetwork } from "../../../renderer/features/calls/call-media/network-changes.ts";
import { captureScreen } from "../../../renderer/features/calls/call-media/screen-capture.ts";
import { openSimplePeerTransport } from "../../../renderer/features/calls/call-media/simple-peer-transport.ts";
import type { LatticeCallStats } from "../../../renderer/features/calls/use-call-media.ts";
import { hear, see } from "./marked-media.ts";

export type WireContent = Record<string, unknown>;
export type SendWire = (type: string, content: WireContent) => void;

export const ROOM_ID = "!room:localhost" as RoomId;
export const ALICE = "@alice:localhost" as UserId;
export const BOB = "@bob:localhost" as UserId;

export type MachineSideOptions = {
  userId: UserId;
  peerUserId: UserId;
  send: SendWire;
  isRelayOnly?: boolean;
  /** Called with the call as its window sees it, after every step. */
  onView: (view: CallView) => void;
};

/** The engine's half: the call machine, its timers and its events. */
export class MachineSide {
  readonly #options: MachineSideOptions;
  readonly #partyId = `party${Math.random().toString(36).slice(2, 12)}`;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** True once a window has placed or answered the call. */
  #hasMedia = false;
  #eventCount = 0;
  state: CallState | undefined;

  constructor(options: MachineSideOptions) {
    this.#options = options;
  }

  place(media: CallKind): CallId {
    const callId = `call${Math.random().toString(36).slice(2, 14)}` as CallId;
    this.#hasMedia = true;
    this.#perform(placeCall({ ...this.#commonOf(callId, media), invitee: this.#options.peerUserId }));
    return callId;
  }

  answer(media: CallKind): void {
    this.#hasMedia = true;
    this.take({ input: "answer", media });
  }

  take(input: CallInput): void {
    if (this.state) this.#perform(stepCall(this.state, input, Date.now()));
  }

  receive(type: string, content: WireContent): void {
    this.#eventCount += 1;
    const event = parseCallEvent({
      eventId: `$from-wire-${this.#eventCount}` as EventId,
      type,
      sender: this.#options.peerUserId,
      originServerTs: Date.now(),
      stateKey: undefined,
      content: content as never,
    });
    if (!event) return;
    if (this.state && this.state.callId === event.callId) this.take({ input: "remote", event, ageMs: 0 });
    else if (event.kind === "invite") {
      this.#hasMedia = false;
      this.#perform(receiveInvite(this.#commonOf(event.callId, event.media), event, 0));
    }
  }

  #commonOf(callId: CallId, media: CallKind) {
    const { userId } = this.#options;
    return { callId, roomId: ROOM_ID, ownUserId: userId, ownPartyId: this.#partyId, media, startedAtMs: Date.now() };
  }

  #perform({ state, effects }: CallStep): void {
    this.state = state;
    for (const effect of effects) {
      switch (effect.effect) {
        case "send":
          this.#options.send(effect.event.eventType, structuredClone(effect.event.content));
          setTimeout(() => this.take({ input: "sent", kind: effect.event.kind, isOffer: effect.event.isOffer }), 5);
          break;
        case "set-timer":
          clearTimeout(this.#timers.get(effect.timer));
          this.#timers.set(
            effect.timer,
            setTimeout(() => this.take({ input: "timer", timer: effect.timer }), effect.delayMs),
          );
          break;
        case "clear-timer":
          clearTimeout(this.#timers.get(effect.timer));
          break;
        case "changed":
        case "log":
          break;
      }
    }
    this.#options.onView(
      toCallView(state, {
        peer: { userId: this.#options.peerUserId, displayName: this.#options.peerUserId === BOB ? "Bob" : "Alice" },
        roomName: "Room",
        isEncrypted: false,
        isAudible: true,
        isMediaHere: this.#hasMedia,
        iceServers: [],
        isRelayOnly: this.#options.isRelayOnly ?? false,
        shield: undefined,
      }),
    );
  }
}

/** One side of a call, made of our own code: machine and media, without a view. */
export class OurSide {
  readonly media: CallMedia;
  /** Each side its own: there is one computer less than people here. */
  readonly choices = new MediaChoicesStore(() => ({ getItem: () => null, setItem: () => {} }));
  readonly #machine: MachineSide;
  readonly #players = new Map<string, { audio: HTMLAudioElement; video: HTMLVideoElement }>();
  #transport: CallTransport | undefined;

  constructor(options: Omit<MachineSideOptions, "onView">) {
    this.media = new CallMedia({
      report: async (fact) => this.#machine.take({ input: "fact", fact }),
      openTransport: (opened, onEvent) => {
        this.#transport = openSimplePeerTransport(opened, onEvent);
        return this.#transport;
      },
      newStream: () => new MediaStream(),
      openLocalMedia: (opened) => openLocalMedia({ ...opened, choices: this.choices }),
      captureScreen,
      watchNetwork,
      describeProblem: (device, problem) => `${device}: ${problem}`,
    });
    this.#machine = new MachineSide({
      ...options,
      onView: (view) => {
        if (view.state !== "ringing") this.media.update(view);
      },
    });
    this.media.subscribe(() => {
      const { remoteStream, remoteScreenStream } = this.media.snapshot();
      this.#show("camera", remoteStream);
      this.#show("screen", remoteScreenStream);
    });
  }

  /** What the in-call view does: sound that nobody plays is not decoded. */
  #show(what: "camera" | "screen", stream: MediaStream | undefined): void {
    let player = this.#players.get(what);
    if (!player) {
      player = { audio: document.createElement("audio"), video: document.createElement("video") };
      this.#players.set(what, player);
      player.video.muted = true;
      for (const element of [player.audio, player.video]) {
        element.autoplay = true;
        element.ariaHidden = "true";
        document.body.append(element);
      }
    }
    for (const element of [player.audio, player.video])
      if (element.srcObject !== (stream ?? null)) element.srcObject = stream ?? null;
  }

  /** The tones that come in, with the camera or with the screen. */
  hears(what: "camera" | "screen" = "camera"): number[] {
    const { remoteStream, remoteScreenStream } = this.media.snapshot();
    return hear(what === "camera" ? remoteStream : remoteScreenStream);
  }

  /** The hue of what is shown. */
  sees(what: "camera" | "screen" = "camera"): number | undefined {
    const { hasRemoteVideo, remoteScreenStream } = this.media.snapshot();
    const isShown = what === "camera" ? hasRemoteVideo : remoteScreenStream !== undefined;
    return isShown ? see(this.#players.get(what)?.video) : undefined;
  }

  get phase(): CallState["phase"] | undefined {
    return this.#machine.state?.phase;
  }

  get callId(): string | undefined {
    return this.#machine.state?.callId;
  }

  place(media: CallKind): void {
    this.#machine.place(media);
  }

  answer(media: CallKind): void {
    this.#machine.answer(media);
  }

  hangUp(): void {
    this.#machine.take({ input: "hang-up", reason: "user-hangup" });
  }

  reject(): void {
    this.#machine.take({ input: "reject" });
  }

  setOnHold(isOnHold: boolean): void {
    this.#machine.take({ input: "hold", isOnHold });
  }

  /** Looks for a new path, as after a lost one. */
  restart(): void {
    this.#transport?.restart();
  }

  stats(): ReturnType<LatticeCallStats> {
    return this.media.stats();
  }

  receive(type: string, content: WireContent): void {
    this.#machine.receive(type, content);
  }
}
