/**
 * What can be done to a message, floating over its row: react, reply, edit, remove, copy. Used by SaidRow while the
 * row has the pointer or the keyboard. Invariant: drawn from props only; nothing is offered that would be refused.
 */
import { Copy, Pencil, Reply, SmilePlus, Trash2 } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Dialog, DialogTrigger } from "react-aria-components/Dialog";
import { Popover } from "react-aria-components/Popover";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { isEditable } from "./editable.ts";
import type { MessageItem } from "./group-items.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import styles from "./timeline.module.css";

/** The six that are used most, everywhere. */
const QUICK_REACTIONS = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

export type MessageToolsProps = { item: MessageItem; isActive: boolean; actions: TimelineActions };

/** Draws the bar; nothing where there is nothing to do. */
export function MessageTools({ item, isActive, actions }: MessageToolsProps) {
  const t = useText();
  const { onReply, onEdit, onRemove, onReact } = actions;
  const isThere = item.eventId !== undefined;
  const tools = [
    isThere && onReact !== undefined && <ReactionPicker key="react" {...{ item, isActive, onReact }} />,
    isThere && onReply !== undefined && (
      <IconButton
        key="reply"
        icon={<Reply />}
        label={t("timeline.reply")}
        {...common(isActive)}
        onPress={() => onReply(item)}
      />
    ),
    isEditable(item) && onEdit !== undefined && (
      <IconButton
        key="edit"
        icon={<Pencil />}
        label={t("timeline.edit")}
        {...common(isActive)}
        onPress={() => onEdit(item)}
      />
    ),
    item.body !== "" && (
      <IconButton
        key="copy"
        icon={<Copy />}
        label={t("timeline.copy")}
        {...common(isActive)}
        onPress={() => actions.onCopy(item.body)}
      />
    ),
    isThere && item.isOwn && onRemove !== undefined && (
      <IconButton
        key="remove"
        icon={<Trash2 />}
        label={t("timeline.remove")}
        {...common(isActive)}
        onPress={() => onRemove(item)}
      />
    ),
  ].filter((tool) => tool !== false);
  return tools.length === 0 ? null : <div className={styles["tools"]}>{tools}</div>;
}

const common = (isActive: boolean) =>
  ({ size: "small", tooltipPlacement: "top", excludeFromTabOrder: !isActive }) as const;

type ReactionPickerProps = { item: MessageItem; isActive: boolean; onReact: NonNullable<TimelineActions["onReact"]> };

function ReactionPicker({ item, isActive, onReact }: ReactionPickerProps) {
  const t = useText();
  const isOn = (key: string) => item.reactions?.some((reaction) => reaction.key === key && reaction.isOwn) === true;
  return (
    <DialogTrigger>
      <IconButton icon={<SmilePlus />} label={t("timeline.react")} {...common(isActive)} />
      <Popover className={styles["picker"] ?? ""} placement="top" offset={6}>
        <Dialog className={styles["pickerKeys"] ?? ""} aria-label={t("timeline.react")}>
          {({ close }) =>
            QUICK_REACTIONS.map((key) => (
              <AriaButton
                key={key}
                className={styles["pickerKey"] ?? ""}
                aria-label={t("timeline.reactWith", { key })}
                aria-pressed={isOn(key)}
                onPress={() => {
                  close();
                  onReact(item, key, !isOn(key));
                }}
              >
                {key}
              </AriaButton>
            ))
          }
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
