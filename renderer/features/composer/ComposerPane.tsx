/**
 * Connects the composer of one room to the engine: drafts, sending, typing notifications, and who types.
 * Used by renderer/app through index.ts, which moves the focus here by the handle.
 * Invariant: what was typed is never lost: see composer-session.ts.
 */
import { type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useSyncExternalStore } from "react";
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import type { Person } from "../../../preload/contract/views.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import { useEngineClient } from "../../engine-client/EngineProvider.tsx";
import { useAvatarUrl } from "../../engine-client/media-url.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { ComposerView } from "./ComposerView.tsx";
import { type SendMessage, openComposerSessions } from "./composer-session.ts";
import { openDraftStore } from "./draft-store.ts";
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
  ref?: Ref<ComposerHandle>;
};

function storageOfWindow(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined; // Forbidden by the browser's settings: drafts then live as long as the page.
  }
}

const sessionOf = openComposerSessions(openDraftStore(storageOfWindow()));
const nowMs = () => performance.now();
const NOBODY: readonly Person[] = [];

function ConnectedComposer({ accountId, roomId, autoFocus = false, ref }: ComposerPaneProps) {
  const client = useEngineClient();
  const details = useTopicItem("room", { accountId, roomId });
  const pictureUrl = useAvatarUrl(accountId);
  const field = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus() }), []);
  useEffect(() => {
    if (autoFocus) field.current?.focus();
  }, [autoFocus]);

  const sendMessage = useCallback<SendMessage>(
    (txnId, content) =>
      client.call("outbox.send", { accountId, roomId, txnId, content }).then(() => undefined, toCommandErrorData),
    [client, accountId, roomId],
  );
  const session = sessionOf(accountId, roomId);
  const { text, error } = useSyncExternalStore(session.subscribe, session.snapshot);

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

  const avatarUrl = useCallback((person: Person) => pictureUrl(person.avatarMxc, 16), [pictureUrl]);
  const permission =
    details === undefined || details.canSend ? "yes" : details.membership === "join" ? "forbidden" : "not-member";
  return (
    <ComposerView
      roomName={details?.name ?? ""}
      isEncrypted={details?.isEncrypted ?? false}
      permission={permission}
      text={text}
      error={error}
      typing={details?.typing ?? NOBODY}
      avatarUrl={avatarUrl}
      onText={(typed) => {
        session.setText(typed);
        reporter.typed(typed);
      }}
      onSend={() => {
        if (!session.send(sendMessage)) return;
        reporter.stopped();
        field.current?.focus();
      }}
      onBlur={reporter.stopped}
      fieldRef={field}
    />
  );
}

/** The composer of a room, live. */
export function ComposerPane(props: ComposerPaneProps) {
  // A fresh instance per room: its draft and its typing notifications are its own.
  return <ConnectedComposer key={`${props.accountId} ${props.roomId}`} {...props} />;
}
