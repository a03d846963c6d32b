/**
 * One line of somebody: a message, a call, or a placeholder for what cannot be shown, with picture and name
 * where a group begins. Used by TimelineRowView. Invariant: drawn from props only; the name, the time of a
 * later line, tools and marks never change where the text stands.
 */
import {
  AudioLines,
  CircleAlert,
  File,
  Image,
  MapPin,
  Phone,
  PhoneMissed,
  PhoneOff,
  Video,
  Ban,
  CircleHelp,
} from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useEffect, useState } from "react";
import type { EventId } from "../../../preload/contract/ids.ts";
import { formatFull, formatTime } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { cx } from "../../ui/cx.ts";
import { hueOf } from "../../ui/hue.ts";
import { FileBody } from "./FileBody.tsx";
import { Marks } from "./Marks.tsx";
import { MessageText } from "./MessageText.tsx";
import { MessageTools } from "./MessageTools.tsx";
import { Reactions } from "./Reactions.tsx";
import { RepliedLine } from "./RepliedLine.tsx";
import { Shield } from "./Shield.tsx";
import { UndecryptableBody } from "./UndecryptableBody.tsx";
import { describeError, describeOutcome, isolate } from "./describe.ts";
import type { CallItem, MessageItem, PlaceholderItem } from "./group-items.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import styles from "./timeline.module.css";

const TILES = {
  image: [Image, "timeline.kindImage"],
  video: [Video, "timeline.kindVideo"],
  audio: [AudioLines, "timeline.kindAudio"],
  file: [File, "timeline.kindFile"],
  location: [MapPin, "timeline.kindLocation"],
} as const;

const PLACEHOLDER_ICONS: Record<Exclude<PlaceholderItem["reason"], "undecryptable">, LucideIcon> = {
  redacted: Ban,
  malformed: CircleHelp,
};

/** What could not be done. */
const WEDGED = {
  message: "timeline.wedged",
  edit: "timeline.wedgedEdit",
  removal: "timeline.wedgedRemoval",
} as const;

/** Seconds until this time, counted down; undefined where there is none. */
function useSecondsUntil(timeMs: number | undefined): number | undefined {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (timeMs === undefined) return undefined;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [timeMs]);
  return timeMs === undefined ? undefined : Math.max(0, Math.ceil((timeMs - nowMs) / 1_000));
}

function RetryNotice({ retryAtMs }: { retryAtMs: number }) {
  const t = useText();
  const seconds = useSecondsUntil(retryAtMs);
  return (
    <p className={styles["notice"]}>
      {seconds === undefined || seconds === 0 ? t("timeline.sendingRetryNow") : t("timeline.sendingRetry", { seconds })}
    </p>
  );
}

function SendNotice({ item, isActive, actions }: { item: MessageItem; isActive: boolean; actions: TimelineActions }) {
  const t = useText();
  const { send, txnId } = item;
  if (send?.state === "sending" && send.retryAtMs !== undefined) return <RetryNotice retryAtMs={send.retryAtMs} />;
  if (send?.state !== "wedged") return null;
  return (
    <div className={styles["wedge"]} role="group">
      <CircleAlert aria-hidden="true" />
      <p>{t(WEDGED[send.change ?? "message"], { reason: describeError(send.error, t) })}</p>
      {txnId === undefined ? null : (
        <span className={styles["wedgeActions"]}>
          <Button size="small" excludeFromTabOrder={!isActive} onPress={() => actions.onRetry(txnId)}>
            {t("timeline.retry")}
          </Button>
          <Button size="small" variant="quiet" excludeFromTabOrder={!isActive} onPress={() => actions.onDiscard(txnId)}>
            {t("timeline.discard")}
          </Button>
        </span>
      )}
    </div>
  );
}

type MessageBodyProps = Pick<SaidRowProps, "isRoomEncrypted" | "isActive" | "actions"> & { item: MessageItem };

function MessageBody({ item, isRoomEncrypted, isActive, actions }: MessageBodyProps) {
  const t = useText();
  if (item.file !== undefined) {
    const { file } = item;
    return (
      <>
        <FileBody item={item} file={file} isRoomEncrypted={isRoomEncrypted} isActive={isActive} actions={actions} />
        {file.caption === undefined ? null : (
          <MessageText
            text={file.caption}
            isTabbable={isActive}
            onOpenLink={actions.onOpenLink}
            editedMark={item.isEdited ? t("timeline.edited") : undefined}
          />
        )}
      </>
    );
  }
  const tile = Object.hasOwn(TILES, item.msgtype) ? TILES[item.msgtype as keyof typeof TILES] : undefined;
  if (tile !== undefined) {
    const [Icon, kind] = tile;
    return (
      <div className={styles["tile"]}>
        <Icon aria-hidden="true" />
        <div className={styles["tileText"]}>
          <span dir="auto">{item.body === "" ? t(kind) : item.body}</span>
          <small>{t(kind)}</small>
        </div>
      </div>
    );
  }
  const text =
    item.msgtype === "emote"
      ? t("timeline.emote", { name: isolate(item.sender.displayName), text: item.body })
      : item.body;
  return (
    <div className={cx(item.msgtype === "emote" && styles["emote"], item.msgtype === "notice" && styles["notices"])}>
      <MessageText
        text={text}
        isTabbable={isActive}
        onOpenLink={actions.onOpenLink}
        editedMark={item.isEdited ? t("timeline.edited") : undefined}
      />
    </div>
  );
}

function CallBody({ item }: { item: CallItem }) {
  const t = useText();
  const isLost = item.outcome === "missed" || item.outcome === "failed";
  const isAlive = item.outcome === "running" || item.outcome === "ringing";
  const Icon = isLost ? PhoneMissed : item.outcome === "declined" ? PhoneOff : item.media === "video" ? Video : Phone;
  return (
    <div className={styles["tile"]}>
      <Icon aria-hidden="true" className={cx(isLost && !item.isOwn && styles["bad"], isAlive && styles["alive"])} />
      <div className={styles["tileText"]}>
        <span>{t(item.media === "video" ? "timeline.callVideo" : "timeline.callVoice")}</span>
        <small>{describeOutcome(item, t)}</small>
      </div>
    </div>
  );
}

type PlaceholderBodyProps = Pick<SaidRowProps, "isFirstOfCause" | "isActive" | "actions"> & { item: PlaceholderItem };

function PlaceholderBody({ item, isFirstOfCause, isActive, actions }: PlaceholderBodyProps) {
  const t = useText();
  if (item.reason === "undecryptable")
    return <UndecryptableBody cause={item.cause} hasAction={isFirstOfCause} isActive={isActive} actions={actions} />;
  const Icon = PLACEHOLDER_ICONS[item.reason];
  return (
    <p className={styles["placeholder"]}>
      <Icon aria-hidden="true" />
      {t(`timeline.${item.reason}`)}
    </p>
  );
}

export type SaidRowProps = {
  item: MessageItem | CallItem | PlaceholderItem;
  isFirstOfGroup: boolean;
  isFirstOfCause: boolean;
  isRoomEncrypted: boolean;
  /** True for the newest of our messages that the server has: only that one says so. */
  isNewestSent: boolean;
  /** True while the row has the keyboard's attention. */
  isActive: boolean;
  actions: TimelineActions;
  /** Brings the message with this id into view, where it is. */
  onShow: (eventId: EventId) => void;
};

/** Draws what a member said or did. */
export function SaidRow(props: SaidRowProps) {
  const { item, isFirstOfGroup, isFirstOfCause, isRoomEncrypted, isNewestSent, isActive, actions, onShow } = props;
  // The tools of rows that nobody points at would only cost time while scrolling.
  const [wasNear, setWasNear] = useState(false);
  const { sender } = item;
  const timeMs = item.originServerTs;
  const send = item.kind === "message" ? item.send : undefined;
  const replyTo = item.kind === "message" ? item.replyTo : undefined;
  const shield = item.kind === "placeholder" ? undefined : item.shield;
  const hasName = isFirstOfGroup && sender !== undefined;
  const time =
    timeMs === undefined || formatTime(timeMs) === "" ? null : (
      <time
        className={hasName ? styles["time"] : styles["gutterTime"]}
        dateTime={new Date(timeMs).toISOString()}
        title={formatFull(timeMs)}
      >
        {formatTime(timeMs)}
      </time>
    );
  return (
    <div
      className={cx(
        styles["said"],
        hasName ? styles["first"] : styles["follow"],
        item.kind === "message" && item.isMention && styles["mention"],
        send?.state === "sending" && styles["pending"],
      )}
      data-hue={sender === undefined ? undefined : hueOf(sender.userId)}
      onPointerEnter={() => setWasNear(true)}
    >
      {hasName ? (
        <Avatar
          id={sender.userId}
          name={sender.displayName}
          src={actions.mediaUrl(sender.avatarMxc, 36)}
          className={styles["avatar"]}
        />
      ) : (
        time
      )}
      <div className={styles["content"]}>
        {hasName ? (
          <div className={styles["who"]}>
            <bdi className={styles["name"]} title={sender.userId}>
              {sender.displayName}
            </bdi>
            {time}
            {shield === undefined ? null : <Shield shield={shield} />}
          </div>
        ) : sender === undefined ? null : (
          <>
            <VisuallyHidden>{isolate(sender.displayName)}</VisuallyHidden>
            {shield === undefined ? null : <Shield shield={shield} isSilent />}
          </>
        )}
        {item.kind === "message" ? (
          <>
            {replyTo === undefined ? null : (
              <RepliedLine replied={replyTo} isActive={isActive} onShow={() => onShow(replyTo.eventId)} />
            )}
            <MessageBody item={item} isRoomEncrypted={isRoomEncrypted} isActive={isActive} actions={actions} />
            <Reactions item={item} isActive={isActive} onReact={actions.onReact} />
            <SendNotice item={item} isActive={isActive} actions={actions} />
          </>
        ) : item.kind === "call" ? (
          <CallBody item={item} />
        ) : (
          <PlaceholderBody item={item} isFirstOfCause={isFirstOfCause} isActive={isActive} actions={actions} />
        )}
      </div>
      {item.kind === "message" ? (
        <>
          <Marks
            send={send?.state === "sent" && !isNewestSent ? undefined : send}
            readBy={item.readBy}
            mediaUrl={actions.mediaUrl}
          />
          {wasNear || isActive ? <MessageTools item={item} isActive={isActive} actions={actions} /> : null}
        </>
      ) : null}
    </div>
  );
}
