/**
 * For each command of the contract, what it does. Used by port-server, which has parsed the arguments.
 * To add a command: a line in the contract, a line here; TypeScript names what is missing.
 */
import type { CommandArgs, CommandName, CommandReply } from "../../../preload/contract/engine-contract.ts";
import type { AccountId } from "../../../preload/contract/ids.ts";
import type { AccountSession } from "../session/account-session.ts";
import type { EngineCore } from "../session/engine.ts";
import type { TopicHub } from "./topic-hub.ts";
import { topicKey } from "./topic-views.ts";

export type CommandContext = { core: EngineCore; hub: TopicHub; portId: number; signal: AbortSignal };

type Handlers = {
  [C in CommandName]: (args: CommandArgs<C>, context: CommandContext) => CommandReply<C> | Promise<CommandReply<C>>;
};

const done = {};

/** What an account's encryption is made of, once its key store is open. */
const parts = (core: EngineCore, accountId: AccountId) => core.session(accountId).crypto.parts();

export const commandHandlers: Handlers = {
  "accounts.discover": ({ address }, { core, signal }) => core.discover(address, { signal }),
  "accounts.signIn": async (args, { core, signal }) => ({ accountId: await core.signIn(args, { signal }) }),
  "accounts.signInAgain": async ({ accountId, password }, { core, signal }) => {
    await core.signInAgain(accountId, password, { signal });
    return done;
  },
  "accounts.signOut": async ({ accountId }, { core, hub }) => {
    await core.signOut(accountId);
    hub.dropAccount(accountId);
    return done;
  },
  "profile.setDisplayName": async ({ accountId, displayName }, { core, signal }) => {
    await core.session(accountId).setDisplayName(displayName, { signal });
    return done;
  },
  "sync.retryNow": ({ accountId }, { core }) => {
    core.session(accountId).retryNow();
    return done;
  },

  "rooms.createDirect": async ({ accountId, userId }, { core, signal }) => ({
    roomId: await core.session(accountId).rooms.createDirect(userId, { signal }),
  }),
  "rooms.create": async ({ accountId, ...room }, { core, signal }) => ({
    roomId: await core.session(accountId).rooms.create(room, { signal }),
  }),
  "rooms.invite": async ({ accountId, roomId, userId }, { core, signal }) => {
    await core.session(accountId).rooms.invite(roomId, userId, { signal });
    return done;
  },
  "rooms.join": async ({ accountId, room, via }, { core, signal }) => ({
    roomId: await core.session(accountId).rooms.join(room, via ?? [], { signal }),
  }),
  "rooms.leave": async ({ accountId, roomId }, { core, signal }) => {
    await core.session(accountId).rooms.leave(roomId, { signal });
    return done;
  },
  "rooms.setTyping": ({ accountId, roomId, isTyping }, { core }) => {
    core.session(accountId).setTyping(roomId, isTyping);
    return done;
  },

  "rooms.prepareToSend": ({ accountId, roomId }, { core }) => {
    core.session(accountId).prepareToSend(roomId);
    return done;
  },
  "rooms.setDraft": ({ accountId, roomId, text }, { core }) => {
    core.session(accountId).setDraft(roomId, text);
    return done;
  },

  "outbox.send": ({ accountId, roomId, txnId, content, replyTo }, { core }) => {
    const { outbox, relations } = core.session(accountId);
    outbox.send(roomId, txnId, "m.room.message", relations.toContent(roomId, content, replyTo));
    return done;
  },
  "outbox.edit": ({ accountId, roomId, txnId, eventId, content }, { core }) => {
    core.session(accountId).relations.edit(roomId, txnId, eventId, content);
    return done;
  },
  "outbox.react": ({ accountId, roomId, txnId, ...reaction }, { core }) => {
    core.session(accountId).relations.react(roomId, txnId, reaction);
    return done;
  },
  "outbox.redact": ({ accountId, roomId, txnId, eventId }, { core }) => {
    core.session(accountId).relations.redact(roomId, txnId, eventId);
    return done;
  },
  "outbox.retry": ({ accountId, txnId }, { core }) => {
    core.session(accountId).outbox.retry(txnId);
    return done;
  },
  "outbox.discard": ({ accountId, txnId }, { core }) => {
    core.session(accountId).outbox.discard(txnId);
    return done;
  },

  "timeline.paginate": async ({ accountId, roomId }, { core, hub }) => {
    const session = core.session(accountId);
    const view =
      (hub.viewOf(topicKey("timeline", { accountId, roomId }, 0)) as TimelineView | undefined) ??
      session.views.timeline(roomId);
    const hasReachedStart = await view.paginate();
    session.timelineChanged(roomId);
    return { hasReachedStart };
  },
  "timeline.markRead": ({ accountId, roomId, eventId }, { core }) => {
    core.session(accountId).markRead(roomId, eventId);
    return done;
  },

  "attention.set": ({ looksAt }, { core, portId }) => {
    core.attention.set(portId, looksAt);
    if (looksAt) core.session(looksAt.accountId).lookAt(looksAt.roomId);
    return done;
  },

  "calls.place": ({ accountId, roomId, media }, { core, portId }) => ({
    callId: core.session(accountId).calls.place(roomId, media, portId),
  }),
  "calls.answer": ({ accountId, callId, media, otherCalls, prepared }, { core, portId }) => {
    core.session(accountId).calls.answer(callId, media, portId, { otherCalls, prepared });
    return done;
  },
  "calls.prepare": async ({ accountId, callId }, { core }) => {
    const desired = await core.session(accountId).calls.prepare(callId);
    return desired ? { desired } : {};
  },
  "calls.reject": ({ accountId, callId }, { core }) => {
    core.session(accountId).calls.reject(callId);
    return done;
  },
  "calls.hangUp": ({ accountId, callId, reason }, { core }) => {
    core.session(accountId).calls.hangUp(callId, reason);
    return done;
  },
  "calls.hold": ({ accountId, callId, isOnHold }, { core }) => {
    core.session(accountId).calls.hold(callId, isOnHold);
    return done;
  },
  "calls.markLogSeen": ({ accountId }, { core }) => {
    core.session(accountId).callLog.markSeen();
    return done;
  },
  "calls.setSettings": ({ accountId, settings }, { core }) => {
    core.session(accountId).callSettings.set(settings);
    return done;
  },
  "calls.iceServers": ({ accountId }, { core }) => core.session(accountId).calls.iceServers(),
  "calls.report": ({ accountId, callId, fact }, { core, portId }) => {
    core.session(accountId).calls.report(callId, fact, portId);
    return done;
  },

  "encryption.makeRecoveryKey": async ({ accountId, passphrase }, { core }) => ({
    recoveryKey: await (await parts(core, accountId)).recovery.makeRecoveryKey(passphrase),
  }),
  "encryption.setUpRecovery": async ({ accountId, ...args }, { core }) => {
    await (await parts(core, accountId)).recovery.setUpRecovery(args);
    return done;
  },
  "encryption.recover": async ({ accountId, secret }, { core }) => {
    await (await parts(core, accountId)).recovery.recover(secret);
    return done;
  },
  "encryption.replaceBackup": async ({ accountId, recoveryKey }, { core }) => {
    await (await parts(core, accountId)).recovery.replaceBackup(recoveryKey);
    return done;
  },
  "encryption.restoreBackup": async ({ accountId }, { core }) => {
    await (await parts(core, accountId)).recovery.restoreBackup();
    return done;
  },
  "encryption.resetIdentity": async ({ accountId, ...args }, { core }) => {
    await (await parts(core, accountId)).recovery.resetIdentity(args);
    return done;
  },
  "encryption.acknowledgeIdentityChange": async ({ accountId }, { core }) => {
    await (await parts(core, accountId)).recovery.acknowledgeIdentityChange();
    return done;
  },
  "encryption.setSendsToSignedDevicesOnly": async ({ accountId, isOn }, { core }) => {
    (await parts(core, accountId)).setSendsToSignedDevicesOnly(isOn);
    core.session(accountId).outbox.retryHeld();
    return done;
  },
  "encryption.exportKeys": async ({ accountId, passphrase }, { core, signal }) =>
    (await parts(core, accountId)).exportKeys(passphrase, { signal }),
  "encryption.importKeys": async ({ accountId, keyFile, passphrase }, { core, signal }) =>
    (await parts(core, accountId)).importKeys(keyFile, passphrase, { signal }),
  "encryption.retryDecryption": async ({ accountId, roomId }, { core }) => {
    await core.session(accountId).retryDecryption(roomId);
    return done;
  },

  "verifications.request": async ({ accountId, userId, deviceId }, { core }) =>
    (await parts(core, accountId)).verifications.request(userId, deviceId),
  "verifications.accept": async ({ accountId, flowId }, { core }) => {
    await (await parts(core, accountId)).verifications.accept(flowId);
    return done;
  },
  "verifications.startEmoji": async ({ accountId, flowId }, { core }) => {
    await (await parts(core, accountId)).verifications.startEmoji(flowId);
    return done;
  },
  "verifications.confirm": async ({ accountId, flowId, isMatch }, { core }) => {
    await (await parts(core, accountId)).verifications.confirm(flowId, isMatch);
    return done;
  },
  "verifications.scan": async ({ accountId, flowId, qrCode }, { core }) => {
    await (await parts(core, accountId)).verifications.scan(flowId, qrCode);
    return done;
  },
  "verifications.cancel": async ({ accountId, flowId }, { core }) => {
    await (await parts(core, accountId)).verifications.cancel(flowId);
    return done;
  },
  "trust.acknowledge": async ({ accountId, userId }, { core }) => {
    await (await parts(core, accountId)).trust.acknowledge(userId);
    core.session(accountId).outbox.retryHeld();
    return done;
  },

  "devices.rename": async ({ accountId, deviceId, displayName }, { core }) => {
    await (await parts(core, accountId)).devices.rename(deviceId, displayName);
    return done;
  },
  "devices.signOut": async ({ accountId, deviceIds, password }, { core }) => {
    await (await parts(core, accountId)).devices.signOut(deviceIds, password);
    return done;
  },

  "files.begin": async ({ accountId, ...file }, { core }) => ({
    uploadId: await core.session(accountId).media.begin(file),
  }),
  "files.append": async ({ accountId, uploadId, offset, bytes }, { core }) => ({
    sizeBytes: await core.session(accountId).media.append(uploadId, offset, bytes),
  }),
  "files.finish": ({ accountId, uploadId }, { core }) => core.session(accountId).media.finish(uploadId),
  "files.abort": async ({ accountId, uploadId }, { core }) => {
    await core.session(accountId).media.discard(uploadId);
    return done;
  },
  "files.send": async ({ accountId, roomId, txnId, replyTo, ...file }, { core }) => {
    const { media, outbox, relations } = core.session(accountId);
    const content = await media.toPendingContent(file);
    outbox.send(roomId, txnId, "m.room.message", relations.asReply(roomId, content, replyTo));
    return done;
  },
  "files.open": ({ accountId, file }, { core, signal }) => core.session(accountId).media.open(file, { signal }),
  "files.read": async ({ accountId, file, offset, length }, { core, signal }) => ({
    bytes: await core.session(accountId).media.read(file, offset, length, { signal }),
  }),
  "media.fetch": ({ accountId, mxc, thumbnail }, { core }) => core.session(accountId).media.fetch(mxc, thumbnail),
};

type TimelineView = ReturnType<AccountSession["views"]["timeline"]>;
