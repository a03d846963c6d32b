/**
 * A text on its way from the composer to the engine's disk: nothing is lost, nothing is sent twice.
 * Subject: renderer/features/composer/composer-session.ts.
 */
import * as v from "valibot";
import { expect, test } from "vitest";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import { accountIdSchema, roomIdSchema } from "../../preload/contract/ids.ts";
import { openComposerSessions } from "../../renderer/features/composer/composer-session.ts";
import { openDraftStore } from "../../renderer/features/composer/draft-store.ts";

const accountId = v.parse(accountIdSchema, "abcdefgh12345678");
const roomId = v.parse(roomIdSchema, "!room:example.org");
const diskFull: EngineErrorData = { code: "disk-full", message: "The disk is full." };

/** A storage that outlives pages, and an engine whose replies the test gives. */
function openWorld() {
  const values = new Map<string, string>();
  const storage = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
  const sent: { txnId: string; body: string; reply: (error?: EngineErrorData) => Promise<void> }[] = [];
  const openPage = () => {
    const session = openComposerSessions(openDraftStore(storage))(accountId, roomId);
    const send = () =>
      session.send((txnId, content) => {
        const { promise, resolve } = Promise.withResolvers<EngineErrorData | undefined>();
        const reply = async (error?: EngineErrorData) => {
          resolve(error);
          await promise;
        };
        sent.push({ txnId, body: content.body, reply });
        return promise;
      });
    return { session, send };
  };
  return { values, sent, openPage };
}

test("the field is free at once, and the draft goes with the reply", async () => {
  const { values, sent, openPage } = openWorld();
  const { session, send } = openPage();
  session.setText("hello");
  expect(send()).toBe(true);
  expect(session.snapshot()).toEqual({ text: "", error: undefined });
  expect(values.size).toBe(1);
  await sent[0]?.reply();
  expect(values.size).toBe(0);
});

test("what the engine did not take comes back with the reason, and keeps its id", async () => {
  const { sent, openPage } = openWorld();
  const { session, send } = openPage();
  session.setText("hello");
  send();
  await sent[0]?.reply(diskFull);
  expect(session.snapshot()).toEqual({ text: "hello", error: diskFull });
  send();
  expect(sent[1]?.txnId).toBe(sent[0]?.txnId);
  await sent[1]?.reply(diskFull);
  session.setText("hello you");
  expect(session.snapshot().error).toBeUndefined();
  send();
  expect(sent[2]?.txnId).not.toBe(sent[0]?.txnId);
});

test("it comes back before what was written meanwhile", async () => {
  const { sent, openPage } = openWorld();
  const { session, send } = openPage();
  session.setText("first");
  send();
  session.setText("second");
  await sent[0]?.reply(diskFull);
  expect(session.snapshot().text).toBe("first\nsecond");
});

test("two texts under way do not touch each other", async () => {
  const { values, sent, openPage } = openWorld();
  const { session, send } = openPage();
  for (const text of ["first", "second"]) {
    session.setText(text);
    send();
  }
  await sent[1]?.reply();
  await sent[0]?.reply(diskFull);
  expect(session.snapshot().text).toBe("first");
  expect(JSON.parse([...values.values()][0] ?? "")).toEqual({ text: "first", unsent: [] });
});

test("a page that ends before the reply leaves the text and its id to the next one", () => {
  const { sent, openPage } = openWorld();
  const before = openPage();
  before.session.setText("hello");
  before.send();
  const after = openPage();
  expect(after.session.snapshot().text).toBe("hello");
  after.send();
  expect(sent[1]?.txnId).toBe(sent[0]?.txnId);
});

test("nothing but spaces is not sent, and stays", () => {
  const { sent, openPage } = openWorld();
  const { session, send } = openPage();
  session.setText("   ");
  expect(send()).toBe(false);
  expect(sent).toEqual([]);
  expect(session.snapshot().text).toBe("   ");
});
