/**
 * People: a user as shown in a room, from table member. Read by every view that names someone.
 * Invariant: two present members with the same visible name are told apart by their ids.
 * spec: client-server, "Calculating the display name for a user".
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { Person } from "../../../preload/contract/views.ts";
import { disambiguateName } from "../matrix/display-name.ts";
import type { MemberTable } from "./tables/member.ts";

export function openPeople(members: MemberTable) {
  return {
    read(roomId: RoomId, userId: UserId): Person {
      const member = members.read(roomId, userId);
      const isUnique = member?.displayName === undefined || members.countSameName(roomId, member.displayName) <= 1;
      return {
        userId,
        displayName: disambiguateName(member?.displayName, userId, isUnique),
        ...(member?.avatarMxc && { avatarMxc: member.avatarMxc }),
      };
    },
  };
}
export type People = ReturnType<typeof openPeople>;

/** Remembers people for the length of one read, so that a busy sender is looked up once. */
export function rememberPeople(people: People, roomId: RoomId): (userId: UserId) => Person {
  const known = new Map<UserId, Person>();
  return (userId) => {
    const found = known.get(userId);
    if (found) return found;
    const person = people.read(roomId, userId);
    known.set(userId, person);
    return person;
  };
}
