/**
 * A text on its way from the composer to the engine's disk: nothing is lost, nothing is sent twice, and no echo
 * of a draft touches what is typed. Subjects: renderer/features/composer/composer-session.ts, key-sharing.ts.
 */
import * as v from "valibot";
import { expect, test } from "vitest";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import { accountIdSchema, roomIdSchema } from "../../preload/contract/ids.ts";
import { openComposerSessions } from "../../renderer/features/composer/composer-session.ts";
import { createKeySharing } from "../../renderer/features/composer/key-sharing.ts";

const accountId = v.parse(accountIdSchema, "abcdefgh12345678");
const otherAccountId = v.parse(accountIdSchema, "bbcdefgh12345678");
const roomId = v.parse(roomIdSchema, "!room:example.org");
const diskFull: EngineErrorData = { code: "disk-full", message: "The disk is full." };

/** An engine that keeps drafts and outlives pages, and whose replies to messages the test gives. */
function openWorld() {
  const drafts = new Map<string, string>();
  const sent: { txnId: string; body: string; reply: (error?: EngineErrorData) => Promise<void> }[] = [];
  const openPage = () => {
    const sessionOf = openComposerSessions({
      keepDraft: (account, room, text) => {
        drafts.set(`${account} ${room}`, text);
        return Promise.resolve(undefined);
      },
      timers: { set: () => 1, clear: () => {} },
    });
    const session = sessionOf(accountId, roomId);
    const open = () => session.restore(drafts.get(`${accountId} ${roomId}`) ?? "");
    const send = () =>
      session.send((txnId, content) => {
        const { promise, resolve } = Promise.withResolvers<EngineErrorData | undefined>();
        const reply = async (error?: EngineErrorData) => {
          resolve(error);
          await new Promise((settled) => setTimeout(settled));
        };
        sent.push({ txnId, body: content.body, reply });
        return promise;
      });
    return { session, sessionOf, send, open };
  };
  const draft = () => drafts.get(`${accountId} ${roomId}`);
  return { drafts, draft, sent, openPage };
}

test("the field is free at once, and the draft goes with the reply", async () => {
  const { draft, sent, openPage } = openWorld();
  const { session, send, open } = openPage();
  open();
  session.setText("hello");
  expect(send()).toBe(true);
  expect(session.snapshot()).toEqual({ text: "", error: undefined });
  session.flushDraft();
  expect(draft()).toBe("hello");
  await sent[0]?.reply();
  expect(draft()).toBe("");
});

test("what the engine did not take comes back with the reason, and keeps its id", async () => {
  const { draft, sent, openPage } = openWorld();
  const { session, send, open } = openPage();
  open();
  session.setText("hello");
  send();
  await sent[0]?.reply(diskFull);
  expect(session.snapshot()).toEqual({ text: "hello", error: diskFull });
  expect(draft()).toBe("hello");
  send();
  expect(sent[1]?.txnId).toBe(sent[0]?.txnId);
  await sent[1]?.reply(diskFull);
  session.setText("hello you");
  expect(session.snapshot().error).toBeUndefined();
  send();
  expect(sent[2]?.txnId).not.toBe(sent[0]?.txnId);
});

test("it comes back before what was written meanwhile", async () => {
  const { draft, sent, openPage } = openWorld();
  const { session, send, open } = openPage();
  open();
  session.setText("first");
  send();
  session.setText("second");
  session.flushDraft();
  expect(draft()).toBe("first\nsecond");
  await sent[0]?.reply(diskFull);
  expect(session.snapshot().text).toBe("first\nsecond");
});

test("texts go out one after the other, and one that comes back leaves the next alone", async () => {
  const { draft, sent, openPage } = openWorld();
  const { session, send, open } = openPage();
  open();
  for (const text of ["first", "second"]) {
    session.setText(text);
    send();
  }
  expect(sent.map(({ body }) => body)).toEqual(["first"]);
  await sent[0]?.reply(diskFull);
  expect(sent.map(({ body }) => body)).toEqual(["first", "second"]);
  await sent[1]?.reply();
  expect(session.snapshot().text).toBe("first");
  expect(draft()).toBe("first");
});

test("texts that come back stand in the order in which they were written, before what came after them", async () => {
  const { sent, openPage } = openWorld();
  const { session, send, open } = openPage();
  open();
  for (const text of ["first", "second", "third"]) {
    session.setText(text);
    send();
  }
  session.setText("\nfourth");
  await sent[0]?.reply(diskFull);
  expect(session.snapshot().text).toBe("first\n\nfourth");
  await sent[1]?.reply(diskFull);
  expect(session.snapshot().text).toBe("first\nsecond\n\nfourth");
  session.setText("changed\nsecond");
  await sent[2]?.reply(diskFull);
  expect(session.snapshot().text).toBe("third\nchanged\nsecond");
  // One of those that came back alone is still the one that it was; several in one are a new text.
  send();
  session.setText("third");
  send();
  await sent[3]?.reply();
  const ids = sent.map(({ txnId }) => txnId);
  expect(new Set(ids).size).toBe(5);
  await sent[4]?.reply(diskFull);
  send();
  expect(sent[5]?.txnId).toBe(sent[4]?.txnId);
});

test("a draft survives the page, per account and room", () => {
  const { openPage } = openWorld();
  const before = openPage();
  before.open();
  before.session.setText("half a sen");
  before.session.flushDraft();
  const after = openPage();
  after.open();
  expect(after.session.snapshot().text).toBe("half a sen");
  expect(after.sessionOf(accountId, roomId)).toBe(after.session);
  expect(after.sessionOf(otherAccountId, roomId).snapshot().text).toBe("");
});

test("a late echo of the draft leaves alone what is typed, also what was deleted", () => {
  const { draft, openPage } = openWorld();
  const { session, open } = openPage();
  open();
  session.setText("hel");
  session.flushDraft();
  session.setText("hello there");
  open();
  expect(session.snapshot().text).toBe("hello there");
  session.setText("");
  open();
  expect(session.snapshot().text).toBe("");
  session.flushDraft();
  expect(draft()).toBe("");
});

test("what is typed before the draft is known stands after it, and does not replace it", () => {
  const { drafts, draft, openPage } = openWorld();
  drafts.set(`${accountId} ${roomId}`, "kept");
  const { session, open } = openPage();
  session.setText("early");
  session.flushDraft();
  expect(draft()).toBe("kept");
  open();
  expect(session.snapshot().text).toBe("kept\nearly");
  session.flushDraft();
  expect(draft()).toBe("kept\nearly");
});

test("nothing but spaces is not sent, and stays", () => {
  const { sent, openPage } = openWorld();
  const { session, send } = openPage();
  session.setText("   ");
  expect(send()).toBe(false);
  expect(sent).toEqual([]);
  expect(session.snapshot().text).toBe("   ");
});

test("what a message needs is shared once for each stay in the composer", () => {
  let count = 0;
  const sharing = createKeySharing(() => (count += 1));
  sharing.entered();
  sharing.typed();
  sharing.entered();
  expect(count).toBe(1);
  sharing.left();
  expect(count).toBe(1);
  sharing.typed();
  sharing.typed();
  expect(count).toBe(2);
});
