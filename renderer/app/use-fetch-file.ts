/**
 * Fetches the files of a room's messages: has the engine get and check them, and has the host save them. Used by
 * RoomPane, which hands it to the timeline.
 * Invariant: the function keeps its identity while a room is open, because rows are drawn anew when it changes.
 */
import { useCallback } from "react";
import type { AccountId, RoomId } from "../../preload/contract/ids.ts";
import { toCommandErrorData } from "../engine-client/command-error.ts";
import { useEngineClient } from "../engine-client/EngineProvider.tsx";
import { fileRefOf } from "../features/timeline/index.ts";
import type { FetchFile } from "../features/timeline/index.ts";

/** The fetching of files for one room. */
export function useFetchFile(accountId: AccountId, roomId: RoomId): FetchFile {
  const client = useEngineClient();
  return useCallback<FetchFile>(
    async (item, purpose, signal) => {
      const file = fileRefOf(roomId, item, "file");
      if (file === undefined) return { code: "not-found", message: "This message has no file." };
      try {
        await client.call("files.open", { accountId, file }, { signal });
      } catch (error) {
        return toCommandErrorData(error);
      }
      if (purpose === "save" && !signal.aborted) window.latticeHost?.saveFile({ accountId, file });
      return undefined;
    },
    [client, accountId, roomId],
  );
}
