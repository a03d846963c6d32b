/**
 * The two ways to call, for a room's header. Placed there by renderer/app.
 * Invariant: they are there only where a call is possible, and rest while one takes place on this computer; what goes
 * wrong is told by the surfaces of calls, not here.
 */
import { useState } from "react";
import { Phone, Video } from "lucide-react";
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import { useTopic } from "../../engine-client/use-topic.ts";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { useBeginCall } from "./begin-call.ts";
import { isTakingPlace } from "./sort-calls.ts";

export type CallButtonsProps = {
  accountId: AccountId;
  roomId: RoomId;
  /** True where exactly one other member could answer. */
  canCall: boolean;
};

/** Voice call and video call. */
export function CallButtons({ accountId, roomId, canCall }: CallButtonsProps) {
  const text = useText();
  const begin = useBeginCall();
  const [isBeginning, setIsBeginning] = useState(false);
  const calls = useTopic("calls", canCall ? { accountId } : null);
  if (!canCall) return null;
  const isBusy = isBeginning || (calls.status === "ready" && calls.items.some(isTakingPlace));
  const call = async (media: "voice" | "video") => {
    setIsBeginning(true);
    await begin({ ask: "place", accountId, roomId, media });
    setIsBeginning(false);
  };
  return (
    <>
      <IconButton
        icon={<Phone />}
        label={text("calls.voiceCall")}
        isDisabled={isBusy}
        onPress={() => void call("voice")}
      />
      <IconButton
        icon={<Video />}
        label={text("calls.videoCall")}
        isDisabled={isBusy}
        onPress={() => void call("video")}
      />
    </>
  );
}
