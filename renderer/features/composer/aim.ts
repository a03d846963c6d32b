/**
 * What the composer's text is for, where it is not simply a new message: an answer, or other words for a message that
 * is there. Held by the app, which gets it from the timeline; shown by ComposerView.
 */
import { useState } from "react";
import type { MessageContent } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { EventId } from "../../../preload/contract/ids.ts";
import { toContent } from "./message-content.ts";

export type Aim =
  /** `text` is what is answered, in one line. */
  | { kind: "reply"; eventId: EventId; name: string; text: string }
  /** `text` is the message as it reads now, as it would be typed. */
  | { kind: "edit"; eventId: EventId; text: string };

type Edited = { aim: Aim; text: string; error: EngineErrorData | undefined };

/**
 * The text of an edit, which is not the room's draft: that one waits, unchanged. Undefined while nothing is edited.
 * `save` resolves with the error where the engine did not take it; what was typed stays then.
 */
export function useEdit(
  aim: Aim | undefined,
  save: (eventId: EventId, content: MessageContent) => Promise<EngineErrorData | undefined>,
  onDone: () => void,
) {
  const [edited, setEdited] = useState<Edited>();
  if (aim?.kind !== "edit") return undefined;
  const { text, error } = edited?.aim === aim ? edited : { text: aim.text, error: undefined };
  return {
    text,
    error,
    setText: (typed: string) => setEdited({ aim, text: typed, error: undefined }),
    /** What has not changed is not sent. False where there is nothing to send. */
    send(): boolean {
      const content = toContent(text);
      if (content === undefined) return false;
      if (text === aim.text) onDone();
      else {
        void save(aim.eventId, content).then((failure) => {
          if (failure === undefined) onDone();
          else setEdited({ aim, text, error: failure });
        });
      }
      return true;
    },
  };
}
