/**
 * How far the file of a message has come on its way to the server: a thin bar over the lower edge of its card or
 * picture. Used by FileBody and FileCard. Invariant: it takes no room, so that nothing moves when it comes and goes;
 * it is read out at each quarter, not at each step.
 */
import { useText } from "../../text/text.ts";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import type { UploadProgress } from "./describe-file.ts";
import styles from "./timeline.module.css";

/** Draws the bar. */
export function UploadProgressBar({ name, upload }: { name: string; upload: UploadProgress }) {
  const t = useText();
  const { sentBytes, totalBytes } = upload;
  const percent = totalBytes > 0 ? Math.min(100, Math.floor((sentBytes * 100) / totalBytes)) : 0;
  const quarter = percent - (percent % 25);
  return (
    <>
      <progress
        className={styles["uploadProgress"]}
        max={100}
        value={percent}
        aria-label={t("timeline.fileSending", { name })}
      />
      <VisuallyHidden>
        <span role="status">{quarter === 0 ? "" : t("timeline.fileSendingPercent", { name, percent: quarter })}</span>
      </VisuallyHidden>
    </>
  );
}
