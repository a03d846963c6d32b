/** The list of own devices: names, order, trust, what is new in it, and what may be done to whom. */
import { describe, expect, test } from "vitest";
import type { DeviceId } from "../../../preload/contract/ids.ts";
import { inGroups, openDevices } from "../../../main/engine/crypto/devices.ts";
import type { CryptoServer, ListedDevice } from "../../../main/engine/crypto/server.ts";
import { offline, startCryptoServer } from "../../support/crypto-server.ts";
import { ALICE, breathe, pump, signIn, type SignedIn } from "./signed-in.ts";

const id = (name: string) => name as DeviceId;
const listed = (name: string, more: Partial<ListedDevice> = {}): ListedDevice => ({
  deviceId: id(name),
  displayName: undefined,
  lastSeenTs: undefined,
  lastSeenAddress: undefined,
  ...more,
});

async function alone() {
  const server = startCryptoServer();
  const alice = await signIn(server, ALICE, "HERE", { isFirst: true });
  await alice.sync();
  return { server, alice };
}

/** The devices part over a server whose list is the test's. */
function openOver(alice: SignedIn, list: () => ListedDevice[] | Promise<ListedDevice[]>) {
  let fetches = 0;
  const server: CryptoServer = {
    ...alice.context.server,
    async devices() {
      fetches += 1;
      return list();
    },
  };
  const changes: string[] = [];
  const devices = openDevices({ ...alice.context, server, changed: (...what) => void changes.push(...what) });
  return { devices, changes, fetches: () => fetches };
}

describe("the list", () => {
  test("this device first, then the most recently seen, with trust and fingerprint", async () => {
    const { alice } = await alone();
    const { devices } = openOver(alice, () => [
      listed("OLD", { lastSeenTs: 5, displayName: "Old" }),
      listed("NEVER"),
      listed("RECENT", { lastSeenTs: 9, lastSeenAddress: "192.0.2.1" }),
      listed("HERE", { lastSeenTs: 1, displayName: "Here" }),
    ]);
    expect(devices.rows()).toEqual([]);
    await devices.refresh();
    expect(devices.rows().map((row) => row.deviceId)).toEqual(["HERE", "RECENT", "OLD", "NEVER"]);
    expect(devices.rows()[0]).toEqual({
      key: "HERE",
      deviceId: "HERE",
      displayName: "Here",
      lastSeenTs: 1,
      isThisDevice: true,
      trust: "verified",
      fingerprint: inGroups(alice.olm.identityKeys.ed25519.toBase64()),
    });
    expect(devices.rows()[1]).toEqual({
      key: "RECENT",
      deviceId: "RECENT",
      displayName: "RECENT",
      lastSeenTs: 9,
      lastSeenAddress: "192.0.2.1",
      isThisDevice: false,
      trust: "no-encryption",
    });
    expect(devices.nameOf(id("OLD"))).toBe("Old");
    expect(devices.nameOf(id("GONE"))).toBeUndefined();
  });

  test("names that deceive are cleaned, and a million devices are not listed", async () => {
    const { alice } = await alone();
    const { devices } = openOver(alice, () => [
      listed("BIDI", { displayName: "\u202Eevil\u0000\n" }),
      listed("LONG", { displayName: "x".repeat(100_000) }),
      listed("BLANK", { displayName: "\u200B \u2800" }),
      ...Array.from({ length: 3_000 }, (_, at) => listed(`MANY${at}`)),
    ]);
    await devices.refresh();
    expect(devices.nameOf(id("BIDI"))).toBe("evil");
    expect(devices.nameOf(id("LONG"))).toHaveLength(256);
    expect(devices.nameOf(id("BLANK"))).toBe("BLANK");
    expect(devices.rows()).toHaveLength(1_000);
  });

  test("what did not change is not announced, and what fails leaves the last list", async () => {
    const { alice } = await alone();
    let isOffline = false;
    const { devices, changes } = openOver(alice, () => {
      if (isOffline) throw offline();
      return [listed("HERE")];
    });
    await devices.refresh();
    await devices.refresh();
    expect(changes).toEqual(["devices"]);
    isOffline = true;
    await expect(devices.refresh()).rejects.toMatchObject({ code: "offline" });
    devices.refreshSoon();
    await breathe();
    expect(devices.rows()).toHaveLength(1);
  });

  test("a refresh that is asked for during another one sees what came after", async () => {
    const { alice } = await alone();
    const list = [listed("HERE")];
    const { devices, fetches } = openOver(alice, async () => {
      const answer = [...list];
      await breathe();
      return answer;
    });
    const first = devices.refresh();
    list.push(listed("LATER"));
    await Promise.all([first, devices.refresh(), devices.refresh()]);
    expect(devices.rows().map((row) => row.deviceId)).toEqual(["HERE", "LATER"]);
    expect(fetches()).toBe(2);
  });

  test("trust follows the signatures", async () => {
    const { server, alice } = await alone();
    const second = await signIn(server, ALICE, "SECOND");
    await pump(alice, second);
    await second.devices.refresh();
    expect(second.devices.rows().map((row) => [row.deviceId, row.trust])).toEqual([
      ["SECOND", "unsigned"],
      ["HERE", "signed"],
    ]);
    const { flowId } = await alice.verifications.request(ALICE, id("SECOND"));
    await pump(alice, second);
    await second.verifications.accept(flowId);
    await pump(alice, second);
    await alice.verifications.startEmoji(flowId);
    await pump(alice, second);
    for (const one of [alice, second]) await one.verifications.confirm(flowId, true);
    await pump(alice, second);
    await second.devices.judge();
    expect(second.devices.rows().map((row) => row.trust)).toEqual(["verified", "verified"]);
  });
});

describe("new devices", () => {
  test("one that appears later and is not signed is new, until it is signed or gone", async () => {
    const { server, alice } = await alone();
    await alice.devices.refresh();
    expect(alice.devices.newDevices()).toEqual([]);
    const planted = await signIn(server, ALICE, "PLANTED");
    await pump(alice, planted);
    await alice.devices.refresh();
    expect(alice.devices.newDevices().map((row) => [row.deviceId, row.trust])).toEqual([["PLANTED", "unsigned"]]);
    await alice.devices.signOut([id("PLANTED")]);
    expect(alice.devices.newDevices()).toEqual([]);
  });

  test("those that were there at the sign-in are not new", async () => {
    const { server, alice } = await alone();
    const second = await signIn(server, ALICE, "SECOND");
    await pump(alice, second);
    await second.devices.refresh();
    expect(second.devices.newDevices()).toEqual([]);
  });
});

describe("commands", () => {
  test("rename shows at once, trimmed", async () => {
    const { server, alice } = await alone();
    await alice.devices.refresh();
    await alice.devices.rename(id("HERE"), "  Desk  ");
    expect(alice.devices.nameOf(id("HERE"))).toBe("Desk");
    expect(server.users.get(ALICE)?.devices.get("HERE")?.displayName).toBe("Desk");
    await expect(alice.devices.rename(id("GONE"), "x")).rejects.toMatchObject({ code: "not-found" });
  });

  test("signing out others: asks for the password where the server wants it", async () => {
    const { server, alice } = await alone();
    server.addDevice(ALICE, "A");
    server.addDevice(ALICE, "B");
    server.setPassword(ALICE, "correct horse");
    await alice.devices.refresh();
    await expect(alice.devices.signOut([id("A"), id("B")])).rejects.toMatchObject({ code: "password-needed" });
    await expect(alice.devices.signOut([id("A")], "wrong")).rejects.toMatchObject({ code: "wrong-credentials" });
    expect(alice.devices.rows()).toHaveLength(3);
    await alice.devices.signOut([id("A"), id("B"), id("A")], "correct horse");
    expect(alice.devices.rows().map((row) => row.deviceId)).toEqual(["HERE"]);
    expect([...(server.users.get(ALICE)?.devices.keys() ?? [])]).toEqual(["HERE"]);
  });

  test("this device is never signed out, not even among others", async () => {
    const { server, alice } = await alone();
    server.addDevice(ALICE, "A");
    await expect(alice.devices.signOut([id("A"), id("HERE")])).rejects.toMatchObject({ code: "invalid-request" });
    await alice.devices.signOut([]);
    expect(server.countCalls("deleteDevices")).toBe(0);
    expect(server.users.get(ALICE)?.devices.size).toBe(2);
  });
});
