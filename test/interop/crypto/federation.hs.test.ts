/** That users of two servers talk encrypted: devices, keys and verification cross the federation. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startFederation, type Federation } from "../../support/federation.ts";
import { openCast, type ClientName, type OpenCast, type Role } from "./cast.ts";
import { SCENARIO_MS } from "./play.ts";
import { scenarios } from "./scenarios.ts";

const crossing = scenarios.filter(([name]) =>
  [
    "messages both ways, edited, replied to, liked and redacted",
    "files and thumbnails both ways",
    "a device that comes late reads what comes after, and the rest with the recovery key",
    "users verify each other by emoji",
  ].includes(name),
);

describe.skipIf(process.platform !== "linux")("two federated servers", () => {
  let federation: Federation;
  let cast: OpenCast;

  beforeAll(async () => {
    federation = await startFederation();
    cast = await openCast({ alice: role(0, "our engine"), bob: role(1, "matrix-js-sdk") });
  });
  afterEach(() => cast.endLater());
  afterAll(async () => {
    await cast?.endAll();
    await federation?.stop();
  });

  const role = (at: 0 | 1, client: ClientName): Role => {
    const homeserver = federation.servers[at];
    const newUser = (name: string) => homeserver.registerUser(undefined, undefined, { displayName: name });
    return { clients: [client, client], baseUrl: homeserver.baseUrl, newUser };
  };

  test("the two are on two servers", () => {
    const [first, second] = federation.servers;
    expect(first.serverName).not.toBe(second.serverName);
    expect(cast.alice.person.userId.endsWith(`:${first.serverName}`)).toBe(true);
    expect(cast.bob.person.userId.endsWith(`:${second.serverName}`)).toBe(true);
  });

  test.each(crossing)("%s", async (_, play) => play(cast), SCENARIO_MS);
});
