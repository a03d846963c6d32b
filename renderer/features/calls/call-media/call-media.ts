/**
 * CallMedia: the renderer's half of one call. It reconciles what the engine wants (`desired` of the topic
 * `calls`) to local devices, the screen and a CallTransport, and reports what those do as facts. Made by
 * call-media-registry.ts for each call whose media is in this window; views read `snapshot`.
 * Invariants: entries of the remote log are applied in order and once; a description is reported before the
 * candidates that follow it, and with all streams that it names; while we hold the call nothing of ours goes out and
 * nothing of theirs is played; after `close()` devices are free, timers gone and nothing is reported.
 * spec: voip.
 */
import type { CallFact } from "../../../../preload/contract/engine-contract.ts";
import type { CallView, DesiredMedia, StreamMetadata } from "../../../../preload/contract/views.ts";
import type {
  CallTransport,
  ConnectionState,
  OpenTransport,
  Outgoing,
  SendLimits,
  Slot,
  TransportEvent,
} from "./call-transport.ts";
import type { DeviceState, LocalMedia, LocalMediaOptions, MediaProblem } from "./local-media.ts";
import { LocalMediaError } from "./local-media.ts";
import { mediaChoices } from "./media-choices.ts";
import { FIRST_SIZE, LARGE_PIXELS, nextSize } from "./picture-size.ts";
import { announcedStreams, slotsOf, type PreparedAnswer } from "./prepared-answer.ts";
import { restartDelayMs, STALLED_READINGS } from "./restart-plan.ts";
import type { ScreenShareOptions } from "./screen-capture.ts";
import { maxScreenBitrate, ScreenCaptureError } from "./screen-capture.ts";
import type { CallDetails, CallFigures, Quality } from "./stats.ts";
import { describeFigures, judgeQuality, readFigures } from "./stats.ts";

export type { ScreenShareOptions } from "./screen-capture.ts";
export type { CallDetails, VideoFigures } from "./stats.ts";

export type CallMediaDeps = {
  report: (fact: CallFact) => Promise<unknown>;
  openTransport: OpenTransport;
  /** What was made ready while the call rang. */
  prepared?: PreparedAnswer | undefined;
  newStream: () => MediaStream;
  openLocalMedia: (options: LocalMediaOptions) => Promise<LocalMedia>;
  captureScreen: (options: ScreenShareOptions) => Promise<MediaStream | undefined>;
  watchNetwork: (onChange: () => void) => () => void;
  /** The words for a device that could not be had. */
  describeProblem: (device: "microphone" | "camera", problem: MediaProblem) => string;
};

/** What the views need to know of a call's media. */
export type CallMediaSnapshot = {
  microphone: DeviceState;
  camera: DeviceState;
  /** True while the camera is being opened. */
  isCameraStarting: boolean;
  problem?: { device: "microphone" | "camera"; problem: MediaProblem };
  localStream?: MediaStream;
  /** The other side's microphone and camera. */
  remoteStream?: MediaStream;
  isRemoteMuted: boolean;
  hasRemoteVideo: boolean;
  /** The other side holds the call: it hears and sees nothing of us. Whether we hold it the engine says. */
  isHeldByPeer: boolean;
  /** Our screen, as the other side gets it. */
  screen: "off" | "starting" | "on";
  screenStream?: MediaStream;
  /** The other side's screen, with the sound that it shares; played beside `remoteStream`. */
  remoteScreenStream?: MediaStream;
  connection?: ConnectionState;
  quality?: Quality;
  isRelayed: boolean;
  details?: CallDetails;
};

export type CallStats = {
  framesDecoded: number;
  totalAudioEnergy: number;
  /** From placing or answering the call in this window until media could flow; 0 until then. */
  connectedMs: number;
};

/** What a call shows that has no media yet, or no more. */
export const NO_MEDIA: CallMediaSnapshot = {
  microphone: "off",
  camera: "off",
  isCameraStarting: false,
  isRemoteMuted: false,
  hasRemoteVideo: false,
  isHeldByPeer: false,
  screen: "off",
  isRelayed: false,
};

const USERMEDIA = "m.usermedia";
const SCREENSHARE = "m.screenshare";
const MEASURE_EVERY_MS = 3_000;
/** A change of network is told by several events. */
const RESTART_AT_MOST_EVERY_MS = 2_000;
/** A call has two streams of each side; no other side makes us keep more than this. */
const MAX_REMOTE_STREAMS = 8;
/** spec: W3C WebRTC, RTCDTMFSender: these, and a comma for a pause. */
const MAX_TONES = 200;
const NO_TONE = /[^\d*#A-D,]/giu;

export class CallMedia {
  readonly #deps: CallMediaDeps;
  readonly #listeners = new Set<() => void>();
  readonly #openedAtMs = performance.now();

  #snapshot: CallMediaSnapshot = NO_MEDIA;
  #desired: DesiredMedia | undefined;
  #canRenegotiate = false;
  #isOnHold = false;
  #iceServers = "";
  #local: LocalMedia | undefined;
  /** What the answer promises until the devices are open. */
  #announced: { stream: MediaStream; media: "voice" | "video" } | undefined;
  #transport: CallTransport | undefined;
  #lastSeq = -1;
  #closed = false;

  #remoteStreams: MediaStream[] = [];
  #isHeldByPeer = false;
  /** The same object for the whole call, so that its id on the wire stays. */
  #screenStream: MediaStream | undefined;
  #screen: CallMediaSnapshot["screen"] = "off";
  #screenAttempt = 0;
  /** What the screen's picture is sent with, while it takes the camera's place. */
  #screenInsteadOfCamera: Outgoing | undefined;
  #isCameraStarting = false;
  #pictureSize = FIRST_SIZE;
  #connection: ConnectionState | undefined;
  #connectedMs = 0;
  #reportedStreams = "";
  #restartAttempt = 0;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #restartedAtMs = -Infinity;
  /** Readings in a row without a packet that was to come. */
  #stalledReadings = 0;
  /** At the last reading; what became due since has had less than the time between two. */
  #wereMediaDue = false;
  #unwatchNetwork = () => {};
  #measureTimer: ReturnType<typeof setInterval> | undefined;
  #figures: CallFigures | undefined;
  #quality: Quality | undefined;
  #details: CallDetails | undefined;

  constructor(deps: CallMediaDeps) {
    this.#deps = deps;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): CallMediaSnapshot => this.#snapshot;

  /** Takes the call as the engine sees it now. */
  update(call: CallView): void {
    if (this.#closed) return;
    if (!call.isMediaHere || call.state === "ended") {
      this.close();
      return;
    }
    if (!call.desired) return;
    const isFirst = !this.#desired;
    this.#desired = call.desired;
    this.#canRenegotiate = call.canRenegotiate;
    if (isFirst) void this.#open(call.desired);
    else this.#applyDesired();
    this.#refresh();
  }

  setMicrophone(isOn: boolean): void {
    this.#local?.setMicrophone(isOn);
  }

  /** Resolves when the picture flows, or the camera is closed. A voice call becomes one of pictures by an offer. */
  async setCamera(isOn: boolean): Promise<void> {
    if (!this.#local || (isOn && !this.#canGain("video"))) return;
    this.#isCameraStarting = isOn;
    this.#refresh();
    await this.#local.setCamera(isOn);
    this.#isCameraStarting = false;
    this.#refresh();
  }

  /**
   * Lets the user choose a screen or a window and sends it until `stopScreen`, or until the source is gone.
   * Resolves when it is on the wire, and when the user chose nothing; rejects with ScreenCaptureError.
   */
  async startScreen(options: ScreenShareOptions): Promise<void> {
    if (this.#screen !== "off") return;
    // Without metadata the other side would not know what a second stream is. spec: voip, "Streams".
    const isOwnStream = this.#canRenegotiate && this.#desired?.remoteStreams !== undefined;
    if (!isOwnStream && !this.#canGain("video")) throw new ScreenCaptureError("unavailable");
    this.#screenAttempt += 1;
    const attempt = this.#screenAttempt;
    // The call, or the wish, may end while the user is choosing.
    const isWanted = () => !this.#closed && this.#screen === "starting" && attempt === this.#screenAttempt;
    this.#setScreen("starting");
    let captured: MediaStream | undefined;
    try {
      captured = await this.#deps.captureScreen(options);
    } finally {
      if (!captured && isWanted()) this.#setScreen("off");
    }
    const [picture] = captured?.getVideoTracks() ?? [];
    if (!captured || !picture || !isWanted()) {
      for (const track of captured?.getTracks() ?? []) track.stop();
      if (isWanted()) this.#setScreen("off");
      return;
    }
    await this.#sendScreen(captured, picture, options, isOwnStream);
  }

  async stopScreen(): Promise<void> {
    if (this.#screen === "off") return;
    for (const track of this.#screenStream?.getTracks() ?? []) {
      track.stop();
      this.#screenStream?.removeTrack(track);
    }
    const wasInsteadOfCamera = this.#screenInsteadOfCamera !== undefined;
    this.#screenInsteadOfCamera = undefined;
    this.#setScreen("off");
    if (!this.#transport) return;
    if (wasInsteadOfCamera) {
      const [camera] = this.#local?.stream.getVideoTracks() ?? [];
      await this.#sendCamera(camera);
      this.#onLocalChange();
    } else {
      // Together, so that one offer tells both.
      await Promise.all([
        this.#transport.sendTrack("screen", undefined),
        this.#transport.sendTrack("screenAudio", undefined),
      ]);
    }
  }

  /** Plays telephone tones to the other side: digits, `*`, `#`, A to D, and a comma for a pause. */
  sendTones(tones: string): void {
    const playable = tones.replaceAll(NO_TONE, "").slice(0, MAX_TONES);
    if (playable !== "") this.#transport?.sendTones(playable.toUpperCase());
  }

  /** Figures for diagnostics and tests. */
  async stats(): Promise<CallStats> {
    const figures = this.#transport && !this.#closed ? readFigures(await this.#transport.getStats()) : undefined;
    return {
      framesDecoded: figures?.framesDecoded ?? 0,
      totalAudioEnergy: figures?.totalAudioEnergy ?? 0,
      connectedMs: Math.round(this.#connectedMs),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#restartTimer);
    clearInterval(this.#measureTimer);
    this.#unwatchNetwork();
    this.#transport?.close();
    this.#deps.prepared?.close();
    this.#local?.close();
    for (const track of this.#screenStream?.getTracks() ?? []) track.stop();
    this.#remoteStreams = [];
    this.#publish(NO_MEDIA);
    this.#listeners.clear();
  }

  async #open(desired: DesiredMedia): Promise<void> {
    const { prepared } = this.#deps;
    const fitting = prepared?.fits(desired) ? prepared : undefined;
    if (!fitting) prepared?.close();
    try {
      const stream = fitting?.stream ?? this.#deps.newStream();
      const opening = this.#openLocal(desired, stream);
      // Who was called answers while the devices open, and sends what comes of them; who calls offers what there is.
      const isCallee = desired.role === "callee";
      if (isCallee) this.#announced = { stream, media: desired.media };
      else await opening;
      if (this.#closed) return;
      this.#iceServers = JSON.stringify((this.#desired ?? desired).iceServers);
      if (fitting) this.#takePrepared(fitting);
      else this.#transport = this.#openTransport(this.#desired ?? desired, stream);
      // The transport has the camera of who calls already, but not how large its picture begins.
      const [camera] = stream.getVideoTracks();
      if (camera && !isCallee) void this.#sendCamera(camera);
      this.#unwatchNetwork = this.#deps.watchNetwork(() => this.#onNetworkChange());
      this.#applyDesired();
      await opening;
      if (isCallee) await this.#sendOpened();
    } catch (error) {
      const message =
        error instanceof LocalMediaError ? this.#deps.describeProblem(error.device, error.problem) : String(error);
      this.#report({ fact: "media-failed", message: message.slice(0, 1_000) });
      this.close();
    }
  }

  #openTransport({ role, media, iceServers, isRelayOnly }: DesiredMedia, stream: MediaStream): CallTransport {
    const isCallee = role === "callee";
    return this.#deps.openTransport(
      {
        role,
        streams: !isCallee && stream.getTracks().length > 0 ? [stream] : [],
        announced: isCallee ? { stream, slots: slotsOf(media) } : undefined,
        iceServers,
        isRelayOnly,
      },
      (event) => this.#onTransport(event),
    );
  }

  /** Goes on with what was prepared: the answer, where it is ready and was not given before, goes out now. */
  #takePrepared(prepared: PreparedAnswer): void {
    const { transport, offerSeq, isGiven, begin } = prepared.take();
    this.#transport = transport;
    this.#lastSeq = offerSeq;
    if (isGiven) this.#reportedStreams = JSON.stringify(this.#localStreams());
    begin((event) => this.#onTransport(event));
  }

  /** Opens the devices into the stream; where the call is over by then, closes them. */
  async #openLocal({ media, role }: DesiredMedia, stream: MediaStream): Promise<void> {
    const local = await this.#deps.openLocalMedia({
      stream,
      media,
      isMicrophoneNeeded: role === "caller",
      choices: mediaChoices,
      onChange: () => this.#onLocalChange(),
    });
    // The call may have ended while the user was asked for the devices.
    if (this.#closed) {
      local.close();
      return;
    }
    this.#local = local;
    local.connect(async (kind, track) => {
      if (kind === "video") await this.#sendCamera(track);
      else await this.#transport?.sendTrack("audio", track && { track, stream });
    });
    if (this.#isOnHold) await local.setHeld(true);
    this.#refresh();
  }

  /** Puts what was announced into its places, and tells of what did not come. */
  async #sendOpened(): Promise<void> {
    const local = this.#local;
    if (!local || this.#closed) return;
    const [microphone] = local.stream.getAudioTracks();
    const [camera] = local.stream.getVideoTracks();
    await Promise.all([
      microphone && this.#transport?.sendTrack("audio", { track: microphone, stream: local.stream }),
      camera && this.#sendCamera(camera),
    ]);
    this.#onLocalChange();
  }

  /** Brings the transport in line with the engine's wishes. */
  #applyDesired(): void {
    const desired = this.#desired;
    const transport = this.#transport;
    if (!desired || !transport) return;
    const iceServers = JSON.stringify(desired.iceServers);
    if (iceServers !== this.#iceServers) transport.setIceServers(desired.iceServers);
    this.#iceServers = iceServers;
    transport.setMayOffer(this.#canRenegotiate);
    this.#applyLog();
    if (desired.isOnHold !== this.#isOnHold) void this.#hold(desired.isOnHold);
  }

  async #hold(isOnHold: boolean): Promise<void> {
    this.#isOnHold = isOnHold;
    // At once, before the other side has heard of it.
    for (const stream of this.#remoteStreams) for (const track of stream.getTracks()) track.enabled = !isOnHold;
    await Promise.all([this.#transport?.setHeld(isOnHold), this.#local?.setHeld(isOnHold)]);
    this.#refresh();
  }

  /** Whether the other side can be sent something in the slot: in a place that is there, or by an offer. */
  #canGain(slot: Slot): boolean {
    // Until somebody has answered there is nobody who could not.
    const isAnswered = (this.#desired?.remote.length ?? 0) > 0;
    return !isAnswered || this.#canRenegotiate || (this.#transport?.hasPlace(slot) ?? false);
  }

  /** Sends the camera, unless the screen has its place. */
  async #sendCamera(track: MediaStreamTrack | undefined): Promise<void> {
    const stream = this.#local?.stream;
    if (!stream) return;
    const camera = track && { track, stream, limits: this.#cameraLimits(track) };
    await this.#transport?.sendTrack("video", this.#screenInsteadOfCamera ?? camera);
  }

  #cameraLimits(track: MediaStreamTrack): SendLimits {
    const { width = 0, height = 0 } = track.getSettings();
    const isHalved = width * height >= LARGE_PIXELS && !this.#pictureSize.isWhole;
    return { keeps: "frame-rate", ...(isHalved ? { scaleDownBy: 2 } : {}) };
  }

  /** Sends the camera's picture in the size that the last readings speak for. */
  #followPictureSize(figures: CallFigures): void {
    const [camera] = this.#local?.stream.getVideoTracks() ?? [];
    const scale = camera && this.#cameraLimits(camera).scaleDownBy;
    const isScreenShared = this.#screen !== "off" || this.#snapshot.remoteScreenStream !== undefined;
    const reading = { before: this.#figures, now: figures, isScreenShared };
    this.#pictureSize = nextSize(this.#pictureSize, reading, performance.now());
    // What is small already stays as it is, and its encoder is left alone.
    if (camera && this.#cameraLimits(camera).scaleDownBy !== scale) void this.#sendCamera(camera);
  }

  async #sendScreen(
    captured: MediaStream,
    picture: MediaStreamTrack,
    options: ScreenShareOptions,
    isOwnStream: boolean,
  ): Promise<void> {
    const stream = (this.#screenStream ??= captured);
    if (stream !== captured) for (const track of captured.getTracks()) stream.addTrack(track);
    // The source was closed, or the system's "stop sharing" pressed.
    picture.addEventListener("ended", () => void this.stopScreen());
    const { width = 1_920, height = 1_080 } = picture.getSettings();
    const limits: SendLimits = {
      maxBitrateBps: maxScreenBitrate(width, height, options),
      maxFrameRate: options.frameRate,
      keeps: options.mode === "text" ? "resolution" : "frame-rate",
    };
    const [sound] = stream.getAudioTracks();
    const camera = this.#local?.stream;
    if (isOwnStream) {
      this.#setScreen("on");
      // Together, so that one offer tells both. Its description brings the stream's metadata.
      await Promise.all([
        this.#transport?.sendTrack("screen", { track: picture, stream, limits }),
        this.#transport?.sendTrack("screenAudio", sound && { track: sound, stream }),
      ]);
    } else if (camera) {
      this.#screenInsteadOfCamera = { track: picture, stream: camera, limits };
      this.#setScreen("on");
      await this.#sendCamera(undefined);
      this.#onLocalChange();
    }
  }

  #setScreen(screen: CallMediaSnapshot["screen"]): void {
    this.#screen = screen;
    this.#refresh();
  }

  /** Applies what the log holds beyond the last entry that was applied. */
  #applyLog(): void {
    const desired = this.#desired;
    const transport = this.#transport;
    if (!desired || !transport) return;
    for (const entry of desired.remote.toSorted((a, b) => a.seq - b.seq)) {
      if (entry.seq <= this.#lastSeq) continue;
      this.#lastSeq = entry.seq;
      if (entry.kind === "description") transport.applyRemote(entry.description, desired.isPolite);
      else transport.addCandidates(entry.candidates);
    }
  }

  #onTransport(event: TransportEvent): void {
    switch (event.event) {
      case "description":
        this.#reportedStreams = JSON.stringify(this.#localStreams());
        this.#report({ fact: "description", description: event.description, streams: this.#localStreams() });
        return;
      case "candidate":
        this.#report({ fact: "candidate", candidate: event.candidate });
        return;
      case "connection":
        this.#onConnection(event.state);
        return;
      case "remote-track":
        this.#onRemoteTrack(event.track, event.stream);
        return;
      case "held-by-peer":
        this.#isHeldByPeer = event.isHeld;
        this.#refresh();
        return;
      case "broken":
        this.#connection = "failed";
        this.#report({ fact: "connection", state: "failed" });
        this.#refresh();
        return;
    }
  }

  #onConnection(state: ConnectionState): void {
    this.#connection = state;
    this.#report({ fact: "connection", state });
    clearTimeout(this.#restartTimer);
    if (state === "connected") {
      this.#restartAttempt = 0;
      if (this.#connectedMs === 0) this.#connectedMs = performance.now() - this.#openedAtMs;
      this.#measureTimer ??= setInterval(() => void this.#measure(), MEASURE_EVERY_MS);
    } else if (state !== "connecting") this.#planRestart(state);
    this.#refresh();
  }

  #planRestart(state: "disconnected" | "failed"): void {
    const role = this.#desired?.role ?? "callee";
    this.#restartTimer = setTimeout(
      () => {
        this.#restartAttempt += 1;
        this.#restart();
        this.#planRestart(state);
      },
      restartDelayMs(role, state, this.#restartAttempt),
    );
  }

  #restart(): void {
    this.#restartedAtMs = performance.now();
    this.#transport?.restart();
  }

  /** On another network the old path is lost, though nobody has missed it yet: whoever moved looks for a new one. */
  #onNetworkChange(): void {
    if (this.#connectedMs === 0 || performance.now() - this.#restartedAtMs < RESTART_AT_MOST_EVERY_MS) return;
    this.#restart();
  }

  async #measure(): Promise<void> {
    if (!this.#transport || this.#closed) return;
    const figures = readFigures(await this.#transport.getStats());
    if (this.#closed) return;
    this.#watchForStall(figures);
    this.#followPictureSize(figures);
    if (this.#figures) this.#quality = judgeQuality(this.#figures, figures);
    const details = describeFigures(this.#figures, figures);
    // The same object for the same details, so that views do not draw for nothing.
    if (JSON.stringify(details) !== JSON.stringify(this.#details)) this.#details = details;
    this.#figures = figures;
    this.#refresh();
  }

  /** Media that stay away over a path that is called good: looks for another one, once until they come again. */
  #watchForStall({ packetsReceived }: CallFigures): void {
    const wereDue = this.#wereMediaDue;
    this.#wereMediaDue = this.#areMediaDue();
    const areMissing = packetsReceived > 0 && packetsReceived === this.#figures?.packetsReceived;
    const isStalled = wereDue && this.#wereMediaDue && areMissing;
    this.#stalledReadings = isStalled ? this.#stalledReadings + 1 : 0;
    if (this.#stalledReadings === STALLED_READINGS[this.#desired?.role ?? "callee"]) this.#restart();
  }

  /** Whether the other side, as far as it says, sends anything. Silence is told too, by a packet now and then. */
  #areMediaDue(): boolean {
    if (this.#connection !== "connected" || this.#isOnHold || this.#isHeldByPeer) return false;
    const streams = this.#desired?.remoteStreams;
    return !streams || Object.values(streams).some(({ audioMuted, videoMuted }) => !audioMuted || !videoMuted);
  }

  #onRemoteTrack(track: MediaStreamTrack, stream: MediaStream): void {
    // A stream that ended and came again is another object with the same id.
    const others = this.#remoteStreams.filter((each) => each.id !== stream.id);
    if (others.length >= MAX_REMOTE_STREAMS) return;
    this.#remoteStreams = this.#remoteStreams.includes(stream) ? this.#remoteStreams : [...others, stream];
    track.enabled = !this.#isOnHold;
    for (const name of ["mute", "unmute", "ended"] as const) track.addEventListener(name, () => this.#refresh());
    stream.addEventListener("removetrack", () => this.#refresh());
    this.#refresh();
  }

  /** The other side's microphone and camera: the stream that its metadata says, or without metadata the first. */
  #remoteUsermedia(): MediaStream | undefined {
    return this.#desired?.remoteStreams ? this.#remoteStreamFor(USERMEDIA) : this.#remoteStreams[0];
  }

  /** Streams that the metadata does not name are not shown. spec: voip, "Streams". */
  #remoteStreamFor(purpose: string): MediaStream | undefined {
    const metadata = this.#desired?.remoteStreams ?? {};
    return this.#remoteStreams.find((stream) => metadata[stream.id]?.purpose === purpose);
  }

  #onLocalChange(): void {
    this.#refresh();
    const streams = this.#localStreams();
    const written = JSON.stringify(streams);
    // Before the first description nobody knows the stream; the description will say it all.
    if (!this.#transport || this.#reportedStreams === "" || written === this.#reportedStreams) return;
    this.#reportedStreams = written;
    this.#report({ fact: "streams", streams });
  }

  #localStreams(): StreamMetadata {
    const local = this.#local;
    if (!local && this.#announced) {
      const { stream, media } = this.#announced;
      return announcedStreams(stream, media);
    }
    if (!local) return {};
    const { microphone, camera } = local.state;
    const hasPicture = camera === "on" || this.#screenInsteadOfCamera !== undefined;
    const screen = this.#screen === "on" && !this.#screenInsteadOfCamera ? this.#screenStream : undefined;
    return {
      // A hold is told by the directions. It leaves the microphone's flag as the user set it; but the camera is
      // closed then, and its last picture must not stay in the other side's view.
      [local.stream.id]: { purpose: USERMEDIA, audioMuted: microphone !== "on", videoMuted: !hasPicture },
      ...(screen
        ? {
            [screen.id]: {
              purpose: SCREENSHARE,
              audioMuted: screen.getAudioTracks().length === 0,
              videoMuted: false,
            },
          }
        : {}),
    };
  }

  #report(fact: CallFact): void {
    if (this.#closed) return;
    // A fact that does not arrive has no better receiver: the engine ends a call that does not come about.
    void this.#deps.report(fact).catch(() => {});
  }

  #refresh(): void {
    if (this.#closed) return;
    const local = this.#local?.state;
    const remoteStream = this.#remoteUsermedia();
    const metadata = remoteStream && this.#desired?.remoteStreams?.[remoteStream.id];
    const remoteScreen = this.#remoteStreamFor(SCREENSHARE);
    const isScreenLive = remoteScreen?.getVideoTracks().some((track) => track.readyState === "live") ?? false;
    const hasRemoteVideo =
      remoteStream?.getVideoTracks().some((track) => track.readyState === "live" && !track.muted) ?? false;
    this.#publish({
      microphone: local?.microphone ?? "off",
      camera: local?.camera ?? "off",
      isCameraStarting: this.#isCameraStarting,
      ...(local?.problem ? { problem: local.problem } : {}),
      ...(this.#local ? { localStream: this.#local.stream } : {}),
      ...(remoteStream ? { remoteStream } : {}),
      isRemoteMuted: metadata?.audioMuted ?? false,
      hasRemoteVideo: hasRemoteVideo && metadata?.videoMuted !== true,
      isHeldByPeer: this.#isHeldByPeer,
      screen: this.#screen,
      ...(this.#screen === "on" && this.#screenStream ? { screenStream: this.#screenStream } : {}),
      ...(remoteScreen && isScreenLive ? { remoteScreenStream: remoteScreen } : {}),
      ...(this.#connection ? { connection: this.#connection } : {}),
      ...(this.#quality ? { quality: this.#quality } : {}),
      isRelayed: this.#figures?.isRelayed ?? false,
      ...(this.#details ? { details: this.#details } : {}),
    });
  }

  #publish(next: CallMediaSnapshot): void {
    const keys = new Set([...Object.keys(this.#snapshot), ...Object.keys(next)]) as Set<keyof CallMediaSnapshot>;
    // The same facts keep the same object, so that views do not draw for nothing.
    if ([...keys].every((key) => this.#snapshot[key] === next[key])) return;
    this.#snapshot = next;
    for (const listener of this.#listeners) listener();
  }
}
