/**
 * The pure rules under the encryption views: what is wrong and what mends it, which verification is shown, what a
 * cancellation means, when the set-up comes up by itself. Promise under test: every state that the contract can
 * express has words and at most one way out, and odd figures never break a page.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encryptionViewSchema, undecryptableCauseSchema } from "../../preload/contract/views.ts";
import type { EncryptionView, UndecryptableRow, VerificationView } from "../../preload/contract/views.ts";
import { HEALTHY as good } from "../../renderer/features/encryption/canned-view.ts";
import { cancelWords } from "../../renderer/features/encryption/cancel-words.ts";
import { emojiName } from "../../renderer/features/encryption/emoji-names.ts";
import { newsOf } from "../../renderer/features/encryption/EncryptionBanner.tsx";
import { healthProblems, progressOf } from "../../renderer/features/encryption/health.ts";
import { fileNameOf, isKeyFile } from "../../renderer/features/encryption/local-file.ts";
import { groupsOf, MIN_PASSPHRASE_LENGTH, passphraseProblem } from "../../renderer/features/encryption/recovery-key.ts";
import { isWorthAsking, markAsked } from "../../renderer/features/encryption/set-up-prompt.ts";
import { fixOf, groupUndecryptable } from "../../renderer/features/encryption/undecryptable.ts";
import {
  advance,
  emptyStage,
  GONE_CODE,
  putAway,
  questionsOf,
} from "../../renderer/features/encryption/verification-stage.ts";
import { encryption as words } from "../../renderer/text/en/encryption.ts";
import type { Text } from "../../renderer/text/text.ts";

const stored = { isHere: false, isStored: true };
const lost = { isHere: false, isStored: false };
const backup = (state: EncryptionView["backup"]["state"]) => ({ ...good.backup, state });
const fixes = (view: Partial<EncryptionView>) => healthProblems({ ...good, ...view }).map(({ fix }) => fix);

const anySecret = fc.record({ isHere: fc.boolean(), isStored: fc.boolean() });
const anyView: fc.Arbitrary<EncryptionView> = fc.record({
  key: fc.constant("encryption" as const),
  state: fc.constantFrom("opening", "ready", "waiting", "failed"),
  nextStep: fc.constantFrom("create", "verify", "recovery", "none"),
  isDeviceVerified: fc.boolean(),
  canVerifyWithDevice: fc.boolean(),
  hasRecovery: fc.boolean(),
  hasPassphrase: fc.boolean(),
  secrets: fc.record({
    masterKey: anySecret,
    selfSigningKey: anySecret,
    userSigningKey: anySecret,
    backupKey: anySecret,
  }),
  backup: fc.record({
    state: fc.constantFrom("unknown", "none", "active", "key-missing", "untrusted"),
    keyCount: fc.nat(),
    backedUpCount: fc.nat(),
  }),
  hasIdentityChanged: fc.boolean(),
  sendsToSignedDevicesOnly: fc.boolean(),
  undecryptableCount: fc.nat(),
  fingerprint: fc.string(),
});

describe("health", () => {
  test("one press mends one problem, and no press is offered twice, whatever the state", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const problems = healthProblems(view);
        expect(new Set(problems.map(({ fix }) => fix)).size).toBe(problems.length);
        for (const { name } of problems) {
          expect(words[`problem${name}`]).toBeTruthy();
          if (name === "NotReady") continue;
          expect(words[`problem${name}Body`]).toBeTruthy();
          expect(words[`problem${name}Fix`]).toBeTruthy();
        }
      }),
    );
  });
  test("an order that is in order has nothing to say, and neither has one that is still opening", () => {
    expect(fixes({})).toEqual([]);
    expect(fixes({ state: "opening", nextStep: "create" })).toEqual([]);
  });
  test("confirming the device comes before all that it brings", () => {
    const secrets = { masterKey: stored, selfSigningKey: stored, userSigningKey: stored, backupKey: stored };
    expect(fixes({ nextStep: "verify", isDeviceVerified: false, secrets, backup: backup("key-missing") })).toEqual([
      "confirm-device",
    ]);
  });
  test("starting over is offered by itself only for what nothing else can bring back", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const { masterKey, selfSigningKey, userSigningKey } = view.secrets;
        const isLost = [masterKey, selfSigningKey, userSigningKey].some((part) => !part.isHere && !part.isStored);
        const offersIt = healthProblems(view).some(({ fix }) => fix === "start-over");
        expect(offersIt && !(isLost && view.isDeviceVerified && view.nextStep === "none")).toBe(false);
      }),
    );
    expect(fixes({ secrets: { ...good.secrets, masterKey: lost } })).toEqual(["start-over"]);
    expect(fixes({ secrets: { ...good.secrets, masterKey: stored } })).toEqual(["enter-recovery"]);
  });
  test.each([
    ["none", ["replace-backup"]],
    ["untrusted", ["replace-backup"]],
    ["key-missing", ["enter-recovery"]],
    ["unknown", []],
    ["active", []],
  ] as const)("a backup that is %s", (state, expected) => {
    expect(fixes({ backup: backup(state) })).toEqual(expected);
  });
  test("a backup whose key is lost is replaced, and the identity stays", () => {
    const secrets = { ...good.secrets, backupKey: lost };
    expect(fixes({ secrets, backup: backup("key-missing") })).toEqual(["replace-backup"]);
  });
  test("what is critical comes first, and the identity before the rest", () => {
    const secrets = { ...good.secrets, userSigningKey: stored };
    expect(fixes({ hasIdentityChanged: true, secrets, backup: backup("untrusted") })).toEqual([
      "look-at-identity",
      "replace-backup",
      "enter-recovery",
    ]);
  });
  test("progress stays between nothing and all", () => {
    for (const [done, total] of [
      [5, 3],
      [-1, 3],
      [Number.NaN, 3],
      [1, Number.NaN],
      [0, 0],
      [Infinity, Infinity],
    ] as const) {
      const progress = progressOf(done, total);
      expect(progress.done).toBeGreaterThanOrEqual(0);
      expect(progress.done).toBeLessThanOrEqual(progress.total);
    }
    expect(progressOf(2, 3).isComplete).toBe(false);
  });
});

describe("the banner", () => {
  test("says the most pressing thing, and nothing while it is opening or all is well", () => {
    expect(newsOf(good, "")).toBeUndefined();
    expect(newsOf({ ...good, state: "opening", hasIdentityChanged: true }, "")).toBeUndefined();
    expect(newsOf({ ...good, state: "failed", nextStep: "verify" }, "why")).toEqual({
      kind: "not-ready",
      message: "why",
    });
    expect(newsOf({ ...good, nextStep: "verify", hasIdentityChanged: true }, "")?.kind).toBe("identity-changed");
    const restoring = { ...good.backup, restoring: { doneCount: 1, totalCount: 4 } };
    expect(newsOf({ ...good, nextStep: "recovery", backup: restoring }, "")?.kind).toBe("recovery");
    expect(newsOf({ ...good, backup: restoring }, "")).toEqual({ kind: "restoring", done: 1, total: 4 });
  });
});

describe("the set-up by itself", () => {
  const memory = () => {
    const kept = new Map<string, string>();
    return {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    };
  };
  test("comes once for a sign-in, also after the page was loaded again", () => {
    const storage = memory();
    expect(markAsked("first", storage)).toBe(true);
    expect(markAsked("first", storage)).toBe(false);
    storage.setItem("lattice.set-up-asked.reloaded", "1");
    expect(markAsked("reloaded", storage)).toBe(false);
  });
  test("comes once also where nothing can be stored", () => {
    const broken = {
      getItem: () => {
        throw new Error("forbidden");
      },
      setItem: () => {
        throw new Error("full");
      },
    };
    expect(markAsked("broken", broken)).toBe(true);
    expect(markAsked("broken", broken)).toBe(false);
    expect(markAsked("none", undefined)).toBe(true);
    expect(markAsked("none", undefined)).toBe(false);
  });
  test("is worth it for a new account or a new device, and never while the key store is not ready", () => {
    expect(isWorthAsking({ state: "ready", nextStep: "create" })).toBe(true);
    expect(isWorthAsking({ state: "ready", nextStep: "verify" })).toBe(true);
    expect(isWorthAsking({ state: "ready", nextStep: "recovery" })).toBe(false);
    expect(isWorthAsking({ state: "waiting", nextStep: "verify" })).toBe(false);
  });
});

describe("messages that cannot be read", () => {
  const row = (key: string, cause: UndecryptableRow["cause"], sender: string) =>
    ({ key, cause, sender: { userId: sender, displayName: sender } }) as UndecryptableRow;
  test("every cause has words and one fix, and every fix has words", () => {
    for (const cause of undecryptableCauseSchema.options) {
      expect(words.cause[cause]).toBeTruthy();
      expect(words.fix[fixOf(cause)]).toBeTruthy();
    }
  });
  test("nothing is offered that would open what cannot be trusted", () => {
    for (const cause of ["mismatched-sender", "replayed"] as const) expect(fixOf(cause)).toBe("leave");
  });
  test("are put together by cause, in the order of the newest; by person where the fix is about one", () => {
    const groups = groupUndecryptable([
      row("1", "missing-key", "@a:x"),
      row("2", "verification-violation", "@b:x"),
      row("3", "missing-key", "@c:x"),
      row("4", "verification-violation", "@d:x"),
    ]);
    expect(groups.map(({ cause, rows }) => [cause, rows.map(({ key }) => key)])).toEqual([
      ["missing-key", ["1", "3"]],
      ["verification-violation", ["2"]],
      ["verification-violation", ["4"]],
    ]);
    expect(new Set(groups.map(({ key }) => key)).size).toBe(3);
  });
});

describe("which verification is shown", () => {
  const view = (flowId: string, parts: Partial<VerificationView> = {}) =>
    ({ flowId, key: flowId, direction: "outgoing", phase: "requested", ...parts }) as VerificationView;
  const question = view("asks", { direction: "incoming" });

  test("a request of another is a card until it is accepted, our own is a dialog at once", () => {
    expect(advance(emptyStage, [question])).toBe(emptyStage);
    expect(questionsOf(emptyStage, [question])).toEqual([question]);
    const accepted = { ...question, phase: "ready" as const };
    const stage = advance(emptyStage, [accepted]);
    expect(stage.shown).toBe(accepted);
    expect(questionsOf(stage, [accepted])).toEqual([]);
    expect(advance(emptyStage, [view("own")]).shown?.flowId).toBe("own");
  });
  test("nothing new gives back the same object, so that rendering comes to rest", () => {
    const item = view("own");
    const stage = advance(emptyStage, [item]);
    expect(advance(stage, [item])).toBe(stage);
  });
  test("an end stays on the screen after the topic has forgotten it", () => {
    const done = advance(advance(emptyStage, [view("own")]), [view("own", { phase: "done" })]);
    expect(advance(done, [])).toBe(done);
    expect(done.shown?.phase).toBe("done");
  });
  test("one that vanishes before its end has ended", () => {
    const gone = advance(advance(emptyStage, [view("own")]), []);
    expect(gone.shown?.phase).toBe("cancelled");
    expect(gone.shown?.cancel?.code).toBe(GONE_CODE);
    expect(advance(gone, [])).toBe(gone);
  });
  test("what was put away does not come back, and the next one does", () => {
    const items = [view("one"), view("two")];
    const stage = putAway(advance(emptyStage, items), "one");
    expect(stage.shown).toBeUndefined();
    expect(advance(stage, items).shown?.flowId).toBe("two");
    expect(questionsOf(putAway(emptyStage, "asks"), [question])).toEqual([]);
  });
  test("another one does not push away what the user looks at, and an old end is not shown to a new window", () => {
    const stage = advance(emptyStage, [view("one")]);
    expect(advance(stage, [view("zero"), view("one", { phase: "emoji" })]).shown?.phase).toBe("emoji");
    expect(advance(emptyStage, [view("over", { phase: "cancelled" })])).toBe(emptyStage);
  });
});

describe("cancellations", () => {
  const of = (code: string, byUs = false) => cancelWords({ code, byUs, message: "" });
  test("only what can be an attack is called unsafe", () => {
    const unsafe = ["m.key_mismatch", "m.mismatched_commitment", "m.mismatched_sas", "m.user_mismatch"];
    for (const code of unsafe) expect(of(code).tone).toBe("unsafe");
    for (const code of ["m.user", "m.timeout", "m.accepted", "m.unknown_method", "m.unexpected_message", GONE_CODE])
      expect(of(code).tone).toBe("neutral");
  });
  test("any code has words, and none is shown as it came", () => {
    const catalogue: Record<string, unknown> = words;
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "m.user")), (code) => {
        const { title, body } = of(code);
        for (const key of [title, body]) expect(catalogue[key.slice("encryption.".length)]).toBeTypeOf("string");
      }),
    );
    expect(cancelWords(undefined).body).toBe("encryption.cancelGone");
  });
  test("who stopped it is told, and what goes on elsewhere is not tried again here", () => {
    expect(of("m.user", true).body).toBe("encryption.cancelUserUs");
    expect(of("m.user", false).body).toBe("encryption.cancelUserThem");
    expect(of("m.accepted").canTryAgain).toBe(false);
  });
});

describe("emoji", () => {
  const t = ((key: string) => key) as unknown as Text;
  const nameOf = (number: number) => emojiName(t, { number, description: "as given" });
  test("all 64 have a name of their own, in the specification's order", () => {
    const keys = Array.from({ length: 64 }, (_, number) => nameOf(number).split(".").at(-1));
    expect(new Set(keys).size).toBe(64);
    expect([0, 12, 24, 29, 36, 49, 58, 63].map((number) => keys[number])).toEqual([
      "dog",
      "fish",
      "apple",
      "heart",
      "thumbsUp",
      "telephone",
      "trumpet",
      "pin",
    ]);
    expect(keys.every((key) => key !== undefined && Object.hasOwn(words.emoji, key))).toBe(true);
    expect(Object.keys(words.emoji)).toHaveLength(64);
  });
  test("one that no specification knows is named as the crypto names it", () => {
    for (const number of [64, -1, 1.5, Number.NaN, 2 ** 40]) expect(nameOf(number)).toBe("as given");
  });
});

describe("recovery keys and files", () => {
  test("groups of four, whatever spaces it came with", () => {
    expect(groupsOf(" EsTR mw\tqJJo\nXZ8 ")).toEqual(["EsTR", "mwqJ", "JoXZ", "8"]);
    expect(groupsOf("")).toEqual([]);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(groupsOf(text).join("")).toBe(text.replaceAll(/\s+/gu, ""));
      }),
    );
  });
  test("a passphrase is long, counted as it is seen, and the same twice", () => {
    const long = "a".repeat(MIN_PASSPHRASE_LENGTH);
    expect(passphraseProblem(long, long)).toBeUndefined();
    expect(passphraseProblem(long.slice(1), long.slice(1))).toBe("short");
    expect(passphraseProblem(long, `${long} `)).toBe("differs");
    const faces = "👩".repeat(MIN_PASSPHRASE_LENGTH - 1);
    expect(passphraseProblem(faces, faces)).toBe("short");
  });
  test("a file's name cannot leave its folder nor look like another kind of file", () => {
    expect(fileNameOf("Lattice recovery key @alice:example.org.txt")).toBe(
      "Lattice recovery key @alice-example.org.txt",
    );
    for (const name of ["../../etc/passwd", "a\u202Egnp.exe", "..", "", " . ", "x\0y", "C:\\evil|?*"]) {
      const safe = fileNameOf(name);
      expect(safe).not.toMatch(/[\p{Cc}\p{Cf}<>:"/\\|?*]/u);
      expect(safe).not.toMatch(/^[.\s]/u);
      expect(safe.length).toBeGreaterThan(0);
    }
    expect(fileNameOf("x".repeat(9_000)).length).toBeLessThanOrEqual(120);
  });
  test("only a text with the head of a key file is one", () => {
    expect(isKeyFile("\r\n-----BEGIN MEGOLM SESSION DATA-----\nAAAA")).toBe(true);
    for (const text of ["", "PK\u0003\u0004", "x-----BEGIN MEGOLM SESSION DATA-----", " ".repeat(2_000_000)])
      expect(isKeyFile(text)).toBe(false);
  });
});

test("the views of these tests are the contract's", () => {
  expect(encryptionViewSchema["~standard"].validate(good)).toHaveProperty("value");
});
