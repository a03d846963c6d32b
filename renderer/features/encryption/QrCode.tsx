/**
 * A QR code of raw bytes as a drawing. Used by VerificationView. Invariant: dark on light in every theme, with its
 * quiet zone, since cameras expect that; bytes that make no code draw nothing.
 */
import { useMemo } from "react";
import { bytesOfBase64, modulesOf, pathOf } from "./qr-bytes.ts";
import styles from "./verification.module.css";

/** The code, named for those who cannot see it. */
export function QrCode({ base64, label }: { base64: string; label: string }) {
  const modules = useMemo(() => {
    const bytes = bytesOfBase64(base64);
    return bytes && modulesOf(bytes);
  }, [base64]);
  if (modules === undefined) return null;
  return (
    <svg
      className={styles["qrCode"]}
      viewBox={`0 0 ${modules.length} ${modules.length}`}
      shapeRendering="crispEdges"
      role="img"
      aria-label={label}
    >
      <path d={pathOf(modules)} />
    </svg>
  );
}
