/**
 * Looks into a file before it is sent: the size of a picture or film, the length of a sound, and a smaller picture of
 * a large one. Called by attachment-tray.ts; all decoding is Chromium's, in the page's sandbox.
 * Invariants: never rejects: what cannot be looked into is sent without these figures; and the file itself is never
 * changed, only looked at.
 */

/** A picture with a longer side gets a thumbnail of this size. */
export const THUMBNAIL_SIDE_PX = 800;
const THUMBNAIL_QUALITY = 0.8;
/** Larger files are not decoded: what they take in memory is a multiple. */
const MAX_DECODED_BYTES = 64 * 2 ** 20;
/** The contract's bound for a side. */
const MAX_SIDE_PX = 100_000;
const PATIENCE_MS = 10_000;

/** What Chromium decodes; SVG is not among it, being a program rather than a picture. */
const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/u;
/** These may be seen through, which JPEG cannot say. */
const MAY_BE_TRANSPARENT = /^image\/(?:png|gif|webp|avif)$/u;
const PLAYABLE = /^(audio|video)\//u;

export type Thumbnail = { bytes: Blob; widthPx: number; heightPx: number };
export type FileFacts = {
  widthPx?: number;
  heightPx?: number;
  durationMs?: number;
  thumbnail?: Thumbnail;
};

/** Whether a file of this type is shown as a picture. */
export const isPicture = (contentType: string): boolean => PICTURE.test(contentType);

/** The figures of a file, as far as they can be had. */
export async function measureFile(file: Blob): Promise<FileFacts> {
  try {
    if (isPicture(file.type)) return file.size > MAX_DECODED_BYTES ? {} : await measurePicture(file);
    const kind = PLAYABLE.exec(file.type)?.[1];
    return kind === undefined ? {} : await measurePlayable(file, kind === "video" ? "video" : "audio");
  } catch {
    return {};
  }
}

/** The size to which a picture is made smaller; undefined where it is small already. */
export function thumbnailSize(widthPx: number, heightPx: number): { widthPx: number; heightPx: number } | undefined {
  const longer = Math.max(widthPx, heightPx);
  if (!(longer > THUMBNAIL_SIDE_PX)) return undefined;
  const scaled = (sidePx: number) => Math.max(1, Math.round((sidePx * THUMBNAIL_SIDE_PX) / longer));
  return { widthPx: scaled(widthPx), heightPx: scaled(heightPx) };
}

async function measurePicture(file: Blob): Promise<FileFacts> {
  // Turned the way in which it is shown, whatever its camera was held like.
  const picture = await createImageBitmap(file);
  try {
    const { width: widthPx, height: heightPx } = picture;
    if (Math.max(widthPx, heightPx) > MAX_SIDE_PX) return {};
    const size = thumbnailSize(widthPx, heightPx);
    const thumbnail = size && (await drawThumbnail(picture, size, MAY_BE_TRANSPARENT.test(file.type)));
    return { widthPx, heightPx, ...(thumbnail && { thumbnail }) };
  } finally {
    picture.close();
  }
}

async function drawThumbnail(
  picture: ImageBitmap,
  size: { widthPx: number; heightPx: number },
  mayBeTransparent: boolean,
): Promise<Thumbnail | undefined> {
  const canvas = new OffscreenCanvas(size.widthPx, size.heightPx);
  const context = canvas.getContext("2d");
  if (!context) return undefined;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, size.widthPx, size.heightPx);
  const type = mayBeTransparent ? "image/webp" : "image/jpeg";
  return { bytes: await canvas.convertToBlob({ type, quality: THUMBNAIL_QUALITY }), ...size };
}

async function measurePlayable(file: Blob, kind: "audio" | "video"): Promise<FileFacts> {
  const element = document.createElement(kind);
  const url = URL.createObjectURL(file);
  try {
    element.preload = "metadata";
    element.src = url;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    await new Promise((resolve, reject) => {
      element.addEventListener("loadedmetadata", resolve, { once: true });
      element.addEventListener("error", reject, { once: true });
      signal.addEventListener("abort", reject, { once: true });
    });
    const durationMs = Math.round(element.duration * 1_000);
    const isFilm = element instanceof HTMLVideoElement && element.videoWidth > 0;
    return {
      ...(Number.isSafeInteger(durationMs) && durationMs > 0 && { durationMs }),
      ...(isFilm && { widthPx: element.videoWidth, heightPx: element.videoHeight }),
    };
  } finally {
    element.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}
