/**
 * How a screen is shared: for text or for motion, how large, how many pictures a second, with sound or without. Asked
 * before the choice of the screen itself, which is the host's. Drawn in a panel of InCallView.
 * Invariant: what was chosen last holds for the next time in this window.
 */
import { useState } from "react";
import { MonitorUp } from "lucide-react";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Chips } from "../../ui/Chips.tsx";
import { Switch } from "../../ui/Switch.tsx";
import type { ScreenShareOptions } from "./call-media/call-media.ts";
import styles from "./call-panel.module.css";

let lastOptions: ScreenShareOptions = { maxHeightPx: 1_080, frameRate: 15, mode: "text", withSound: false };

const HEIGHTS = { "720": 720, "1080": 1_080, source: undefined } as const;
const FRAME_RATES = { "5": 5, "15": 15, "30": 30, "60": 60 } as const;
/** What suits each kind, until the user says otherwise. */
const FRAMES_FOR = { text: 15, motion: 30 } as const;

/** The form; `onShare` goes on to the choice of the screen. */
export function ShareForm({ onShare }: { onShare: (options: ScreenShareOptions) => void }) {
  const text = useText();
  const [options, setOptions] = useState(lastOptions);
  const change = (patch: Partial<ScreenShareOptions>) => setOptions((before) => ({ ...before, ...patch }));
  const height = Object.entries(HEIGHTS).find(([, px]) => px === options.maxHeightPx)?.[0] as keyof typeof HEIGHTS;
  return (
    <div className={styles["form"]}>
      <div className={styles["choice"]}>
        <span className={styles["choiceLabel"]}>{text("calls.shareFor")}</span>
        <Chips<ScreenShareOptions["mode"]>
          label={text("calls.shareFor")}
          options={[
            { id: "text", label: text("calls.shareText") },
            { id: "motion", label: text("calls.shareMotion") },
          ]}
          selected={options.mode}
          onSelect={(mode) => change({ mode, frameRate: FRAMES_FOR[mode] })}
        />
        <p className={styles["hint"]}>
          {text(options.mode === "text" ? "calls.shareTextHint" : "calls.shareMotionHint")}
        </p>
      </div>
      <div className={styles["choice"]}>
        <span className={styles["choiceLabel"]}>{text("calls.shareSize")}</span>
        <Chips<keyof typeof HEIGHTS>
          label={text("calls.shareSize")}
          options={[
            { id: "720", label: "720p" },
            { id: "1080", label: "1080p" },
            { id: "source", label: text("calls.shareSource") },
          ]}
          selected={height}
          onSelect={(id) => change({ maxHeightPx: HEIGHTS[id] })}
        />
      </div>
      <div className={styles["choice"]}>
        <span className={styles["choiceLabel"]}>{text("calls.shareFrames")}</span>
        <Chips<keyof typeof FRAME_RATES>
          label={text("calls.shareFrames")}
          options={(["5", "15", "30", "60"] as const).map((id) => ({ id, label: id }))}
          selected={`${options.frameRate}`}
          onSelect={(id) => change({ frameRate: FRAME_RATES[id] })}
        />
      </div>
      <Switch
        label={text("calls.shareWithSound")}
        isSelected={options.withSound}
        onChange={(withSound) => change({ withSound })}
      />
      <Button
        variant="primary"
        size="large"
        isFullWidth
        icon={<MonitorUp />}
        onPress={() => {
          lastOptions = options;
          onShare(options);
        }}
      >
        {text("calls.shareChoose")}
      </Button>
    </div>
  );
}
