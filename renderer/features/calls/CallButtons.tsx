/**
 * The two ways to call, for a room's header. Placed there by renderer/app.
 * Invariant: they are there only where a call is possible, and rest while one runs in this window; what goes
 * wrong is told by CallSurfaces, not here.
 */
import { Phone, Video } from "lucide-react";
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopic } from "../../engine-client/use-topic.ts";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { callNotices } from "./call-notices.ts";

export type CallButtonsProps = {
  accountId: AccountId;
  roomId: RoomId;
  /** True where exactly one other member could answer. */
  canCall: boolean;
};

/** Voice call and video call. */
export function CallButtons({ accountId, roomId, canCall }: CallButtonsProps) {
  const text = useText();
  const place = useCommand("calls.place");
  const calls = useTopic("calls", canCall ? { accountId } : null);
  if (!canCall) return null;
  const isBusy = calls.status === "ready" && calls.items.some((call) => call.isMediaHere && call.state !== "ended");
  const call = async (media: "voice" | "video") => {
    const result = await place.run({ accountId, roomId, media });
    if (!result.ok) callNotices.show(accountId, result.error.message);
  };
  return (
    <>
      <IconButton
        icon={<Phone />}
        label={text("calls.voiceCall")}
        isDisabled={isBusy || place.isRunning}
        onPress={() => void call("voice")}
      />
      <IconButton
        icon={<Video />}
        label={text("calls.videoCall")}
        isDisabled={isBusy || place.isRunning}
        onPress={() => void call("video")}
      />
    </>
  );
}
