/**
 * playAll: every scenario, and what else is asked of two different clients, as tests. Called by the two test files of
 * our engine, which run side by side. Invariant: whoever signs in once more does so with the other client.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newUser, sharedHomeserver } from "../../support/users.ts";
import { openCast, type ClientName, type OpenCast } from "./cast.ts";
import { scenarios } from "./scenarios.ts";

export const SCENARIO_MS = 60_000;

export function playAll(alice: ClientName, bob: ClientName): void {
  describe(`Alice has ${alice}, Bob has ${bob}`, () => {
    let cast: OpenCast;

    beforeAll(async () => {
      const { baseUrl } = sharedHomeserver();
      cast = await openCast({
        alice: { clients: [alice, bob], baseUrl, newUser, passphrase: "open sesame" },
        bob: { clients: [bob, alice], baseUrl, newUser },
      });
    });
    afterEach(() => cast.endLater());
    afterAll(() => cast?.endAll());

    test.each(scenarios)("%s", async (_, play) => play(cast), SCENARIO_MS);

    test("the passphrase that was made with one client opens secret storage for the other", async () => {
      const device = await cast.alice.signIn("knows the passphrase");
      await expect(device.recover("open sesamee")).rejects.toThrow(/does not fit|wrong recovery key/u);
      expect((await device.identity()).isDeviceVerified).toBe(false);
      await device.recover("open sesame");
      expect((await device.identity()).isDeviceVerified).toBe(true);
      await cast.bob.person.untilDevice(device.userId, device.deviceId);
    });
  });
}
