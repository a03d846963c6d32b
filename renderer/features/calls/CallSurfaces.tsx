/**
 * Everything that an account's calls show, over the rooms or in the window of calls: ringing cards, the running call
 * (large or small), how calls ended. Mounted once per account and window by renderer/app; connects topic, commands and
 * media to the views.
 * Invariants: the ring sounds in the rooms' window, only for calls that may be heard, and stops with the last of them;
 * answering ends the calls that run here first, unless they are to be held; the sound of a call survives every change
 * of its view; the end of a call is told by the window that held it.
 */
import { useEffect, useState, useSyncExternalStore } from "react";
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import type { CallView, Person } from "../../../preload/contract/views.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import { useEngineClient, useHostInfo } from "../../engine-client/EngineProvider.tsx";
import { useAvatarUrl } from "../../engine-client/media-url.ts";
import { useTopic, useTopicItem } from "../../engine-client/use-topic.ts";
import { formatDuration } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { useBeginCall } from "./begin-call.ts";
import { useCallHolders } from "./call-holders.ts";
import { callNotices } from "./call-notices.ts";
import type { ScreenShareOptions } from "./call-media/call-media.ts";
import { changeObstacle, endWords, holdWords, isWorthTryingAgain, stateWords } from "./call-words.ts";
import { CallElsewhere } from "./CallElsewhere.tsx";
import { CallNotice } from "./CallNotice.tsx";
import { InCallView } from "./InCallView.tsx";
import { IncomingCallCard } from "./IncomingCallCard.tsx";
import { StreamSound } from "./MediaElements.tsx";
import { MiniCall } from "./MiniCall.tsx";
import { startRinging } from "./ring-sound.ts";
import { RelayMissing, StunQuestion } from "./RelayNotices.tsx";
import { sortCalls } from "./sort-calls.ts";
import { useCallMedia, useCallMediaRegistry, useMediaSnapshot } from "./use-call-media.ts";
import { useLostCall } from "./use-lost-call.ts";
import { useMediaChoices, useSpeaker } from "./use-devices.ts";
import styles from "./cards.module.css";

export type CallSurfacesProps = {
  accountId: AccountId;
  /** Shows the room with its composer in focus; without it no reply by message is offered. */
  onReply?: ((roomId: RoomId) => void) | undefined;
  onOpenRoom?: ((roomId: RoomId) => void) | undefined;
  /** Shows the settings of calls. */
  onSettings?: (() => void) | undefined;
  /** Given in the window of calls, which has no rooms to show. */
  ownWindow?: CallsOwnWindow | undefined;
};

/** What the window of calls can do with itself. */
export type CallsOwnWindow = {
  /** Absent where windows cannot be placed. */
  setCompact?: ((isCompact: boolean) => void) | undefined;
  /** Hears whether there is anything to show. */
  onIdle: (isIdle: boolean) => void;
};

/** How long an answer that was given to the other window may take before the call is shown to ring again. */
const ANSWER_PATIENCE_MS = 5_000;

const isMac = (platform: string): boolean => /mac|darwin/iu.test(platform);

/** The surfaces of an account's calls. */
export function CallSurfaces({ accountId, onReply, onOpenRoom, onSettings, ownWindow }: CallSurfacesProps) {
  const text = useText();
  const client = useEngineClient();
  const { platform } = useHostInfo();
  const avatarUrl = useAvatarUrl(accountId);
  const registry = useCallMediaRegistry(accountId);
  const topic = useTopic("calls", { accountId });
  const accounts = useTopic("accounts", {});
  const settings = useTopicItem("callSettings", { accountId });
  const calls = topic.status === "ready" ? topic.items : topic.status === "lost" ? [] : undefined;
  useLostCall(accountId, calls);
  const notice = useSyncExternalStore(callNotices.subscribe, () => callNotices.get(accountId));

  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [silenced, setSilenced] = useState<ReadonlySet<string>>(new Set());
  const [isMinimised, setIsMinimised] = useState(false);
  const [shownCallId, setShownCallId] = useState<CallView["callId"]>();
  const holders = useCallHolders(calls ?? []);
  const sorted = sortCalls(calls ?? [], hidden, shownCallId);
  const { running, waiting } = sorted;
  const elsewhere = ownWindow ? undefined : sorted.elsewhere;
  // Whom nobody looks for in the window of calls: it rings and is missed where the rooms are.
  const ringing = ownWindow && !running ? [] : sorted.ringing;
  const ended = sorted.ended.filter(({ callId }) => {
    const holder = holders.get(callId);
    return ownWindow ? holder === "here" : holder !== "elsewhere";
  });
  if (running?.callId !== shownCallId) setShownCallId(running?.callId);
  const media = useCallMedia(registry, running);
  const snapshot = useMediaSnapshot(media);

  const begin = useBeginCall();
  const put = (set: (change: (before: ReadonlySet<string>) => ReadonlySet<string>) => void, callId: string) =>
    set((before) => new Set(before).add(callId));
  const attempt = (command: Promise<unknown>) => {
    void command.catch((error: unknown) => callNotices.show(accountId, toCommandErrorData(error).message));
  };
  const hangUp = (call: CallView) => {
    // The devices go free at the click, whatever the network says.
    registry.get(call.callId)?.close();
    attempt(client.call("calls.hangUp", { accountId, callId: call.callId }));
  };
  const answer = (call: CallView, kind: CallView["media"], otherCalls: "end" | "hold" = "end") => {
    if (otherCalls === "end") for (const other of running ? [running, ...waiting] : []) hangUp(other);
    put(setHidden, call.callId);
    setIsMinimised(false);
    const unhide = () => setHidden((before) => new Set([...before].filter((callId) => callId !== call.callId)));
    void begin({ ask: "answer", accountId, callId: call.callId, media: kind, otherCalls }).then((where) => {
      // The other window may fail to; then it rings on.
      if (where === "here") unhide();
      else setTimeout(unhide, ANSWER_PATIENCE_MS);
    });
  };
  const decline = (call: CallView) => {
    put(setHidden, call.callId);
    attempt(client.call("calls.reject", { accountId, callId: call.callId }));
  };

  const hold = (callId: CallView["callId"], isOnHold: boolean) =>
    attempt(client.call("calls.hold", { accountId, callId, isOnHold }));
  const share = (options: ScreenShareOptions) => {
    media?.startScreen(options).catch(() => callNotices.show(accountId, text("calls.shareFailed")));
  };

  const callAgain = (call: CallView) => {
    put(setHidden, call.callId);
    void begin({ ask: "place", accountId, roomId: call.roomId, media: call.media });
  };
  const show = async () => {
    const where = await begin({ ask: "show", accountId });
    if (where === "here") callNotices.show(accountId, text("calls.windowNotFound"));
  };

  const audible =
    ringing.some((call) => call.isAudible && !silenced.has(call.callId)) && !running && !elsewhere && !ownWindow;
  const { ringId } = useMediaChoices();
  useEffect(() => (audible ? startRinging(ringId) : undefined), [audible, ringId]);

  const setCompact = ownWindow?.setCompact;
  useEffect(() => {
    setCompact?.(isMinimised);
  }, [setCompact, isMinimised]);

  const onIdle = ownWindow?.onIdle;
  const isIdle = topic.status !== "loading" && !running && ended.length === 0 && notice === undefined;
  useEffect(() => onIdle?.(isIdle), [onIdle, isIdle]);

  const runningId = running?.callId;
  useEffect(() => {
    // A call that is new is shown in full; changing between two leaves the size.
    if (runningId === undefined) setIsMinimised(false);
  }, [runningId]);

  const speaker = useSpeaker("speakerId");
  const isSpeakerLost = speaker.isLost && running !== undefined;
  useEffect(() => {
    if (isSpeakerLost) callNotices.show(accountId, text("calls.speakerLost"));
  }, [accountId, isSpeakerLost, text]);

  useEffect(() => {
    if (!media) return;
    const onKey = (event: KeyboardEvent) => {
      const hasMod = isMac(platform) ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
      if (!hasMod || event.altKey || event.shiftKey || event.repeat) return;
      const { microphone, camera } = media.snapshot();
      if (event.code === "KeyD") media.setMicrophone(microphone !== "on");
      else if (event.code === "KeyE") void media.setCamera(camera !== "on"); // It does nothing where it cannot.
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [media, platform]);

  const account = accounts.status === "ready" ? accounts.items.find((row) => row.accountId === accountId) : undefined;
  const self: Person = account ?? { userId: "@me:localhost" as Person["userId"], displayName: text("calls.you") };
  const withWaiting = (callId: string, act: (call: CallView) => void) => {
    const call = waiting.find((each) => each.callId === callId);
    if (call) act(call);
  };
  /** Goes somewhere else; where that is in this window, the call has to be small. */
  const leaveTo = (go: (() => void) | undefined) =>
    go &&
    (() => {
      if (!ownWindow) setIsMinimised(true);
      go();
    });
  const current = running ?? elsewhere;
  const setStun = (publicStun: "allowed" | "refused") =>
    attempt(client.call("calls.setSettings", { accountId, settings: { publicStun } }));
  const isWithoutServers = running?.desired?.iceServers.length === 0 && running.state !== "connected";
  const relayNotice = !isWithoutServers ? undefined : settings?.isRelayOnly === true ? (
    <RelayMissing />
  ) : settings?.publicStun === "unasked" ? (
    <StunQuestion onAnswer={(isAllowed) => setStun(isAllowed ? "allowed" : "refused")} />
  ) : undefined;
  const shared = running && {
    peer: running.peer,
    peerAvatarSrc: avatarUrl(running.peer.avatarMxc, 128),
    state: running.state,
    connectedAtMs: running.connectedAtMs,
    isOnHold: running.isOnHold,
    media: snapshot,
    modKey: isMac(platform) ? "⌘" : "Ctrl",
    onMicrophone: (isOn: boolean) => media?.setMicrophone(isOn),
    onHangUp: () => hangUp(running),
  };

  return (
    <>
      {running && shared ? (
        <>
          <StreamSound stream={snapshot.remoteStream} sinkId={speaker.sinkId} />
          <StreamSound stream={snapshot.remoteScreenStream} sinkId={speaker.sinkId} />
          {isMinimised ? (
            <MiniCall {...shared} isWholeWindow={ownWindow !== undefined} onRestore={() => setIsMinimised(false)} />
          ) : (
            <InCallView
              {...shared}
              self={self}
              selfAvatarSrc={avatarUrl(self.avatarMxc, 48)}
              isEncrypted={running.isEncrypted}
              isVideoCall={running.media === "video"}
              canRenegotiate={running.canRenegotiate}
              canTakeTones={running.canTakeTones}
              assertedName={running.assertedName}
              shield={running.shield}
              notice={relayNotice}
              waiting={waiting.map(({ callId, peer }) => ({ callId, peer, avatarSrc: avatarUrl(peer.avatarMxc, 48) }))}
              onCamera={(isOn) => void media?.setCamera(isOn)}
              onHold={(isOnHold) => hold(running.callId, isOnHold)}
              onShare={share}
              onStopSharing={() => void media?.stopScreen()}
              onTones={(tones) => media?.sendTones(tones)}
              onSwap={(callId) => withWaiting(callId, (call) => hold(call.callId, false))}
              onEndWaiting={(callId) => withWaiting(callId, hangUp)}
              onMinimise={ownWindow && !setCompact ? undefined : () => setIsMinimised(true)}
              onOpenRoom={leaveTo(onOpenRoom && (() => onOpenRoom(running.roomId)))}
              onSettings={leaveTo(onSettings)}
            />
          )}
        </>
      ) : elsewhere ? (
        <CallElsewhere
          {...elsewhere}
          peerAvatarSrc={avatarUrl(elsewhere.peer.avatarMxc, 48)}
          onShow={() => void show()}
          onHangUp={() => attempt(client.call("calls.hangUp", { accountId, callId: elsewhere.callId }))}
        />
      ) : null}

      <div className={styles["stack"]} data-over-call="">
        {ringing.map((call) => (
          <IncomingCallCard
            key={call.key}
            peer={call.peer}
            avatarSrc={avatarUrl(call.peer.avatarMxc)}
            media={call.media}
            isEncrypted={call.isEncrypted}
            isSilenced={!call.isAudible || silenced.has(call.callId)}
            shield={call.shield}
            endsCurrentCall={false}
            waiting={
              current && {
                name: current.peer.displayName,
                canHold: current.isOnHold || changeObstacle("hold", { ...current, isVideoCall: false }) === undefined,
              }
            }
            onHoldAndAnswer={(kind) => answer(call, kind, "hold")}
            onAnswer={(kind) => answer(call, kind)}
            onDecline={() => decline(call)}
            onSilence={() => put(setSilenced, call.callId)}
            onHide={() => put(setHidden, call.callId)}
            onReply={
              onReply &&
              (() => {
                decline(call);
                onReply(call.roomId);
              })
            }
          />
        ))}
        {ended.map((call) => (
          <CallNotice
            key={call.key}
            peer={call.peer}
            avatarSrc={avatarUrl(call.peer.avatarMxc)}
            message={text(endWords(call.endReason), { name: call.peer.displayName })}
            detail={
              call.connectedAtMs !== undefined && call.endedAtMs !== undefined
                ? text("calls.endedAfter", { duration: formatDuration(call.endedAtMs - call.connectedAtMs) })
                : undefined
            }
            isMissed={call.endReason === "missed"}
            again={
              isWorthTryingAgain(call.endReason) && !current
                ? { media: call.media, onPress: () => callAgain(call) }
                : undefined
            }
            onDismiss={() => put(setHidden, call.callId)}
          />
        ))}
        {notice === undefined ? null : <CallNotice message={notice} onDismiss={() => callNotices.dismiss(accountId)} />}
      </div>

      <div data-over-call="">
        <VisuallyHidden>
          <span role="status">{running ? announcement(running, snapshot) : ""}</span>
          <span role="alert">
            {ringing[0]
              ? text(ringing[0].media === "video" ? "calls.incomingVideo" : "calls.incomingVoice", {
                  name: ringing[0].peer.displayName,
                })
              : ""}
          </span>
        </VisuallyHidden>
      </div>
    </>
  );

  function announcement(call: CallView, now: typeof snapshot): string {
    const name = call.peer.displayName;
    const words =
      stateWords(call.state, now.connection) ?? holdWords({ isOnHold: call.isOnHold, isHeldByPeer: now.isHeldByPeer });
    if (words !== undefined) return text(words, { name });
    return [
      text("calls.connected", { name }),
      now.microphone === "on" ? undefined : text("calls.muted"),
      now.screen === "on" ? text("calls.sharingNow") : undefined,
      now.remoteScreenStream ? text("calls.sharedBy", { name }) : undefined,
    ]
      .filter((part) => part !== undefined)
      .join(". ");
  }
}
