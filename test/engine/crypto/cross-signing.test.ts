/**
 * Cross-signing against a server that fails, refuses and lies: one identity is made and no second one, private keys
 * are taken in only where they fit, and whoever replaces the identity from elsewhere is told.
 */
import { UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { describe, expect, test } from "vitest";
import { openCrossSigning, publicKeyOf } from "../../../main/engine/crypto/cross-signing.ts";
import {
  offline,
  startCryptoServer,
  startMachine,
  type CryptoTestServer,
  type MachineOptions,
  type WireDict,
} from "../../support/crypto-server.ts";

const ALICE = "@alice:test";

async function signIn(server: CryptoTestServer, deviceId: string, options: MachineOptions = {}) {
  const machine = await startMachine(server, ALICE, deviceId, options);
  const signing = openCrossSigning(machine.context);
  machine.olm.registerUserIdentityUpdatedCallback(async (userId: UserId) => {
    if (userId.toString() === ALICE && !machine.context.signal.aborted) await signing.refresh();
  });
  return { machine, signing };
}

const masterOf = (server: CryptoTestServer): string =>
  Object.values((server.users.get(ALICE)?.crossSigning.master_key?.["keys"] ?? {}) as WireDict).join();
const uploads = (server: CryptoTestServer): string[] =>
  server.calls.filter((call) => call.name === "uploadSigningKeys").map((call) => JSON.stringify(call.body));
const signersOf = (server: CryptoTestServer, deviceId: string): string[] =>
  Object.keys(server.users.get(ALICE)?.devices.get(deviceId)?.deviceKeys?.signatures?.[ALICE] ?? {});

describe("the first sign-in", () => {
  test("makes an identity, signs this device, and all of it is on the server", async () => {
    const server = startCryptoServer();
    const { machine, signing } = await signIn(server, "A1");
    await signing.refresh();
    expect(signing.state()).toMatchObject({ hasIdentity: false, isDeviceVerified: false });
    expect(await signing.bootstrap()).toBe("created");
    expect(signing.state()).toEqual({
      hasIdentity: true,
      isDeviceVerified: true,
      hasMasterKey: true,
      hasSelfSigningKey: true,
      hasUserSigningKey: true,
      hasIdentityChanged: false,
    });
    expect(signersOf(server, "A1")).toHaveLength(2);
    expect(machine.changes).toContain("encryption");
    const secrets = await signing.exportSecrets();
    expect(publicKeyOf(secrets?.masterKey ?? "")).toBe(masterOf(server));
  });

  test("a second call, and one after a restart, leave everything as it is", async () => {
    const server = startCryptoServer();
    const { machine, signing } = await signIn(server, "A1");
    await signing.bootstrap();
    const before = JSON.stringify(server.users.get(ALICE)?.crossSigning);
    expect(await signing.bootstrap()).toBe("present");
    const again = openCrossSigning(machine.context);
    expect(await again.bootstrap()).toBe("present");
    expect(JSON.stringify(server.users.get(ALICE)?.crossSigning)).toBe(before);
    expect(uploads(server)).toHaveLength(1);
  });

  test("the password is asked for, and the very same keys go up with it", async () => {
    const server = startCryptoServer();
    server.setPassword(ALICE, "secret");
    const { signing } = await signIn(server, "A1");
    await expect(signing.bootstrap()).rejects.toMatchObject({ code: "password-needed" });
    expect(signing.state().hasIdentity).toBe(false);
    await expect(signing.bootstrap({ password: "wrong" })).rejects.toMatchObject({ code: "wrong-credentials" });
    expect(await signing.bootstrap({ password: "secret" })).toBe("created");
    expect(new Set(uploads(server)).size).toBe(1);
    expect(uploads(server)).toHaveLength(3);
  });

  test("a failure at each of its requests, then a repeat: one identity, byte for byte", async () => {
    for (let failing = 0; failing < 8; failing += 1) {
      const server = startCryptoServer();
      const { machine, signing } = await signIn(server, "A1");
      let left = failing;
      server.setIntercept(() => {
        left -= 1;
        if (left < 0) throw offline();
      });
      const failed = await signing.bootstrap().then(
        () => false,
        () => true,
      );
      server.setIntercept(undefined);
      // As after a kill: nothing is known but what the machine and the settings hold.
      const again = openCrossSigning(machine.context);
      await again.bootstrap();
      expect(again.state()).toMatchObject({ isDeviceVerified: true, hasIdentityChanged: false });
      expect(new Set(uploads(server)).size).toBe(1);
      expect(signersOf(server, "A1")).toHaveLength(2);
      if (!failed) return;
    }
    expect.unreachable("some number of requests must be enough");
  });

  test("an answer that got lost after the server took the keys is made good by the repeat", async () => {
    const server = startCryptoServer();
    const { machine, signing } = await signIn(server, "A1");
    const real = machine.context.server.uploadSigningKeys;
    machine.context.server.uploadSigningKeys = async (body, options) => {
      await real(body, options);
      throw offline();
    };
    await expect(signing.bootstrap()).rejects.toMatchObject({ code: "offline" });
    machine.context.server.uploadSigningKeys = real;
    expect(await signing.bootstrap()).toBe("present");
    expect(signing.state().isDeviceVerified).toBe(true);
  });
});

describe("an identity that exists", () => {
  test("is never replaced by a further device", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    await first.signing.bootstrap();
    const master = masterOf(server);
    const second = await signIn(server, "A2");
    expect(await second.signing.bootstrap()).toBe("elsewhere");
    expect(masterOf(server)).toBe(master);
    expect(second.signing.state()).toMatchObject({
      hasIdentity: true,
      isDeviceVerified: false,
      hasIdentityChanged: false,
    });
  });

  test("is not replaced either where the server does not show it any more", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    await first.signing.bootstrap();
    const second = await signIn(server, "A2");
    await second.signing.refresh();
    const record = server.users.get(ALICE);
    if (!record) expect.unreachable();
    record.crossSigning = {};
    expect(await second.signing.bootstrap()).toBe("elsewhere");
    expect(uploads(server)).toHaveLength(1);
    // Whoever has its keys brings the same identity back.
    const [before] = uploads(server);
    expect(await first.signing.bootstrap()).toBe("created");
    expect(uploads(server)).toEqual([before, before]);
    expect(first.signing.state()).toMatchObject({ isDeviceVerified: true, hasIdentityChanged: false });
  });

  test("wins over one that was made at the same time and did not reach the server", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    const second = await signIn(server, "A2");
    server.setPassword(ALICE, "secret");
    await expect(second.signing.bootstrap()).rejects.toMatchObject({ code: "password-needed" });
    await first.signing.bootstrap({ password: "secret" });
    const master = masterOf(server);
    expect(await second.signing.bootstrap({ password: "secret" })).toBe("elsewhere");
    expect(masterOf(server)).toBe(master);
    await second.signing.refresh();
    expect(second.signing.state()).toMatchObject({
      hasIdentity: true,
      isDeviceVerified: false,
      hasIdentityChanged: false,
    });
  });

  test("its keys from secret storage verify a further device", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    await first.signing.bootstrap();
    const secrets = await first.signing.exportSecrets();
    if (!secrets) expect.unreachable();
    const second = await signIn(server, "A2");
    await second.signing.importSecrets(secrets);
    expect(second.signing.state()).toMatchObject({
      isDeviceVerified: true,
      hasMasterKey: true,
      hasUserSigningKey: true,
    });
    expect(signersOf(server, "A2")).toHaveLength(2);
    await first.machine.sync();
    const device = await first.machine.olm.getUserDevices(new UserId(ALICE));
    expect(device.devices().every((own) => own.isCrossSignedByOwner())).toBe(true);
  });

  test("a signature that a kill kept from going out is made good", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    await first.signing.bootstrap();
    const secrets = await first.signing.exportSecrets();
    if (!secrets) expect.unreachable();
    const second = await signIn(server, "A2");
    server.setIntercept((call) => {
      if (call.name === "uploadSignatures") throw offline();
    });
    await expect(second.signing.importSecrets(secrets)).rejects.toMatchObject({ code: "offline" });
    expect(second.signing.state().isDeviceVerified).toBe(false);
    server.setIntercept(undefined);
    const again = openCrossSigning(second.machine.context);
    await again.resume();
    expect(again.state().isDeviceVerified).toBe(true);
    expect(signersOf(server, "A2")).toHaveLength(2);
  });

  test("keys of another identity, and what are no keys, are not taken in", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    await first.signing.bootstrap();
    const good = await first.signing.exportSecrets();
    if (!good) expect.unreachable();
    const other = await signIn(startCryptoServer(), "A1");
    await other.signing.bootstrap();
    const foreign = await other.signing.exportSecrets();
    const second = await signIn(server, "A2");
    const wrong = [
      { ...good, masterKey: foreign?.masterKey },
      { ...good, selfSigningKey: foreign?.selfSigningKey },
      { ...good, userSigningKey: good.masterKey },
      { ...good, masterKey: "" },
      { ...good, masterKey: "not base64 at all" },
      { ...good, selfSigningKey: "A".repeat(100_000) },
    ];
    for (const secrets of wrong) {
      await expect(second.signing.importSecrets(secrets)).rejects.toMatchObject({ code: "identity-changed" });
      await second.signing.refresh();
      expect(second.signing.state()).toMatchObject({
        hasMasterKey: false,
        hasSelfSigningKey: false,
        isDeviceVerified: false,
      });
    }
    await second.signing.importSecrets(good);
    expect(second.signing.state().isDeviceVerified).toBe(true);
  });

  test("there is none to import the keys of", async () => {
    const { signing } = await signIn(startCryptoServer(), "A1");
    await expect(
      signing.importSecrets({ masterKey: "x", selfSigningKey: undefined, userSigningKey: undefined }),
    ).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("a reset", () => {
  test("replaces the identity here and on the server, and is no alarm for the device that did it", async () => {
    const server = startCryptoServer();
    const { machine, signing } = await signIn(server, "A1");
    await signing.bootstrap();
    const before = masterOf(server);
    await signing.reset();
    expect(masterOf(server)).not.toBe(before);
    expect(signing.state()).toMatchObject({ isDeviceVerified: true, hasMasterKey: true, hasIdentityChanged: false });
    expect(publicKeyOf((await signing.exportSecrets())?.masterKey ?? "")).toBe(masterOf(server));
    await machine.sync();
    await signing.refresh();
    expect(signing.state()).toMatchObject({ isDeviceVerified: true, hasIdentityChanged: false });
    // No signature by a device key that is not this device's.
    const signers = Object.keys(server.users.get(ALICE)?.crossSigning.master_key?.signatures?.[ALICE] ?? {});
    expect(signers).toEqual([`ed25519:${masterOf(server)}`]);
  });

  test("that is given up at the password leaves the present identity alone", async () => {
    const server = startCryptoServer();
    const { signing } = await signIn(server, "A1");
    await signing.bootstrap();
    const before = masterOf(server);
    server.setPassword(ALICE, "secret");
    await expect(signing.reset()).rejects.toMatchObject({ code: "password-needed" });
    await signing.refresh();
    expect(masterOf(server)).toBe(before);
    expect(signing.state()).toMatchObject({ isDeviceVerified: true, hasMasterKey: true });
    expect(publicKeyOf((await signing.exportSecrets())?.masterKey ?? "")).toBe(before);
    // Repeated with the password, the same new keys go up.
    await signing.reset({ password: "secret" });
    expect(new Set(uploads(server)).size).toBe(2);
    expect(signing.state().isDeviceVerified).toBe(true);
  });

  test("that was killed after the server took it is finished at the next start, without an alarm", async () => {
    const server = startCryptoServer();
    const { machine, signing } = await signIn(server, "A1");
    await signing.bootstrap();
    server.setIntercept((call) => {
      if (call.name === "queryKeys") throw offline();
    });
    await expect(signing.reset()).rejects.toMatchObject({ code: "offline" });
    server.setIntercept(undefined);
    const again = openCrossSigning(machine.context);
    await machine.sync();
    await again.resume();
    expect(again.state()).toMatchObject({ isDeviceVerified: true, hasMasterKey: true, hasIdentityChanged: false });
    expect(again.isResetUnfinished()).toBe(true);
    again.endReset();
    expect(again.isResetUnfinished()).toBe(false);
  });
});

test("a reset whose answer got lost is finished too, and is no alarm in the meantime", async () => {
  const server = startCryptoServer();
  const { machine, signing } = await signIn(server, "A1");
  await signing.bootstrap();
  const real = machine.context.server.uploadSigningKeys;
  machine.context.server.uploadSigningKeys = async (body, options) => {
    await real(body, options);
    throw offline();
  };
  await expect(signing.reset()).rejects.toMatchObject({ code: "offline" });
  machine.context.server.uploadSigningKeys = real;
  await machine.sync();
  await signing.refresh();
  expect(signing.state()).toMatchObject({ hasIdentityChanged: false, isDeviceVerified: false });
  await signing.resume();
  expect(signing.state()).toMatchObject({ hasIdentityChanged: false, isDeviceVerified: true, hasMasterKey: true });
  expect(uploads(server)).toHaveLength(2);
});

describe("a change from elsewhere", () => {
  async function changed() {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    await first.signing.bootstrap();
    const second = await signIn(server, "A2");
    await second.signing.reset();
    await first.machine.sync();
    await first.signing.refresh();
    return { server, first, second };
  }

  test("is told within one sync, survives a restart, and ends with the user's word", async () => {
    const { first } = await changed();
    expect(first.signing.state()).toMatchObject({ hasIdentityChanged: true, isDeviceVerified: false });
    const again = openCrossSigning(first.machine.context);
    await again.refresh();
    expect(again.state().hasIdentityChanged).toBe(true);
    await again.acknowledgeChange();
    expect(again.state().hasIdentityChanged).toBe(false);
    await first.machine.sync();
    await again.refresh();
    expect(again.state().hasIdentityChanged).toBe(false);
  });

  test("a server that changes it back does not hide that it was another", async () => {
    const server = startCryptoServer();
    const { machine, signing } = await signIn(server, "A1");
    await signing.bootstrap();
    const record = server.users.get(ALICE);
    if (!record) expect.unreachable();
    const own = structuredClone(record.crossSigning);
    const intruder = await signIn(server, "A2");
    await intruder.signing.reset();
    await machine.sync();
    record.crossSigning = own;
    server.touch(ALICE);
    await machine.sync();
    await signing.refresh();
    expect(signing.state().hasIdentityChanged).toBe(true);
  });

  test("keys/query answers of any shape make no identity and no alarm", async () => {
    const server = startCryptoServer();
    const { machine, signing } = await signIn(server, "A1");
    await signing.bootstrap();
    const record = server.users.get(ALICE);
    if (!record) expect.unreachable();
    for (const master of [
      {},
      { keys: [] },
      { keys: { x: 1 } },
      { keys: { "ed25519:AAAA": "AAAA" }, usage: 1 },
      { __proto__: null },
    ]) {
      record.crossSigning = { master_key: master };
      server.touch(ALICE);
      await machine.sync();
      await signing.refresh();
      expect(signing.state()).toMatchObject({ hasIdentity: true, isDeviceVerified: true, hasIdentityChanged: false });
    }
  });
});
