/**
 * The composer's card, drawn from props: attached files and text above, tools below, the send button at the right, and
 * above it the line of those who type, and whose identity has changed. Used by ComposerPane and by the gallery.
 * Invariant: knows no engine. Enter sends, except while an input method composes, where Enter belongs to it, and
 * while a changed identity holds everything back: then the text can be written, and waits.
 */
import { Check, CircleAlert, Paperclip, SendHorizontal } from "lucide-react";
import { type KeyboardEvent, type Ref, useId, useRef } from "react";
import { MAX_BODY_LENGTH } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { UserId } from "../../../preload/contract/ids.ts";
import type { Person } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { cx } from "../../ui/cx.ts";
import { AimBanner } from "./AimBanner.tsx";
import { AttachmentList } from "./AttachmentList.tsx";
import { type Deciding, type IdentityChange, IdentityNotice } from "./IdentityNotice.tsx";
import { TypingLine } from "./TypingLine.tsx";
import type { Aim } from "./aim.ts";
import type { Attachment } from "./attachment-tray.ts";
import { readPaste } from "./dropped-files.ts";
import { remainingLength, toContent } from "./message-content.ts";
import styles from "./composer.module.css";

export type ComposerViewProps = {
  roomName: string;
  isEncrypted: boolean;
  /** Why nothing can be written here, or "yes". */
  permission: "yes" | "forbidden" | "not-member";
  text: string;
  error: EngineErrorData | undefined;
  /** Files that go with the text. */
  attachments: readonly Attachment[];
  /** What was left out of the last files that came. */
  attachNotice?: string | undefined;
  /** What the text is for, where it is no new message. */
  aim?: Aim | undefined;
  /** Files hover over the window. */
  isDropTarget?: boolean;
  typing: readonly Person[];
  /** Nothing is sent until the changes below are dealt with. */
  isHeld: boolean;
  identityChanges: readonly IdentityChange[];
  deciding?: Deciding | undefined;
  /** Why the last decision about one of them could not be carried out. */
  identityProblem?: string | undefined;
  avatarUrl: (person: Person) => string | undefined;
  onText: (text: string) => void;
  onSend: () => void;
  onCancelAim?: () => void;
  /** The up arrow where nothing is written. */
  onEditLast?: () => void;
  onAttach: (files: readonly File[]) => void;
  onRemoveAttachment: (key: Attachment["key"]) => void;
  onRetryAttachment: (key: Attachment["key"]) => void;
  onFocus?: () => void;
  onBlur?: () => void;
  onVerifyUser: (userId: UserId) => void;
  onAcceptIdentity: (userId: UserId) => void;
  fieldRef?: Ref<HTMLTextAreaElement>;
};

/** The count of what is left shows itself only when it matters. */
const SHOW_COUNT_BELOW = Math.min(1_000, MAX_BODY_LENGTH / 20);

/** Some input methods report the Enter that ends a composition only by this code. */
const COMPOSING_KEY_CODE = 229;

/** Draws the composer. */
export function ComposerView(props: ComposerViewProps) {
  const { roomName, isEncrypted, permission, text, error, typing, isHeld, identityChanges, avatarUrl } = props;
  const { attachments, attachNotice, isDropTarget = false } = props;
  const { onText, onSend, onAttach, onFocus, onBlur, fieldRef, aim, onCancelAim, onEditLast } = props;
  const t = useText();
  const noticeId = useId();
  const identityId = useId();
  const remaining = remainingLength(text);
  const isSendable = toContent(text) !== undefined;
  const isEdit = aim?.kind === "edit";
  // An edit changes words; files wait for the next message.
  const hasFiles = !isEdit && attachments.some(({ state, isLeaving }) => state.is !== "failed" && !isLeaving);
  const hasSomething = isSendable || (hasFiles && text.trim() === "");
  const canSend = hasSomething && !isHeld;
  const filePicker = useRef<HTMLInputElement>(null);
  const name = roomName;

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.nativeEvent.isComposing || event.keyCode === COMPOSING_KEY_CODE) return;
    if (event.key === "Escape" && aim !== undefined) onCancelAim?.();
    if (event.key === "ArrowUp" && aim === undefined && text === "" && onEditLast !== undefined) {
      event.preventDefault();
      onEditLast();
    }
    if (event.key !== "Enter") return;
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
      ? isHeld && hasSomething
        ? t("composer.held")
        : null
      : remaining >= 0
        ? t("composer.remaining", { count: remaining })
        : t("composer.tooLong", { count: -remaining });
  const descriptions = [isHeld && identityId, count !== null && noticeId].filter((id) => id !== false);
  return (
    <div className={styles["composer"]}>
      {isHeld ? (
        <IdentityNotice
          id={identityId}
          changes={identityChanges}
          deciding={props.deciding}
          problem={props.identityProblem}
          onVerify={props.onVerifyUser}
          onAccept={props.onAcceptIdentity}
        />
      ) : null}
      <TypingLine typing={typing} avatarUrl={avatarUrl} />
      <form
        className={cx(styles["card"], isDropTarget && styles["dropTarget"])}
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
        {aim === undefined ? null : <AimBanner aim={aim} onCancel={() => onCancelAim?.()} />}
        {isEdit ? null : (
          <AttachmentList
            attachments={attachments}
            onRemove={props.onRemoveAttachment}
            onRetry={props.onRetryAttachment}
          />
        )}
        {attachNotice === undefined ? null : (
          <p className={styles["attachNotice"]} role="status">
            {attachNotice}
          </p>
        )}
        <textarea
          ref={fieldRef}
          className={styles["field"]}
          rows={1}
          dir="auto"
          // Or the browser would write down what stands here, readable, to restore the page with.
          autoComplete="off"
          value={text}
          aria-label={t("composer.label", { name })}
          aria-describedby={descriptions.length === 0 ? undefined : descriptions.join(" ")}
          placeholder={t(isEncrypted ? "composer.placeholderEncrypted" : "composer.label", { name })}
          enterKeyHint="send"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            const files = readPaste(event.clipboardData);
            if (files.length === 0) return;
            event.preventDefault();
            onAttach(files);
          }}
          onFocus={onFocus}
          onBlur={onBlur}
        />
        <div className={styles["bar"]}>
          <input
            ref={filePicker}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              onAttach([...(event.target.files ?? [])]);
              // The same file can be chosen again.
              event.target.value = "";
            }}
          />
          <IconButton
            className={styles["attach"]}
            icon={<Paperclip />}
            label={t("composer.attach")}
            tooltipPlacement="top"
            isDisabled={isEdit}
            onPress={() => filePicker.current?.click()}
          />
          <span id={noticeId} className={cx(styles["count"], remaining < 0 && styles["tooLong"])}>
            {count}
          </span>
          <IconButton
            type="submit"
            variant="primary"
            className={styles["send"]}
            icon={isEdit ? <Check /> : <SendHorizontal />}
            label={t(isEdit ? "composer.save" : "composer.send")}
            shortcut={t("composer.sendShortcut")}
            tooltipPlacement="top"
            isDisabled={!canSend}
          />
        </div>
        {isDropTarget ? <p className={styles["dropHere"]}>{t("composer.dropHere")}</p> : null}
      </form>
    </div>
  );
}
