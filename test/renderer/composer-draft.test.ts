/**
 * What survives of a text that was not yet sent. Subject: renderer/features/composer/draft-store.ts.
 */
import * as v from "valibot";
import { expect, test } from "vitest";
import { accountIdSchema, roomIdSchema, txnIdSchema } from "../../preload/contract/ids.ts";
import { openDraftStore, restoreText } from "../../renderer/features/composer/draft-store.ts";

const accountId = v.parse(accountIdSchema, "abcdefgh12345678");
const otherAccountId = v.parse(accountIdSchema, "bbcdefgh12345678");
const roomId = v.parse(roomIdSchema, "!room:example.org");
const txnId = v.parse(txnIdSchema, "txn-00000001");

function openStorage(values = new Map<string, string>()) {
  return {
    values,
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}

test("a draft survives a restart, per account and room", () => {
  const storage = openStorage();
  openDraftStore(storage).write(accountId, roomId, { text: "half a sen", unsent: [{ txnId, text: "sent?" }] });
  const reopened = openDraftStore(storage);
  expect(reopened.read(accountId, roomId)).toEqual({ text: "half a sen", unsent: [{ txnId, text: "sent?" }] });
  expect(reopened.read(otherAccountId, roomId)).toEqual({ text: "", unsent: [] });
});

test("an empty draft leaves nothing behind", () => {
  const storage = openStorage();
  const store = openDraftStore(storage);
  store.write(accountId, roomId, { text: "x", unsent: [] });
  store.write(accountId, roomId, { text: "", unsent: [] });
  expect(storage.values.size).toBe(0);
  expect(store.read(accountId, roomId)).toEqual({ text: "", unsent: [] });
});

test.each(["{", "[]", '{"text":1}', '{"text":"a","unsent":[{"txnId":"no","text":"b"}]}'])(
  "damaged storage %s reads as empty",
  (value) => {
    const storage = openStorage();
    storage.setItem(`lattice.draft.${accountId}.${roomId}`, value);
    expect(openDraftStore(storage).read(accountId, roomId)).toEqual({ text: "", unsent: [] });
  },
);

test("a storage that refuses keeps the text for as long as the page lives", () => {
  const refuse = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const store = openDraftStore({ getItem: refuse, setItem: refuse, removeItem: refuse });
  expect(store.read(accountId, roomId).text).toBe("");
  store.write(accountId, roomId, { text: "kept", unsent: [] });
  expect(store.read(accountId, roomId).text).toBe("kept");
});

test("what got no reply comes back before what was being written", () => {
  const unsent = { txnId, text: "first" };
  expect(restoreText({ text: "", unsent: [unsent] })).toEqual({ text: "first", txnId });
  expect(restoreText({ text: "third", unsent: [unsent, { txnId, text: "second" }] })).toEqual({
    text: "first\nsecond\nthird",
  });
  expect(restoreText({ text: "", unsent: [] })).toEqual({ text: "" });
});
