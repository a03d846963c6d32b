/**
 * The whole page of the small window: the cards of the calls that ring. Rendered by renderer/app where the host is
 * that window's. Invariants: it asks no engine; what the user does goes to the shell, which shows the main window for
 * an answer; the window is as high as the cards are.
 */
import { useEffect, useRef, useState } from "react";
import * as v from "valibot";
import { ringingCallsSchema } from "../../../preload/contract/shell-contract.ts";
import type { IncomingCallHost, RingingCall } from "../../../preload/contract/shell-contract.ts";
import { mediaUrl } from "../../engine-client/media-url.ts";
import { useText } from "../../text/text.ts";
import { IncomingCallCard } from "./IncomingCallCard.tsx";
import styles from "./incoming-call-page.module.css";

const AVATAR_EDGE_PX = 96;

/** The calls that ring, and nothing else. */
export function IncomingCallPage({ host }: { host: IncomingCallHost }) {
  const text = useText();
  const [calls, setCalls] = useState<readonly RingingCall[]>([]);
  const content = useRef<HTMLElement>(null);

  useEffect(
    () =>
      host.onCalls((data: unknown) => {
        const parsed = v.safeParse(ringingCallsSchema, data);
        if (parsed.success) setCalls(parsed.output);
      }),
    [host],
  );
  useEffect(() => {
    document.title = text("calls.incomingTitle");
  }, [text]);

  const isEmpty = calls.length === 0;
  useEffect(() => {
    const element = content.current;
    // Without a call there is nothing to show, and the window is about to close.
    if (!element || isEmpty) return;
    const fit = () => host.fitHeight(element.offsetHeight);
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    return () => observer.disconnect();
  }, [host, isEmpty]);

  return (
    <main ref={content} className={styles["page"]}>
      {calls.map(({ accountId, callId, peer, media, isEncrypted, shield, isSilenced, endsCurrentCall }) => {
        const ofCall = { accountId, callId };
        return (
          <IncomingCallCard
            key={`${accountId} ${callId}`}
            peer={peer}
            avatarSrc={
              peer.avatarMxc &&
              mediaUrl(host.mediaBase, accountId, peer.avatarMxc, {
                widthPx: AVATAR_EDGE_PX,
                heightPx: AVATAR_EDGE_PX,
                method: "crop",
              })
            }
            media={media}
            isEncrypted={isEncrypted}
            shield={shield}
            isSilenced={isSilenced}
            endsCurrentCall={endsCurrentCall}
            onAnswer={(kind) => host.reply({ reply: "answer", ...ofCall, media: kind })}
            onDecline={() => host.reply({ reply: "decline", ...ofCall })}
            onSilence={() => host.reply({ reply: "silence", ...ofCall })}
            onHide={() => host.reply({ reply: "hide", ...ofCall })}
            onReply={() => host.reply({ reply: "message", ...ofCall })}
          />
        );
      })}
    </main>
  );
}
