/**
 * The one line under a room's name: who types, or what was said last and by whom. Used by RoomRowView.
 * Invariant: pure for a given catalogue; text of others is inserted as it is, never as markup.
 */
import type { RoomRow } from "../../../preload/contract/views.ts";
import type { Text } from "../../text/text.ts";

export type PreviewLine = { text: string; tone: "normal" | "typing" | "missed" };

const kindKeys = {
  image: "roomList.previewImage",
  video: "roomList.previewVideo",
  audio: "roomList.previewAudio",
  file: "roomList.previewFile",
  call: "roomList.previewCall",
  "missed-call": "roomList.previewMissedCall",
  undecryptable: "roomList.previewUndecryptable",
  redacted: "roomList.previewRedacted",
} as const;

/** The preview line of a row. */
export function previewLine(t: Text, row: RoomRow): PreviewLine {
  if (row.membership === "invite") {
    const text =
      row.inviter === undefined ? t("roomList.invited") : t("roomList.invitedBy", { name: row.inviter.displayName });
    return { text, tone: "normal" };
  }
  if (row.typingNames.length > 0) return { text: typingText(t, row), tone: "typing" };
  if (row.hasRunningCall) return { text: t("roomList.runningCall"), tone: "normal" };
  const { preview } = row;
  if (preview === undefined) return { text: "", tone: "normal" };
  const said =
    preview.kind === "text" || preview.kind === "state" ? preview.text : preview.text || t(kindKeys[preview.kind]);
  if (preview.kind === "missed-call") return { text: said, tone: "missed" };
  if (preview.kind === "state" || preview.kind === "call") return { text: said, tone: "normal" };
  if (preview.isOwn) return { text: t("roomList.ownPrefix", { text: said }), tone: "normal" };
  if (row.isDirect || preview.senderName === "") return { text: said, tone: "normal" };
  return { text: t("roomList.senderPrefix", { name: preview.senderName, text: said }), tone: "normal" };
}

function typingText(t: Text, row: RoomRow): string {
  const [first = ""] = row.typingNames;
  if (row.isDirect) return t("roomList.typingNobody");
  return row.typingNames.length === 1
    ? t("roomList.typingOne", { name: first })
    : t("roomList.typingMany", { count: row.typingNames.length });
}
