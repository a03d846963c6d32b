/**
 * The card of a ringing call: who, what kind, and the ways to take it. Drawn by CallSurfaces at the top right.
 * Invariants: Decline and Answer have the same size; the focus comes here only when nothing else has it, so
 * that nobody who types answers by accident; Escape silences first, then hides, and declines nothing.
 */
import { useEffect, useId, useRef } from "react";
import { Bell, BellOff, Lock, LockOpen, Pause, Phone, PhoneOff, ShieldAlert, Video, X } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { CallView, Person } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import styles from "./cards.module.css";

export type IncomingCallCardProps = {
  peer: Person;
  avatarSrc?: string | undefined;
  media: CallView["media"];
  isEncrypted: boolean;
  /** What is wrong with the device that calls. */
  shield?: CallView["shield"];
  isSilenced: boolean;
  /** True while another call runs, and all that can be said is that it will end. */
  endsCurrentCall: boolean;
  /** The call that runs meanwhile: with it the card offers what becomes of that one. */
  waiting?: { name: string; canHold: boolean } | undefined;
  /** Holds the call that runs, and answers. */
  onHoldAndAnswer?: ((media: CallView["media"]) => void) | undefined;
  onAnswer: (media: CallView["media"]) => void;
  onDecline: () => void;
  onSilence: () => void;
  onHide: () => void;
  /** Declines and opens the composer; without it the way is not offered. */
  onReply?: (() => void) | undefined;
};

/** A call that rings. */
export function IncomingCallCard({
  peer,
  avatarSrc,
  media,
  isEncrypted,
  shield,
  isSilenced,
  endsCurrentCall,
  waiting,
  onHoldAndAnswer,
  onAnswer,
  onDecline,
  onSilence,
  onHide,
  onReply,
}: IncomingCallCardProps) {
  const text = useText();
  const card = useRef<HTMLElement>(null);
  const descriptionId = useId();
  const isVideo = media === "video";
  const Kind = isVideo ? Video : Phone;
  const canHold = waiting?.canHold === true && onHoldAndAnswer !== undefined;

  useEffect(() => {
    if (document.activeElement === null || document.activeElement === document.body)
      card.current?.focus({ preventScroll: true });
  }, []);

  return (
    // A dialog takes keys as a whole; the rule does not know this role.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <section
      ref={card}
      role="alertdialog"
      aria-label={text("calls.incomingTitle")}
      aria-describedby={descriptionId}
      tabIndex={-1}
      className={styles["card"]}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        if (isSilenced) onHide();
        else onSilence();
      }}
    >
      <div className={styles["who"]}>
        <span className={styles["pulse"]} data-still={isSilenced || undefined}>
          <Avatar name={peer.displayName} id={peer.userId} src={avatarSrc} sizePx={36} />
        </span>
        <div className={styles["lines"]} id={descriptionId}>
          <h2 className={styles["name"]}>{peer.displayName}</h2>
          <p className={styles["facts"]}>
            <Kind aria-hidden="true" />
            {text(isVideo ? "calls.videoCall" : "calls.voiceCall")}
            <span aria-hidden="true">·</span>
            {shield !== undefined ? (
              <span className={styles["warning"]} title={text(`calls.shieldDetail.${shield}`)}>
                <ShieldAlert aria-hidden="true" />
                {text(`calls.shield.${shield}`)}
              </span>
            ) : (
              <>
                {isEncrypted ? <Lock aria-hidden="true" /> : <LockOpen aria-hidden="true" />}
                {text(isEncrypted ? "calls.encrypted" : "calls.notEncrypted")}
              </>
            )}
          </p>
        </div>
        <IconButton
          size="small"
          className={styles["corner"]}
          icon={isSilenced ? <X /> : <BellOff />}
          label={text(isSilenced ? "calls.hide" : "calls.silence")}
          shortcut="Esc"
          onPress={isSilenced ? onHide : onSilence}
        />
      </div>
      {waiting || endsCurrentCall ? (
        <p className={styles["note"]}>
          <Bell aria-hidden="true" />
          <span>
            {waiting
              ? text(waiting.canHold ? "calls.waitingCurrentCall" : "calls.cannotHoldCurrentCall", {
                  name: waiting.name,
                })
              : text("calls.endsCurrentCall")}
          </span>
        </p>
      ) : null}
      <div className={styles["choices"]}>
        <Button variant="danger" size="large" isFullWidth icon={<PhoneOff />} onPress={onDecline}>
          {text("calls.decline")}
        </Button>
        {canHold ? (
          <Button variant="positive" size="large" isFullWidth icon={<Pause />} onPress={() => onHoldAndAnswer?.(media)}>
            {text("calls.holdAndAnswer")}
          </Button>
        ) : (
          <Button variant="positive" size="large" isFullWidth icon={<Kind />} onPress={() => onAnswer(media)}>
            {text(waiting ? "calls.endAndAnswer" : "calls.answer")}
          </Button>
        )}
        {canHold ? (
          <Button size="large" isFullWidth className={styles["third"]} icon={<Kind />} onPress={() => onAnswer(media)}>
            {text("calls.endAndAnswer")}
          </Button>
        ) : null}
      </div>
      {isVideo || onReply ? (
        <div className={styles["alternatives"]}>
          {isVideo ? (
            <AriaButton
              className={styles["alternative"] ?? ""}
              onPress={() => (canHold ? onHoldAndAnswer?.("voice") : onAnswer("voice"))}
            >
              {text("calls.answerVoiceOnly")}
            </AriaButton>
          ) : (
            <span />
          )}
          {onReply ? (
            <AriaButton className={styles["alternative"] ?? ""} onPress={onReply}>
              {text("calls.replyWithMessage")}
            </AriaButton>
          ) : null}
        </div>
      ) : null}
    </section>
  );
}
