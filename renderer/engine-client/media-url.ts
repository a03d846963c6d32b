/**
 * Addresses of media as the host serves them: `${mediaBase}${accountId}/${server}/${mediaId}?w=&h=&method=`.
 * Used for avatars and pictures. Invariant: an mxc URI that is not grammatical gives no address at all.
 */
import { useCallback } from "react";
import * as v from "valibot";
import { mxcUriSchema } from "../../preload/contract/ids.ts";
import type { AccountId, MxcUri } from "../../preload/contract/ids.ts";
import { useHostInfo } from "./EngineProvider.tsx";

export type ThumbnailSize = { widthPx: number; heightPx: number; method: "crop" | "scale" };

/** Address of a media file, or of its thumbnail at the given size. */
export function mediaUrl(
  mediaBase: string,
  accountId: AccountId,
  mxc: MxcUri,
  thumbnail?: ThumbnailSize,
): string | undefined {
  if (!v.is(mxcUriSchema, mxc)) return undefined;
  const [server, mediaId] = mxc.slice("mxc://".length).split("/");
  const query =
    thumbnail === undefined ? "" : `?w=${thumbnail.widthPx}&h=${thumbnail.heightPx}&method=${thumbnail.method}`;
  return `${mediaBase}${accountId}/${encodeURIComponent(server ?? "")}/${mediaId}${query}`;
}

/** Makes addresses of square avatars for this account; pictures are asked for at twice the size shown. */
export function useAvatarUrl(accountId: AccountId): (mxc: MxcUri | undefined, sizePx?: number) => string | undefined {
  const { mediaBase } = useHostInfo();
  return useCallback(
    (mxc, sizePx = 36) => {
      if (mxc === undefined) return undefined;
      const edgePx = sizePx <= 48 ? 96 : 256;
      return mediaUrl(mediaBase, accountId, mxc, { widthPx: edgePx, heightPx: edgePx, method: "crop" });
    },
    [mediaBase, accountId],
  );
}
