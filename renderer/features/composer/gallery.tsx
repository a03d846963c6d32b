/**
 * The composer in each of its states, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine is needed.
 */
import type { ReactNode } from "react";
import * as v from "valibot";
import { userIdSchema } from "../../../preload/contract/ids.ts";
import { ComposerView, type ComposerViewProps } from "./ComposerView.tsx";
import styles from "./gallery.module.css";

const people = ["Bob", "Mira Okafor", "نور الحسن", "Ines", "Jonas"].map((displayName, index) => ({
  userId: v.parse(userIdSchema, `@user${index}:example.org`),
  displayName,
}));

const base: ComposerViewProps = {
  roomName: "Bob Marsh",
  isEncrypted: false,
  permission: "yes",
  text: "",
  error: undefined,
  typing: [],
  avatarUrl: () => undefined,
  onText: () => {},
  onSend: () => {},
};

const longName = "Maximiliane Alexandra von und zu Hohenstein-Wallersbach the Second of That Name, Esquire";
const states: readonly { name: string; props: Partial<ComposerViewProps> }[] = [
  { name: "empty, one is typing", props: { typing: people.slice(0, 1) } },
  { name: "encrypted, two are typing", props: { isEncrypted: true, typing: people.slice(0, 2) } },
  { name: "many are typing", props: { typing: people } },
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
