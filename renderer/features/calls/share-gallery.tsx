/**
 * The choice of a screen, and the small window of a ringing call, in their states. Part of the calls' gallery.
 * Invariant: no host is needed; the pictures are painted here.
 */
import type { ReactNode } from "react";
import type { IncomingCallHost, RingingCall, ScreenSource } from "../../../preload/contract/shell-contract.ts";
import { IncomingCallPage } from "./IncomingCallPage.tsx";
import { ScreenSourceDialog } from "./ScreenSourceDialog.tsx";
import styles from "./gallery.module.css";

const nothing = () => {};

function painted(hue: number): string {
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 180;
  const pen = canvas.getContext("2d");
  if (!pen) return "";
  pen.fillStyle = `oklch(0.4 0.06 ${hue})`;
  pen.fillRect(0, 0, 320, 180);
  pen.fillStyle = `oklch(0.93 0.01 ${hue})`;
  pen.fillRect(40, 30, 200, 120);
  return canvas.toDataURL("image/jpeg");
}

const source = (id: string, name: string, hue?: number): ScreenSource => ({
  id,
  name,
  kind: id.startsWith("screen:") ? "screen" : "window",
  ...(hue === undefined ? {} : { thumbnail: painted(hue) }),
});

const choice = (
  sources: readonly ScreenSource[],
  more: { canShareSound?: boolean; isDeniedBySystem?: boolean } = {},
) => (
  <ScreenSourceDialog
    request={{ requestId: "gallery-1", sources: [...sources], canShareSound: false, isDeniedBySystem: false, ...more }}
    onShare={nothing}
    onCancel={nothing}
  />
);

const ringing = (callId: string, more: Partial<RingingCall> = {}): RingingCall => ({
  accountId: "a1b2c3d4e5f6g7h8" as RingingCall["accountId"],
  callId: callId as RingingCall["callId"],
  peer: { userId: "@jonas:example.org", displayName: "Jonas Lindqvist" } as RingingCall["peer"],
  media: "video",
  isEncrypted: true,
  isSilenced: false,
  endsCurrentCall: false,
  ...more,
});

const smallWindow = (calls: readonly RingingCall[]) => {
  const host: IncomingCallHost = {
    mediaBase: "/media/",
    onCalls: (listener) => {
      listener(calls);
      return nothing;
    },
    reply: nothing,
    fitHeight: nothing,
  };
  return (
    <div className={styles["slot"]}>
      <IncomingCallPage host={host} />
    </div>
  );
};

/** For calls' gallery. */
export const shareGallery: readonly { name: string; render: () => ReactNode }[] = [
  {
    name: "calls: share a screen",
    render: () =>
      choice(
        [
          source("screen:0:0", "Entire screen", 250),
          source("screen:1:0", "Screen 2", 150),
          source("window:1:0", "Budget 2027 (final, really final), third revision of the second draft - Sheets", 60),
          source("window:2:0", "\u202Etxt.exe", 20),
          source("window:3:0", "Terminal"),
        ],
        { canShareSound: true },
      ),
  },
  { name: "calls: share a screen, none", render: () => choice([], { isDeniedBySystem: true }) },
  { name: "calls: small window", render: () => smallWindow([ringing("one")]) },
  {
    name: "calls: small window, two calls",
    render: () =>
      smallWindow([
        ringing("one", { isSilenced: true, endsCurrentCall: true }),
        ringing("two", { media: "voice", isEncrypted: false }),
      ]),
  },
];
