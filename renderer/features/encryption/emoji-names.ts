/**
 * The names of the 64 emoji that people compare, by the specification's numbers. Used by VerificationView.
 * spec: e2ee, "SAS method: emoji". Invariant: the order is the specification's; a name that is not known is the
 * one that the crypto gives.
 */
import type { Text } from "../../text/text.ts";

const names = [
  "dog",
  "cat",
  "lion",
  "horse",
  "unicorn",
  "pig",
  "elephant",
  "rabbit",
  "panda",
  "rooster",
  "penguin",
  "turtle",
  "fish",
  "octopus",
  "butterfly",
  "flower",
  "tree",
  "cactus",
  "mushroom",
  "globe",
  "moon",
  "cloud",
  "fire",
  "banana",
  "apple",
  "strawberry",
  "corn",
  "pizza",
  "cake",
  "heart",
  "smiley",
  "robot",
  "hat",
  "glasses",
  "spanner",
  "santa",
  "thumbsUp",
  "umbrella",
  "hourglass",
  "clock",
  "gift",
  "lightBulb",
  "book",
  "pencil",
  "paperclip",
  "scissors",
  "lock",
  "key",
  "hammer",
  "telephone",
  "flag",
  "train",
  "bicycle",
  "aeroplane",
  "rocket",
  "trophy",
  "ball",
  "guitar",
  "trumpet",
  "bell",
  "anchor",
  "headphones",
  "folder",
  "pin",
] as const;

/** The emoji's name in the user's language. */
export function emojiName(t: Text, emoji: { number: number; description: string }): string {
  const name = names[emoji.number];
  return name === undefined ? emoji.description : t(`encryption.emoji.${name}`);
}
