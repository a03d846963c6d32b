/**
 * The composer's card, drawn from props: text above, tools below, the send button at the right, and above it the
 * line of those who type. Used by ComposerPane and by the gallery.
 * Invariant: knows no engine. Enter sends, except while an input method composes, where Enter belongs to it.
 */
import { CircleAlert, SendHorizontal } from "lucide-react";
import { type KeyboardEvent, type Ref, useId } from "react";
import { MAX_BODY_LENGTH } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { Person } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { cx } from "../../ui/cx.ts";
import { TypingLine } from "./TypingLine.tsx";
import { remainingLength, toContent } from "./message-content.ts";
import styles from "./composer.module.css";

export type ComposerViewProps = {
  roomName: string;
  isEncrypted: boolean;
  /** Why nothing can be written here, or "yes". */
  permission: "yes" | "forbidden" | "not-member";
  text: string;
  error: EngineErrorData | undefined;
  typing: readonly Person[];
  avatarUrl: (person: Person) => string | undefined;
  onText: (text: string) => void;
  onSend: () => void;
  onBlur?: () => void;
  fieldRef?: Ref<HTMLTextAreaElement>;
};

/** The count of what is left shows itself only when it matters. */
const SHOW_COUNT_BELOW = Math.min(1_000, MAX_BODY_LENGTH / 20);

/** Some input methods report the Enter that ends a composition only by this code. */
const COMPOSING_KEY_CODE = 229;

/** Draws the composer. */
export function ComposerView(props: ComposerViewProps) {
  const { roomName, isEncrypted, permission, text, error, typing, avatarUrl, onText, onSend, onBlur, fieldRef } = props;
  const t = useText();
  const noticeId = useId();
  const remaining = remainingLength(text);
  const canSend = toContent(text) !== undefined;
  const name = roomName;

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.nativeEvent.isComposing || event.keyCode === COMPOSING_KEY_CODE) return;
    event.preventDefault();
    if (canSend) onSend();
  };

  if (permission !== "yes") {
    return (
      <div className={styles["composer"]}>
        <TypingLine typing={typing} avatarUrl={avatarUrl} />
        <p className={styles["closed"]}>
          {t(permission === "forbidden" ? "composer.cannotSend" : "composer.notMember")}
        </p>
      </div>
    );
  }
  const count =
    remaining >= SHOW_COUNT_BELOW
      ? null
      : remaining >= 0
        ? t("composer.remaining", { count: remaining })
        : t("composer.tooLong", { count: -remaining });
  return (
    <div className={styles["composer"]}>
      <TypingLine typing={typing} avatarUrl={avatarUrl} />
      <form
        className={styles["card"]}
        onSubmit={(event) => {
          event.preventDefault();
          if (canSend) onSend();
        }}
      >
        {error === undefined ? null : (
          <p className={styles["error"]} role="alert">
            <CircleAlert aria-hidden="true" />
            {t("composer.notSaved", { reason: error.message === "" ? t(`errors.${error.code}`) : error.message })}
          </p>
        )}
        <textarea
          ref={fieldRef}
          className={styles["field"]}
          rows={1}
          dir="auto"
          value={text}
          aria-label={t("composer.label", { name })}
          aria-describedby={count === null ? undefined : noticeId}
          placeholder={t(isEncrypted ? "composer.placeholderEncrypted" : "composer.label", { name })}
          enterKeyHint="send"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={onKeyDown}
          onBlur={onBlur}
        />
        <div className={styles["bar"]}>
          <span id={noticeId} className={cx(styles["count"], remaining < 0 && styles["tooLong"])}>
            {count}
          </span>
          <IconButton
            type="submit"
            variant="primary"
            className={styles["send"]}
            icon={<SendHorizontal />}
            label={t("composer.send")}
            shortcut={t("composer.sendShortcut")}
            tooltipPlacement="top"
            isDisabled={!canSend}
          />
        </div>
      </form>
    </div>
  );
}
