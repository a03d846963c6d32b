/**
 * Encryption at work in a real Chromium, over an engine that the test plays: recovery and its password, confirming a
 * device, verifying by emoji and camera, devices, the health page. What is sent, what stays on the screen, and where
 * the keyboard is. Subjects: renderer/features/encryption and renderer/features/settings/SettingsDialog.tsx.
 */
import { join } from "node:path";
import type { Page } from "playwright";
import { beforeEach, describe, expect, test } from "vitest";
import { openBundle } from "../interop/support/page-bundle.ts";
import { chromiumPages } from "./chromium-pages.ts";

const PAGE = join(import.meta.dirname, "pages/encryption.page.tsx");
const RECOVERY_KEY = "EsTR mwqJ JoXZ 8dKn F7uH 9jGh YpWc VrNx 5sLb DtQa ZkMe P2Hy";
const CODE = [
  ...Buffer.from("MATRIX\u0002\u0001\u0000\u0004flow"),
  ...Array.from({ length: 80 }, (_, index) => (index * 151) % 256),
];

const newPage = chromiumPages();
let page: Page;

beforeEach(async () => {
  page = await newPage({ viewport: { width: 1_000, height: 800 } });
  await page.emulateMedia({ reducedMotion: "reduce" });
  await openBundle(page, PAGE);
});

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
const heading = (name: string) => page.getByRole("heading", { name });
const callsOf = (command: string) => page.evaluate((name) => window.encryption.callsOf(name), command);
const isClosed = () => page.getByText("closed").waitFor();
const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");

describe("setting recovery up", () => {
  beforeEach(async () => {
    await page.evaluate((recoveryKey) => {
      window.encryption.encryption({ nextStep: "create", hasRecovery: false });
      window.encryption.answer("encryption.makeRecoveryKey", { reply: { recoveryKey } });
      window.encryption.show("setUp");
    }, RECOVERY_KEY);
  });

  test("stores nothing before the key is kept, and then exactly the key that was shown", async () => {
    await button("Make a recovery key").click();
    const shown = await page.getByRole("group", { name: "Recovery key" }).innerText();
    expect(shown.split(/\s+/u).filter(Boolean)).toEqual(RECOVERY_KEY.split(" "));
    await button("Continue").click();
    expect(await page.getByRole("alert").filter({ hasText: "Tick this" }).count()).toBe(1);
    expect(await callsOf("encryption.setUpRecovery")).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByText("I have put it in a safe place").click();
    await button("Continue").click();
    await heading("Your messages are safe").waitFor();
    expect(await callsOf("encryption.setUpRecovery")).toEqual([
      { accountId: "abcdefgh12345678", recoveryKey: RECOVERY_KEY },
    ]);
    await page.keyboard.press("Enter");
    await isClosed();
  });

  test("asks for the password in place, again after a wrong one, and keeps the key all along", async () => {
    await page.evaluate(() =>
      window.encryption.answer(
        "encryption.setUpRecovery",
        { code: "password-needed" },
        { code: "password-needed" },
        { reply: {} },
      ),
    );
    await button("Make a recovery key").click();
    await page.getByText("I have put it in a safe place").click();
    await button("Continue").click();
    const password = page.getByRole("textbox", { name: "Password" });
    await password.waitFor();
    await button("Continue").click();
    await page.getByText("Enter your password.").waitFor();
    await password.fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("This is not the password of your account.").waitFor();
    expect(await password.inputValue()).toBe("");
    expect(await password.evaluate((input) => input === document.activeElement)).toBe(true);
    await password.fill("right");
    await page.keyboard.press("Enter");
    await heading("Your messages are safe").waitFor();
    const sent = await callsOf("encryption.setUpRecovery");
    expect(sent.map(({ password: given }) => given)).toEqual([undefined, "wrong", "right"]);
    expect(new Set(sent.map(({ recoveryKey }) => recoveryKey))).toEqual(new Set([RECOVERY_KEY]));
    expect(await callsOf("encryption.makeRecoveryKey")).toHaveLength(1);
  });

  test("a failure keeps the key on the screen, and the same key goes again", async () => {
    await page.evaluate(() => window.encryption.answer("encryption.setUpRecovery", { code: "offline" }));
    await button("Make a recovery key").click();
    await page.getByText("I have put it in a safe place").click();
    await button("Continue").click();
    await page.getByText("The engine says offline.").waitFor();
    await button("Continue").click();
    await heading("Your messages are safe").waitFor();
    expect((await callsOf("encryption.setUpRecovery")).map(({ recoveryKey }) => recoveryKey)).toEqual([
      RECOVERY_KEY,
      RECOVERY_KEY,
    ]);
  });

  test("a passphrase is taken only when it is long enough and the same twice", async () => {
    await page.getByText("Use a passphrase as well").click();
    await page.getByLabel("Passphrase", { exact: true }).fill("short");
    await button("Make a recovery key").click();
    await page.getByText(/^Too short/u).waitFor();
    await page.getByLabel("Passphrase", { exact: true }).fill("correct horse battery");
    await page.getByLabel("Passphrase again").fill("correct horse batterie");
    await button("Make a recovery key").click();
    await page.getByText("The two are not the same.").waitFor();
    expect(await callsOf("encryption.makeRecoveryKey")).toEqual([]);
    await page.getByLabel("Passphrase again").fill("correct horse battery");
    await button("Make a recovery key").click();
    await heading("Keep this recovery key").waitFor();
    expect(await callsOf("encryption.makeRecoveryKey")).toEqual([
      { accountId: "abcdefgh12345678", passphrase: "correct horse battery" },
    ]);
  });

  test("goes on to its end when the engine's next step changes under it", async () => {
    await button("Make a recovery key").click();
    await page.getByText("I have put it in a safe place").click();
    await page.evaluate(() => window.encryption.encryption({ nextStep: "none" }));
    await button("Continue").click();
    await heading("Your messages are safe").waitFor();
  });
});

describe("confirming this device", () => {
  beforeEach(() =>
    page.evaluate(() => {
      window.encryption.encryption({ nextStep: "verify", isDeviceVerified: false });
      window.encryption.show("setUp");
    }),
  );

  test("another device is asked without naming one, and the dialog makes room for the verification", async () => {
    await button(/^Use another device/u).click();
    await isClosed();
    expect(await callsOf("verifications.request")).toEqual([
      { accountId: "abcdefgh12345678", userId: "@alice:example.org" },
    ]);
  });

  test("a key that does not fit stays in its field and says so; the right one confirms", async () => {
    await page.evaluate(() =>
      window.encryption.answer(
        "encryption.recover",
        { code: "wrong-recovery-key" },
        { code: "offline" },
        { reply: {} },
      ),
    );
    await button(/^Enter your recovery key/u).click();
    const field = page.getByRole("textbox", { name: "Recovery key" });
    await page.keyboard.press("Enter");
    await page.getByText("Enter it first.").waitFor();
    await field.fill("EsTR wrong");
    await page.keyboard.press("Enter");
    await page.getByText(/^It does not fit/u).waitFor();
    expect(await field.inputValue()).toBe("EsTR wrong");
    await field.pressSequentially("!");
    expect(await page.getByText(/^It does not fit/u).count()).toBe(0);
    await page.keyboard.press("Enter");
    await page.getByText("The engine says offline.").waitFor();
    expect(await field.inputValue()).toBe("EsTR wrong!");
    await page.keyboard.press("Enter");
    await heading("This device is confirmed").waitFor();
  });

  test("later is one press away, starting over is not", async () => {
    await button("I have lost my other devices and my recovery key").click();
    await button("Start over").click();
    await page.getByText("Tick this to go on.").waitFor();
    expect(await callsOf("encryption.resetIdentity")).toEqual([]);
    expect(await callsOf("encryption.makeRecoveryKey")).toEqual([]);
    await button("Cancel").click();
    await isClosed();
  });

  test("by keyboard alone", async () => {
    expect(await focused()).toContain("Use another device");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await focused()).toContain("Skip for now");
    await page.keyboard.press("Enter");
    await isClosed();
  });
});

describe("verifying", () => {
  const emoji = [
    { number: 0, symbol: "🐶", description: "Dog" },
    { number: 36, symbol: "👍", description: "Thumbs Up" },
    { number: 64, symbol: "🦊", description: "Fox of a later day" },
  ];
  const card = () => page.getByRole("region", { name: /wants to verify you|asks to be confirmed/u });

  beforeEach(() =>
    page.evaluate(() => {
      window.encryption.verification({});
      window.encryption.show("verifications");
    }),
  );

  test("a request is a card that takes no focus, and a person hears of a refusal", async () => {
    await card().getByText("Bob wants to verify you").waitFor();
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true);
    await button("Not now").click();
    expect(await card().count()).toBe(0);
    expect(await callsOf("verifications.cancel")).toEqual([{ accountId: "abcdefgh12345678", flowId: "flow" }]);
    await page.evaluate(() => window.encryption.verification({ expiresAtMs: 5 }));
    expect(await card().count()).toBe(0);
  });

  test("a request of an own device is only put away: another one may take it", async () => {
    await page.evaluate(() => window.encryption.verification({ isSelf: true, otherDeviceName: "Phone" }));
    await card()
      .getByText(/^Phone\. Go on only if/u)
      .waitFor();
    await button("Not now").click();
    expect(await card().count()).toBe(0);
    expect(await callsOf("verifications.cancel")).toEqual([]);
  });

  test("emoji are read by name, a stray Enter answers nothing, and a difference is told", async () => {
    await button("Go on").click();
    expect(await callsOf("verifications.accept")).toHaveLength(1);
    await page.evaluate(() => window.encryption.verification({ phase: "ready" }));
    await button("Compare emoji").click();
    await page.evaluate((shown) => window.encryption.verification({ phase: "emoji", emoji: shown }), emoji);
    const items = page.getByRole("list", { name: "Emoji to compare" }).getByRole("listitem");
    expect(await items.locator("span:not([aria-hidden])").allTextContents()).toEqual([
      "Dog",
      "Thumbs up",
      "Fox of a later day",
    ]);
    expect(await focused()).toContain("Are these the same on both sides?");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    expect(await callsOf("verifications.confirm")).toEqual([]);
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("They differ");
    await page.keyboard.press("Enter");
    expect(await callsOf("verifications.confirm")).toEqual([
      { accountId: "abcdefgh12345678", flowId: "flow", isMatch: false },
    ]);
    await page.evaluate(() =>
      window.encryption.verification({
        phase: "cancelled",
        cancel: { code: "m.mismatched_sas", byUs: true, message: "<b>x</b>" },
      }),
    );
    await heading("Not verified: take care").waitFor();
  });

  test("what went wrong in one phase is gone in the next", async () => {
    await page.evaluate(() => {
      window.encryption.answer("verifications.startEmoji", { code: "offline" });
      window.encryption.verification({ phase: "ready" });
    });
    await button("Compare emoji").click();
    await page.getByText("The engine says offline.").waitFor();
    await page.evaluate((shown) => window.encryption.verification({ phase: "emoji", emoji: shown }), emoji);
    await heading("Are these the same on both sides?").waitFor();
    expect(await page.getByText("The engine says offline.").count()).toBe(0);
  });

  test("closing one that runs cancels it, closing one that is over does not", async () => {
    await page.evaluate(() => window.encryption.verification({ phase: "waiting" }));
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect(await callsOf("verifications.cancel")).toHaveLength(1);
    expect(await page.getByRole("dialog").count()).toBe(0);
    await page.evaluate(() => window.encryption.verification({ key: "next", flowId: "next", phase: "scanned" }));
    await page.evaluate(() => window.encryption.verification({ key: "next", flowId: "next", phase: "done" }));
    await page.evaluate(() => window.encryption.verification(null));
    await heading("Bob is verified").waitFor();
    await button("Done").click();
    expect(await callsOf("verifications.cancel")).toHaveLength(1);
  });

  test("one that is forgotten before its end says that it is over, and can be begun again", async () => {
    await page.evaluate(() => window.encryption.verification({ phase: "waiting" }));
    await page.evaluate(() => window.encryption.verification(null));
    await page.getByText("This request is over. Nothing has changed.").waitFor();
    await button("Try again").click();
    expect(await callsOf("verifications.request")).toEqual([
      { accountId: "abcdefgh12345678", userId: "@bob:example.org" },
    ]);
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  test("the camera reads the other's code, byte for byte, and reports it once", async () => {
    await page.evaluate((code) => {
      window.encryption.pointCameraAt(code);
      window.encryption.verification({ phase: "ready" });
    }, CODE);
    await button("Scan their code").click();
    await expect.poll(() => callsOf("verifications.scan")).toHaveLength(1);
    const [{ qrCode } = {}] = await callsOf("verifications.scan");
    expect([...Buffer.from(String(qrCode), "base64")]).toEqual(CODE);
  });

  test("some other code is named as such and never sent", async () => {
    await page.evaluate(() => {
      window.encryption.pointCameraAt([...new TextEncoder().encode("https://example.org/menu")]);
      window.encryption.verification({ phase: "ready" });
    });
    await button("Scan their code").click();
    await page.getByText(/^That is some other code/u).waitFor();
    expect(await callsOf("verifications.scan")).toEqual([]);
  });

  test("without a camera emoji are the way", async () => {
    await page.evaluate(() => {
      window.encryption.refuseCamera("NotFoundError");
      window.encryption.verification({ phase: "ready" });
    });
    await button("Scan their code").click();
    await page.getByText(/^There is no camera here/u).waitFor();
    await button("Compare emoji").click();
    expect(await callsOf("verifications.startEmoji")).toHaveLength(1);
  });

  test("a code that is none draws nothing and breaks nothing", async () => {
    await page.evaluate(() => window.encryption.verification({ phase: "ready", qrCode: "not base64!" }));
    await button("Compare emoji").waitFor();
    expect(await page.getByRole("img", { name: "Code for the other device to scan" }).count()).toBe(0);
  });
});

describe("devices in the settings", () => {
  beforeEach(() =>
    page.evaluate(() => {
      window.encryption.encryption({});
      window.encryption.devices();
      window.encryption.show("settings");
    }),
  );

  test("sections change by arrow keys, and Escape closes the window", async () => {
    await page.getByRole("tab", { name: "Devices" }).focus();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("tabpanel", { name: "Encryption" }).getByText("All is in order").waitFor();
    await page.keyboard.press("Escape");
    await isClosed();
  });

  test("a request can be answered over the window, which is there again afterwards", async () => {
    await page.evaluate(() => window.encryption.verification({}));
    await button("Go on").click();
    expect(await callsOf("verifications.accept")).toHaveLength(1);
    expect(await page.getByRole("tab", { name: "Devices" }).count()).toBe(1);
    await page.evaluate(() => window.encryption.verification({ phase: "ready" }));
    await page.getByRole("dialog", { name: "Verify Bob" }).getByRole("button", { name: "Cancel" }).click();
    expect(await callsOf("verifications.cancel")).toHaveLength(1);
    await page.getByRole("tab", { name: "Devices" }).waitFor();
  });

  test("a refused name stays, and Escape in its field closes only the field", async () => {
    await page.evaluate(() => window.encryption.answer("devices.rename", { code: "forbidden" }));
    await button(/^Phone/u).click();
    await button("Rename").click();
    const field = page.getByLabel("Name of this device");
    await field.fill("Alice’s phone");
    await page.keyboard.press("Enter");
    await page.getByText("The engine says forbidden.").waitFor();
    expect(await field.inputValue()).toBe("Alice’s phone");
    await page.keyboard.press("Escape");
    expect(await field.count()).toBe(0);
    expect(await page.getByRole("tab", { name: "Devices" }).count()).toBe(1);
  });

  test("only a device that is not confirmed can be, and this one is never signed out from here", async () => {
    await button(/^THISDEVICE/u).click();
    await button("Rename").waitFor();
    expect(await button("Sign out").count()).toBe(0);
    await button(/^Laptop/u).click();
    await button("Confirm").click();
    expect(await callsOf("verifications.request")).toEqual([
      { accountId: "abcdefgh12345678", userId: "@alice:example.org", deviceId: "LAPTOP" },
    ]);
  });

  test("signing all others out asks, then for the password, and names them all", async () => {
    await page.evaluate(() => window.encryption.answer("devices.signOut", { code: "password-needed" }, { reply: {} }));
    await button("Sign out all others").click();
    const question = page.getByRole("alertdialog", { name: "Sign out 2 devices?" });
    await question.waitFor();
    expect(await focused()).toBe("Cancel");
    await question.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("textbox", { name: "Password" }).fill("secret");
    await page.keyboard.press("Enter");
    await expect.poll(() => callsOf("devices.signOut")).toHaveLength(2);
    const [, second] = await callsOf("devices.signOut");
    expect(second).toEqual({ accountId: "abcdefgh12345678", deviceIds: ["PHONE", "LAPTOP"], password: "secret" });
  });
});

describe("the health page", () => {
  const open = (causes: readonly string[] = [], parts: object = {}) =>
    page.evaluate(
      ([shown, view]) => {
        window.encryption.encryption(view);
        window.encryption.undecryptable(shown);
        window.encryption.devices();
        window.encryption.show("settings");
      },
      [causes, parts] as const,
    );
  const section = async () => {
    await page.getByRole("tab", { name: "Encryption" }).click();
    return page.getByRole("tabpanel", { name: "Encryption" });
  };

  test("each cause has its one fix, and asking again asks the engine", async () => {
    await open(["missing-key", "missing-key", "replayed", "history-without-backup"]);
    const health = await section();
    expect(await health.getByRole("heading", { name: "Not unlocked yet" }).count()).toBe(1);
    expect(await health.getByText(/^Leave it closed/u).count()).toBe(1);
    await button("Ask again").click();
    await health.getByText("Asked.").waitFor();
    expect(await callsOf("encryption.retryDecryption")).toEqual([{ accountId: "abcdefgh12345678" }]);
    await button("Import a key file").click();
    await heading("Import a key file").waitFor();
  });

  test("what is no key file never reaches the engine; a wrong passphrase keeps the file", async () => {
    await open();
    await section();
    await button("Import…").click();
    const dialog = page.getByRole("dialog", { name: "Import a key file" });
    const choose = async (content: string) => {
      const chooser = page.waitForEvent("filechooser");
      await dialog.getByRole("button", { name: /^Choose/u }).click();
      await (await chooser).setFiles({ name: "keys.txt", mimeType: "text/plain", buffer: Buffer.from(content) });
    };
    const submit = dialog.getByRole("button", { name: "Import", exact: true });
    await submit.click();
    await dialog.getByText("Choose a file first.").waitFor();
    await choose("dear diary");
    await dialog.getByLabel("Passphrase of the file").fill("passphrase");
    await submit.click();
    await dialog.getByText("This is not a key file.").waitFor();
    expect(await callsOf("encryption.importKeys")).toEqual([]);
    await page.evaluate(() =>
      window.encryption.answer(
        "encryption.importKeys",
        { code: "wrong-recovery-key" },
        { reply: { importedCount: 1, totalCount: 3 } },
      ),
    );
    await choose("-----BEGIN MEGOLM SESSION DATA-----\nAAAA\n-----END MEGOLM SESSION DATA-----\n");
    await submit.click();
    await dialog.getByText(/^It does not open this file/u).waitFor();
    await dialog.getByText("keys.txt").waitFor();
    await dialog.getByLabel("Passphrase of the file").fill("the right one");
    await submit.click();
    await page.getByText("1 new part of your history, of 3 in the file.").waitFor();
  });

  test("an export is saved as a file, and can be saved once more", async () => {
    const keyFile = "-----BEGIN MEGOLM SESSION DATA-----\nAAAA\n-----END MEGOLM SESSION DATA-----\n";
    await open();
    await section();
    await page.evaluate(
      (text) => window.encryption.answer("encryption.exportKeys", { reply: { keyFile: text, keyCount: 7 } }),
      keyFile,
    );
    await button("Export…").click();
    await page.getByLabel("Passphrase", { exact: true }).fill("a long passphrase");
    await page.getByLabel("Passphrase again").fill("a long passphrase");
    const download = page.waitForEvent("download");
    await button("Export").click();
    const file = await download;
    expect(file.suggestedFilename()).toBe("Lattice keys @alice-example.org.txt");
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe(keyFile);
    const again = page.waitForEvent("download");
    await button("Save the file").click();
    await again;
  });

  test("an identity that was reset elsewhere leads to the devices, or is acknowledged", async () => {
    await open([], { hasIdentityChanged: true });
    await section();
    await button("Look at it").click();
    await button("Show my devices").click();
    await page.getByRole("tabpanel", { name: "Devices" }).waitFor();
    await section();
    await button("Look at it").click();
    await button("It was me").click();
    await expect.poll(() => callsOf("encryption.acknowledgeIdentityChange")).toHaveLength(1);
  });

  test("the setting about unconfirmed devices goes to the engine", async () => {
    await open();
    await section();
    await page.getByText("Send only to confirmed devices").click();
    expect(await callsOf("encryption.setSendsToSignedDevicesOnly")).toEqual([
      { accountId: "abcdefgh12345678", isOn: false },
    ]);
  });
});

describe("a person", () => {
  test("a changed identity is an alert with two answers, each of which does its own", async () => {
    await page.evaluate(() => {
      window.encryption.trust("changed", true);
      window.encryption.show("person");
    });
    await page.getByRole("alert").getByText("Identity changed").waitFor();
    await button("Go on unverified").click();
    await button("Verify again").click();
    expect(await callsOf("trust.acknowledge")).toEqual([{ accountId: "abcdefgh12345678", userId: "@bob:example.org" }]);
    expect(await callsOf("verifications.request")).toEqual([
      { accountId: "abcdefgh12345678", userId: "@bob:example.org" },
    ]);
  });

  test("who is verified has nothing to press, and who has no encryption neither", async () => {
    for (const [identity, words] of [
      ["verified", /^Verified/u],
      ["none", /^Without an identity/u],
    ] as const) {
      await page.evaluate((state) => {
        window.encryption.trust(state, false);
        window.encryption.show("person");
      }, identity);
      await page.getByText(words).first().waitFor();
      expect(await page.getByRole("button").count()).toBe(0);
    }
  });
});
