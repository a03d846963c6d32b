/**
 * The figures behind the words on a call's quality: path, delay, loss, pictures, and how far the call can be trusted.
 * Drawn in a panel of InCallView. Invariant: what is not known is not listed, and no figure is made up.
 */
import type { ReactNode } from "react";
import type { Shield } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import type { CallDetails, VideoFigures } from "./call-media/call-media.ts";
import styles from "./call-panel.module.css";

export type CallDetailsListProps = {
  details: CallDetails | undefined;
  isEncrypted: boolean;
  shield: Shield | undefined;
};

const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });

/** A list of figures. */
export function CallDetailsList({ details, isEncrypted, shield }: CallDetailsListProps) {
  const text = useText();
  const picture = ({ widthPx, heightPx, framesPerSecond, codec }: VideoFigures) =>
    text("calls.detailPicture", { width: widthPx, height: heightPx, frames: framesPerSecond, codec });
  const trust =
    shield === undefined
      ? text(isEncrypted ? "calls.detailEncrypted" : "calls.detailNotEncrypted")
      : text(`calls.shieldDetail.${shield}`);
  return (
    <dl className={styles["figures"]}>
      {details ? (
        <>
          <Figure label={text("calls.detailPath")}>
            {text(details.path === "direct" ? "calls.detailPathDirect" : "calls.detailPathRelay")}
          </Figure>
          {details.roundTripMs === undefined ? null : (
            <Figure label={text("calls.detailRoundTrip")}>
              {text("calls.detailRoundTripMs", { count: details.roundTripMs })}
            </Figure>
          )}
          <Figure label={text("calls.detailLoss")}>{percent.format(details.lossShare)}</Figure>
          {details.incoming ? <Figure label={text("calls.detailIncoming")}>{picture(details.incoming)}</Figure> : null}
          {details.outgoing ? <Figure label={text("calls.detailOutgoing")}>{picture(details.outgoing)}</Figure> : null}
          {details.audioCodec === undefined ? null : (
            <Figure label={text("calls.detailSound")}>{details.audioCodec}</Figure>
          )}
        </>
      ) : null}
      <Figure label={text("calls.detailEncryption")}>{trust}</Figure>
    </dl>
  );
}

function Figure({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
