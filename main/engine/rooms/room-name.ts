/**
 * The name of a room: what its people gave it, or who is in it. Pure; called by the room summary.
 * Invariant: the result is never empty and holds nothing invisible; equal names of two heroes are told apart.
 * spec: client-server, "Calculating the display name for a room".
 */
import { cleanName, disambiguateName } from "../matrix/display-name.ts";

export type RoomHero = { userId: string; displayName: string | undefined; membership: string };

export type RoomNameInput = {
  name: string | undefined;
  canonicalAlias: string | undefined;
  /** Up to five members worth naming; ourselves among them are left out. */
  heroes: readonly RoomHero[];
  joinedCount: number;
  invitedCount: number;
  ownUserId: string;
};

export type RoomName = {
  /** - `given`: by its people. - `heroes`: from who is in it. - `empty`: nobody else is in it. */
  kind: "given" | "heroes" | "empty";
  name: string;
  /** The one other member, whose avatar stands for the room where it has none of its own. */
  avatarUserId: string | undefined;
};

const MAX_HEROES = 5;

/** Works out what to call a room. */
export function computeRoomName(room: RoomNameInput): RoomName {
  const others = room.heroes.filter((hero) => hero.userId !== room.ownUserId).slice(0, MAX_HEROES);
  const present = others.filter((hero) => hero.membership === "join" || hero.membership === "invite");
  // Counts may lag behind, and an invite brings none: whoever is known to be there counts in any case.
  const otherCount = Math.max(room.joinedCount + room.invitedCount - 1, present.length);
  // Members that were not loaded yet seem to be gone; the server would not name them if they were.
  const shown = otherCount > 0 && present.length > 0 ? present : others;
  const avatarUserId = shown.length === 1 && otherCount <= 1 ? shown[0]?.userId : undefined;

  const given = cleanName(room.name) ?? cleanName(room.canonicalAlias);
  if (given !== undefined) return { kind: "given", name: given, avatarUserId };
  const names = namesOf(shown);
  if (otherCount <= 0) {
    const was = names.length > 0 ? ` (was ${listOf(names)})` : "";
    return { kind: "empty", name: `Empty room${was}`, avatarUserId };
  }
  if (names.length === 0) return { kind: "heroes", name: peopleOf(otherCount), avatarUserId };
  const missing = otherCount - names.length;
  const list = missing > 0 ? [...names, missing === 1 ? "1 other" : `${missing} others`] : names;
  return { kind: "heroes", name: listOf(list), avatarUserId };
}

function namesOf(heroes: readonly RoomHero[]): string[] {
  const names = heroes.map((hero) => cleanName(hero.displayName));
  return heroes.map((hero, index) => {
    const isUnique = names.filter((name) => name === names[index]).length <= 1;
    return disambiguateName(hero.displayName, hero.userId, isUnique);
  });
}

const peopleOf = (count: number): string => (count === 1 ? "1 person" : `${count} people`);

/** "Bob", "Bob and Carol", "Bob, Carol and Dave" */
function listOf(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length <= 1 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}
