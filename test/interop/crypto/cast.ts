/**
 * openCast: who plays a scenario: Alice and Bob, each with the clients and on the homeserver that the test names.
 * Called by the interop tests. Invariant: every person that was signed in ends with the cast.
 */
import type { RegisteredUser } from "../../support/register-user.ts";
import { startEnginePerson } from "./engine-person.ts";
import { startPeer } from "./peer.ts";
import type { Person } from "./person.ts";
import type { Cast, Player } from "./scenarios.ts";

export type ClientName = "our engine" | "matrix-js-sdk";

export type Role = {
  /** Of the first device, and of those that are signed in later. */
  clients: readonly [first: ClientName, later: ClientName];
  baseUrl: string;
  newUser: (name: string) => Promise<RegisteredUser>;
  /** Opens secret storage as the recovery key does. */
  passphrase?: string;
};

export type OpenCast = Cast & {
  /** Ends the devices that were signed in after the first. */
  endLater(): Promise<void>;
  endAll(): Promise<void>;
};

export async function openCast(roles: { alice: Role; bob: Role }): Promise<OpenCast> {
  const first: Person[] = [];
  const later: Person[] = [];
  const end = async (people: Person[]) => {
    await Promise.all(people.splice(0).map((person) => person[Symbol.asyncDispose]()));
  };
  const endAll = async () => {
    await end(later);
    await end(first);
  };
  const player = async (name: string, role: Role): Promise<Player> => {
    const account = await role.newUser(name);
    const signIn = (client: ClientName, deviceName: string): Promise<Person> =>
      client === "our engine"
        ? startEnginePerson(role.baseUrl, account)
        : startPeer({ baseUrl: role.baseUrl, ...account, deviceName });
    const [firstClient, laterClient] = role.clients;
    const person = await signIn(firstClient, "first");
    first.push(person);
    const { passphrase } = role;
    return {
      person,
      recoveryKey: await person.setUpIdentity(passphrase === undefined ? {} : { passphrase }),
      async signIn(deviceName) {
        const device = await signIn(laterClient, deviceName);
        later.push(device);
        return device;
      },
    };
  };
  try {
    const [alice, bob] = await Promise.all([player("Alice", roles.alice), player("Bob", roles.bob)]);
    return { alice, bob, endLater: () => end(later), endAll };
  } catch (error) {
    await endAll();
    throw error;
  }
}
