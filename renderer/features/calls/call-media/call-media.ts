/**
 * CallMedia: the renderer's half of one call. It reconciles what the engine wants (`desired` of the topic
 * `calls`) to local devices and a CallTransport, and reports what those do as facts. Made by
 * call-media-registry.ts for each call whose media is in this window; views read `snapshot`.
 * Invariants: entries of the remote log are applied in order and once; a description is reported before the
 * candidates that follow it; after `close()` devices are free, timers gone and nothing is reported.
 * spec: voip.
 */
import type { CallFact } from "../../../../preload/contract/engine-contract.ts";
import type { CallView, DesiredMedia, StreamMetadata } from "../../../../preload/contract/views.ts";
import type { CallTransport, ConnectionState, OpenTransport, TransportEvent } from "./call-transport.ts";
import type { DeviceState, LocalMedia, LocalMediaOptions, MediaProblem } from "./local-media.ts";
import { LocalMediaError } from "./local-media.ts";
import { restartDelayMs } from "./restart-plan.ts";
import type { InboundFigures, Quality } from "./stats.ts";
import { judgeQuality, readInbound } from "./stats.ts";

export type CallMediaDeps = {
  report: (fact: CallFact) => Promise<unknown>;
  openTransport: OpenTransport;
  openLocalMedia: (options: LocalMediaOptions) => Promise<LocalMedia>;
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
  connection?: ConnectionState;
  quality?: Quality;
  isRelayed: boolean;
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
  isRelayed: false,
};

const USERMEDIA = "m.usermedia";
const QUALITY_EVERY_MS = 3_000;

export class CallMedia {
  readonly #deps: CallMediaDeps;
  readonly #listeners = new Set<() => void>();
  readonly #openedAtMs = performance.now();

  #snapshot: CallMediaSnapshot = NO_MEDIA;
  #desired: DesiredMedia | undefined;
  #local: LocalMedia | undefined;
  #transport: CallTransport | undefined;
  #lastSeq = -1;
  #closed = false;

  #remoteStreams: MediaStream[] = [];
  #isCameraStarting = false;
  #connection: ConnectionState | undefined;
  #connectedMs = 0;
  #reportedStreams = "";
  #restartAttempt = 0;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #qualityTimer: ReturnType<typeof setInterval> | undefined;
  #figures: InboundFigures | undefined;
  #quality: Quality | undefined;

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
    if (isFirst) void this.#open(call.desired);
    else this.#applyLog();
    this.#refresh();
  }

  setMicrophone(isOn: boolean): void {
    this.#local?.setMicrophone(isOn);
  }

  async setCamera(isOn: boolean): Promise<void> {
    if (!this.#local) return;
    this.#isCameraStarting = isOn;
    this.#refresh();
    await this.#local.setCamera(isOn);
    this.#isCameraStarting = false;
    this.#refresh();
  }

  /** Figures for diagnostics and tests. */
  async stats(): Promise<CallStats> {
    const figures = this.#transport && !this.#closed ? readInbound(await this.#transport.getStats()) : undefined;
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
    clearInterval(this.#qualityTimer);
    this.#transport?.close();
    this.#local?.close();
    this.#remoteStreams = [];
    this.#publish(NO_MEDIA);
    this.#listeners.clear();
  }

  async #open(desired: DesiredMedia): Promise<void> {
    try {
      const local = await this.#deps.openLocalMedia({
        media: desired.media,
        isMicrophoneNeeded: desired.role === "caller",
        onChange: () => this.#onLocalChange(),
      });
      // The call may have ended while the user was asked for the devices.
      if (this.#closed) {
        local.close();
        return;
      }
      this.#local = local;
      const { role, iceServers, isRelayOnly } = this.#desired ?? desired;
      const streams = local.stream.getTracks().length > 0 ? [local.stream] : [];
      const transport = this.#deps.openTransport({ role, streams, iceServers, isRelayOnly }, (event) =>
        this.#onTransport(event),
      );
      this.#transport = transport;
      local.connect((kind, track, stream) => transport.sendTrack(kind, track, stream));
      this.#reportedStreams = JSON.stringify(this.#localStreams());
      this.#applyLog();
      this.#refresh();
    } catch (error) {
      const message =
        error instanceof LocalMediaError ? this.#deps.describeProblem(error.device, error.problem) : String(error);
      this.#report({ fact: "media-failed", message: message.slice(0, 1_000) });
      this.close();
    }
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
      this.#qualityTimer ??= setInterval(() => void this.#measure(), QUALITY_EVERY_MS);
    } else if (state !== "connecting") this.#planRestart(state);
    this.#refresh();
  }

  #planRestart(state: "disconnected" | "failed"): void {
    const role = this.#desired?.role ?? "callee";
    this.#restartTimer = setTimeout(
      () => {
        this.#restartAttempt += 1;
        this.#transport?.restart();
        this.#planRestart(state);
      },
      restartDelayMs(role, state, this.#restartAttempt),
    );
  }

  async #measure(): Promise<void> {
    if (!this.#transport || this.#closed) return;
    const figures = readInbound(await this.#transport.getStats());
    if (this.#figures) this.#quality = judgeQuality(this.#figures, figures);
    this.#figures = figures;
    this.#refresh();
  }

  #onRemoteTrack(track: MediaStreamTrack, stream: MediaStream): void {
    if (!this.#remoteStreams.includes(stream)) this.#remoteStreams.push(stream);
    for (const name of ["mute", "unmute", "ended"] as const) track.addEventListener(name, () => this.#refresh());
    stream.addEventListener("removetrack", () => this.#refresh());
    this.#refresh();
  }

  /** The other side's microphone and camera: the stream that its metadata says, or without metadata the first. */
  #remoteUsermedia(): MediaStream | undefined {
    const metadata = this.#desired?.remoteStreams;
    if (!metadata) return this.#remoteStreams[0];
    return this.#remoteStreams.find((stream) => metadata[stream.id]?.purpose === USERMEDIA);
  }

  #onLocalChange(): void {
    this.#refresh();
    const streams = this.#localStreams();
    const written = JSON.stringify(streams);
    // Before the first description nobody knows the stream; the description will say it all.
    if (!this.#transport || written === this.#reportedStreams) return;
    this.#reportedStreams = written;
    this.#report({ fact: "streams", streams });
  }

  #localStreams(): StreamMetadata {
    const local = this.#local;
    if (!local) return {};
    const { microphone, camera } = local.state;
    return { [local.stream.id]: { purpose: USERMEDIA, audioMuted: microphone !== "on", videoMuted: camera !== "on" } };
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
      ...(this.#connection ? { connection: this.#connection } : {}),
      ...(this.#quality ? { quality: this.#quality } : {}),
      isRelayed: this.#figures?.isRelayed ?? false,
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
