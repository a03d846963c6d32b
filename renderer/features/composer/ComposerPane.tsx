/**
 * Connects the composer of one room to the engine: drafts, sending, files, typing notifications, what sharing ahead needs,
 * changed identities, and who types. Used by renderer/app through index.ts, which moves the focus here by the
 * handle. Invariant: what was typed is never lost: see composer-session.ts.
 */
import {
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { AccountId, EventId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { Person } from "../../../preload/contract/views.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import type { EngineClient } from "../../engine-client/engine-client.ts";
import { useEngineClient, useHostInfo } from "../../engine-client/EngineProvider.tsx";
import { useAvatarUrl } from "../../engine-client/media-url.ts";
import { callSteadily } from "../../engine-client/steady-call.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { mintTxnId } from "../../engine-client/txn-id.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { ComposerView } from "./ComposerView.tsx";
import type { Deciding, IdentityChange } from "./IdentityNotice.tsx";
import { type AttachmentTray, MAX_ATTACHMENTS, openAttachmentTrays } from "./attachment-tray.ts";
import { type ComposerSession, type SendMessage, openComposerSessions } from "./composer-session.ts";
import { type DroppedFiles, useFileDrop } from "./dropped-files.ts";
import { createKeySharing } from "./key-sharing.ts";
import { type Aim, useEdit } from "./aim.ts";
import { toContent } from "./message-content.ts";
import { forgetOldDrafts } from "./old-drafts.ts";
import { createTypingReporter } from "./typing-reporter.ts";

/** What the app may ask of an open composer. */
export interface ComposerHandle {
  focus(): void;
}

export type ComposerPaneProps = {
  accountId: AccountId;
  roomId: RoomId;
  /** Puts the cursor here when the room is opened. */
  autoFocus?: boolean;
  /** What the text is for, where it is no new message; `onAimDone` when that is sent or given up. */
  aim?: Aim | undefined;
  onAimDone?: () => void;
  /** The user wants to change his last message. */
  onEditLast?: () => void;
  ref?: Ref<ComposerHandle>;
};

forgetOldDrafts(() => window.localStorage);

const timers = {
  set: (run: () => void, delayMs: number) => window.setTimeout(run, delayMs),
  clear: (id: number) => window.clearTimeout(id),
};
const sessionsOfClient = new WeakMap<EngineClient, ReturnType<typeof openComposerSessions>>();

/** The sessions live as long as the engine client, which is as long as the page. */
function sessionsOf(client: EngineClient): ReturnType<typeof openComposerSessions> {
  let sessions = sessionsOfClient.get(client);
  if (sessions === undefined) {
    sessions = openComposerSessions({
      keepDraft: (accountId, roomId, text) =>
        client.call("rooms.setDraft", { accountId, roomId, text }).then(() => undefined, toCommandErrorData),
      timers,
    });
    sessionsOfClient.set(client, sessions);
  }
  return sessions;
}

const traysOfClient = new WeakMap<EngineClient, ReturnType<typeof openAttachmentTrays>>();

/** So do the trays of files. */
function traysOf(client: EngineClient, mediaBase: string): ReturnType<typeof openAttachmentTrays> {
  const trays = traysOfClient.get(client) ?? openAttachmentTrays(client, mediaBase);
  traysOfClient.set(client, trays);
  return trays;
}

const nowMs = () => performance.now();
const doNothing = () => {};
const NOBODY: readonly Person[] = [];
const NO_CHANGES: readonly IdentityChange[] = [];

/** Keeps the draft when the room is left, when the window is hidden, and when the page ends. */
function useDraftFlush(flush: () => void): void {
  useEffect(() => {
    const whenHidden = () => {
      if (document.visibilityState === "hidden") flush();
    };
    document.addEventListener("visibilitychange", whenHidden);
    window.addEventListener("pagehide", flush);
    return () => {
      document.removeEventListener("visibilitychange", whenHidden);
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, [flush]);
}

/**
 * Sends the text and the files: a text beside one file is its caption, beside several it is a message before them.
 * The first of them is the answer, where this is one.
 * True where something is under way.
 */
function sendAll(
  { session, tray, replyTo }: { session: ComposerSession; tray: AttachmentTray; replyTo: EventId | undefined },
  sendMessage: SendMessage,
): boolean {
  const going = tray.snapshot().filter(({ state, isLeaving }) => state.is !== "failed" && !isLeaving);
  const { text } = session.snapshot();
  const isCaption = going.length === 1 && toContent(text)?.msgtype === "m.text";
  if (!isCaption) {
    const isTextSent = session.send(sendMessage);
    // A text that is too long holds the files back as well: they belong together.
    if (!isTextSent && text.trim() !== "") return false;
    return tray.send(isTextSent ? {} : { replyTo }) !== undefined || isTextSent;
  }
  return session.send(async (_txnId, { body, mentionedUserIds }) =>
    tray.send({ text: body, mentionedUserIds, replyTo }),
  );
}

function ConnectedComposer(props: ComposerPaneProps) {
  const { accountId, roomId, autoFocus = false, aim, onAimDone = doNothing, onEditLast, ref } = props;
  const t = useText();
  const client = useEngineClient();
  const details = useTopicItem("room", { accountId, roomId });
  const pictureUrl = useAvatarUrl(accountId);
  const field = useRef<HTMLTextAreaElement>(null);
  const isFocusedByApp = useRef(false);
  const focusField = useCallback(() => {
    isFocusedByApp.current = true;
    field.current?.focus();
    isFocusedByApp.current = false;
  }, []);
  useImperativeHandle(ref, () => ({ focus: focusField }), [focusField]);
  useEffect(() => {
    if (autoFocus) focusField();
  }, [autoFocus, focusField]);
  useEffect(() => {
    if (aim === undefined) return;
    focusField();
    const end = field.current?.value.length ?? 0;
    field.current?.setSelectionRange(end, end);
  }, [aim, focusField]);
  const replyTo = aim?.kind === "reply" ? aim.eventId : undefined;

  const { mediaBase } = useHostInfo();
  const tray = traysOf(client, mediaBase)(accountId, roomId);
  const attachments = useSyncExternalStore(tray.subscribe, tray.snapshot);
  const sendMessage = useCallback<SendMessage>(
    (txnId, content) =>
      tray
        .whenSent()
        .then(() =>
          callSteadily(client, "outbox.send", { accountId, roomId, txnId, content, ...(replyTo && { replyTo }) }),
        )
        .then(() => undefined, toCommandErrorData),
    [client, accountId, roomId, tray, replyTo],
  );
  const edit = useEdit(
    aim,
    (eventId, content) =>
      callSteadily(client, "outbox.edit", { accountId, roomId, txnId: mintTxnId(), eventId, content }).then(
        () => undefined,
        toCommandErrorData,
      ),
    onAimDone,
  );
  const session = sessionsOf(client)(accountId, roomId);
  const draft = details?.draft;
  useLayoutEffect(() => {
    if (draft !== undefined) session.restore(draft);
  }, [session, draft]);
  const draftText = useSyncExternalStore(session.subscribe, session.snapshot);
  const { text, error } = edit ?? draftText;
  useDraftFlush(useCallback(() => session.flushDraft(), [session]));

  const reporter = useMemo(
    () =>
      createTypingReporter(
        // A typing notification that fails is gone; the next key brings another.
        (isTyping) => void client.call("rooms.setTyping", { accountId, roomId, isTyping }).catch(() => {}),
        nowMs,
      ),
    [client, accountId, roomId],
  );
  useEffect(() => () => reporter.stopped(), [reporter]);

  const changes = details?.trust === "warning" ? details.identityChanges : NO_CHANGES;
  const isHeld = details?.trust === "warning";
  const isPrepared = details?.isEncrypted === true && !isHeld;
  const sharing = useMemo(
    () =>
      isPrepared
        ? createKeySharing(
            // The message itself brings along what is missing: this only saves it the time.
            () => void client.call("rooms.prepareToSend", { accountId, roomId }).catch(() => {}),
          )
        : undefined,
    [client, accountId, roomId, isPrepared],
  );

  const acknowledge = useCommand("trust.acknowledge");
  const verify = useCommand("verifications.request");
  const [deciding, setDeciding] = useState<Deciding>();
  const identityError = acknowledge.error ?? verify.error;
  const acceptIdentity = async (userId: UserId) => {
    setDeciding({ userId, how: "accept" });
    verify.clearError();
    const result = await acknowledge.run({ accountId, userId });
    setDeciding(undefined);
    if (result.ok) focusField();
  };
  const verifyUser = async (userId: UserId) => {
    setDeciding({ userId, how: "verify" });
    acknowledge.clearError();
    // The verification shows itself over the app as soon as there is one.
    await verify.run({ accountId, userId });
    setDeciding(undefined);
  };

  const [attachNotice, setAttachNotice] = useState<string>();
  const attach = ({ files, hasFolders }: DroppedFiles) => {
    const leftOut = tray.add(files);
    const notices = [
      hasFolders ? t("composer.noFolders") : "",
      leftOut > 0 ? t("composer.tooManyFiles", { count: leftOut, most: MAX_ATTACHMENTS }) : "",
    ].filter((notice) => notice !== "");
    setAttachNotice(notices.length === 0 ? undefined : notices.join(" "));
    if (files.length > 0) sharing?.typed();
    focusField();
  };

  const avatarUrl = useCallback((person: Person) => pictureUrl(person.avatarMxc, 16), [pictureUrl]);
  const permission =
    details === undefined || details.canSend ? "yes" : details.membership === "join" ? "forbidden" : "not-member";
  const isDropTarget = useFileDrop(permission === "yes", attach);
  return (
    <ComposerView
      roomName={details?.name ?? ""}
      isEncrypted={details?.isEncrypted ?? false}
      permission={permission}
      text={text}
      error={error}
      attachments={attachments}
      attachNotice={attachNotice}
      isDropTarget={isDropTarget}
      typing={details?.typing ?? NOBODY}
      isHeld={isHeld}
      identityChanges={changes}
      deciding={deciding}
      identityProblem={identityError && errorText(t, identityError)}
      avatarUrl={avatarUrl}
      aim={aim}
      onCancelAim={onAimDone}
      {...(onEditLast && attachments.length === 0 && { onEditLast })}
      onText={(typed) => {
        if (edit) edit.setText(typed);
        else session.setText(typed);
        reporter.typed(typed);
        sharing?.typed();
      }}
      onSend={() => {
        if (edit ? !edit.send() : !sendAll({ session, tray, replyTo }, sendMessage)) return;
        if (!edit) onAimDone();
        setAttachNotice(undefined);
        reporter.stopped();
        field.current?.focus();
      }}
      onAttach={(files) => attach({ files, hasFolders: false })}
      onRemoveAttachment={(key) => {
        tray.remove(key);
        setAttachNotice(undefined);
        focusField();
      }}
      onRetryAttachment={(key) => tray.retry(key)}
      onFocus={() => {
        if (!isFocusedByApp.current) sharing?.entered();
      }}
      onBlur={() => {
        reporter.stopped();
        sharing?.left();
        session.flushDraft();
      }}
      onVerifyUser={(userId) => void verifyUser(userId)}
      onAcceptIdentity={(userId) => void acceptIdentity(userId)}
      fieldRef={field}
    />
  );
}

/** The composer of a room, live. */
export function ComposerPane(props: ComposerPaneProps) {
  // A fresh instance per room: its draft and its typing notifications are its own.
  return <ConnectedComposer key={`${props.accountId} ${props.roomId}`} {...props} />;
}
