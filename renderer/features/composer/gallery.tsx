/**
 * The composer in each of its states, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine is needed.
 */
import type { ReactNode } from "react";
import * as v from "valibot";
import { eventIdSchema, txnIdSchema, userIdSchema } from "../../../preload/contract/ids.ts";
import type { Attachment } from "./attachment-tray.ts";
import { ComposerView, type ComposerViewProps } from "./ComposerView.tsx";
import styles from "./gallery.module.css";

const people = ["Bob", "Mira Okafor", "نور الحسن", "Ines", "Jonas"].map((displayName, index) => ({
  userId: v.parse(userIdSchema, `@user${index}:example.org`),
  displayName,
}));

const eventId = v.parse(eventIdSchema, "$question");
const question = "Who brings the small stove? And the map, the one with the paths that nobody else knows?";
const base: ComposerViewProps = {
  roomName: "Bob Marsh",
  isEncrypted: false,
  permission: "yes",
  text: "",
  error: undefined,
  typing: [],
  isHeld: false,
  identityChanges: [],
  avatarUrl: () => undefined,
  onText: () => {},
  onSend: () => {},
  attachments: [],
  onAttach: () => {},
  onRemoveAttachment: () => {},
  onRetryAttachment: () => {},
  onVerifyUser: () => {},
  onAcceptIdentity: () => {},
};

const changed = (from: number, to: number, wasVerified = false) =>
  people.slice(from, to).map((person) => ({ person, wasVerified }));
const decidingOf = (person: (typeof people)[number] | undefined) =>
  person && { userId: person.userId, how: "accept" as const };
const held = { isEncrypted: true, isHeld: true };

let serial = 0;
const attached = (name: string, sizeBytes: number, parts: Partial<Attachment> = {}): Attachment => ({
  key: v.parse(txnIdSchema, `txn-attached-${++serial}`),
  name,
  contentType: "application/octet-stream",
  sizeBytes,
  state: { is: "ready" },
  isLeaving: false,
  ...parts,
});
const terrace =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 3'%3E%3Cpath fill='%2379b8d4' d='M0 0h4v3H0z'/%3E%3Cpath fill='%23476b52' d='m0 3 1.5-2L3 3l.5-.8L4 3z'/%3E%3C/svg%3E";
const files: readonly Attachment[] = [
  attached("terrace.jpg", 3_480_200, { contentType: "image/jpeg", previewUrl: terrace }),
  attached("summit.mov", 612_000_000, { contentType: "video/quicktime", state: { is: "reading", doneBytes: 2.5e8 } }),
  attached("trip-plan-final-really-final-2-with-a-long-name.pdf", 2_412_000, { state: { is: "waiting" } }),
  attached("خطة الرحلة.pdf", 910),
  attached("backup.tar", 9_200_000_000, {
    state: { is: "failed", error: { code: "rejected", message: "The server takes files of up to 50 MB." } },
  }),
];

const longName = "Maximiliane Alexandra von und zu Hohenstein-Wallersbach the Second of That Name, Esquire";
const states: readonly { name: string; props: Partial<ComposerViewProps> }[] = [
  { name: "empty, one is typing", props: { typing: people.slice(0, 1) } },
  { name: "encrypted, two are typing", props: { isEncrypted: true, typing: people.slice(0, 2) } },
  { name: "many are typing", props: { typing: people } },
  { name: "answering", props: { text: "I do.", aim: { kind: "reply", eventId, name: "Mira Okafor", text: question } } },
  { name: "editing", props: { text: "at three", aim: { kind: "edit", eventId, text: "at thre" } } },
  { name: "with text", props: { text: "Two lines\nof text" } },
  { name: "right to left", props: { text: "هل نلتقي يوم السبت؟", roomName: "نور الحسن" } },
  { name: "long name", props: { roomName: longName } },
  { name: "a long text", props: { text: Array.from({ length: 60 }, (_, line) => `Line ${line + 1}`).join("\n") } },
  { name: "near the limit", props: { text: "word ".repeat(7_960) } },
  { name: "too long", props: { text: "word ".repeat(8_100) } },
  {
    name: "could not be saved",
    props: {
      text: "Still here",
      error: { code: "disk-full", message: "The disk is full. Free some space and try again." },
    },
  },
  {
    name: "identity changed",
    props: { ...held, identityChanges: changed(0, 1), text: "Did you get a new phone?" },
  },
  {
    name: "identity changed, was verified",
    props: { ...held, identityChanges: changed(0, 1, true), deciding: decidingOf(people[0]) },
  },
  {
    name: "many identities changed, one not accepted",
    props: {
      ...held,
      identityChanges: [...changed(0, 2), ...changed(2, 3, true), ...changed(3, 5)],
      identityProblem: "There is no connection. Try again when the network is back.",
      typing: people.slice(0, 1),
    },
  },
  {
    name: "identity changed, of a long name",
    props: {
      ...held,
      identityChanges: people.slice(0, 1).map((person) => ({
        person: { ...person, displayName: longName },
        wasVerified: true,
      })),
    },
  },
  { name: "one file and its caption", props: { text: "From the terrace", attachments: files.slice(0, 1) } },
  { name: "files on their way", props: { attachments: files } },
  {
    name: "files are sent, and some were left out",
    props: {
      attachments: files.slice(0, 2).map((file) => ({ ...file, isLeaving: true })),
      attachNotice: "3 files were left out: no more than 20 at once.",
    },
  },
  { name: "files hover over the window", props: { isDropTarget: true } },
  { name: "no permission", props: { permission: "forbidden" } },
  { name: "not a member", props: { permission: "not-member" } },
];

/** Every state of the composer. */
export const gallery: readonly { name: string; render: () => ReactNode }[] = states.map(({ name, props }) => ({
  name: `Composer: ${name}`,
  render: () => (
    <div className={styles["stage"]}>
      <ComposerView {...base} {...props} />
    </div>
  ),
}));
