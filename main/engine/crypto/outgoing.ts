/**
 * Outgoing: sends what OlmMachine wants sent, off the path of the sync, and tells the machine what came back.
 * Called after every sync response, and by whatever part has just made the machine want something.
 * Invariants: one pass at a time, so that no two key queries for one user are in flight; a request is marked as
 * sent only with its answer, so that after a kill the machine makes the same request again; what the server
 * refuses for good is reported to the machine's maker in the log and not tried in a loop.
 * spec: e2ee, "Key algorithms", "Tracking the device list for a user".
 */
import {
  DeviceLists,
  RequestType,
  type KeysBackupRequest,
  type KeysClaimRequest,
  type KeysQueryRequest,
  type KeysUploadRequest,
  type OlmMachine,
  type RoomMessageRequest,
  type SignatureUploadRequest,
  type ToDeviceRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { RoomId } from "../../../preload/contract/ids.ts";
import type { Clock } from "../base/clock.ts";
import { sleep } from "../base/clock.ts";
import { backoffMs, EngineError, retryPlan, toErrorData } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { CryptoServer } from "./server.ts";

export type MachineRequest =
  | KeysUploadRequest
  | KeysQueryRequest
  | KeysClaimRequest
  | ToDeviceRequest
  | SignatureUploadRequest
  | RoomMessageRequest
  | KeysBackupRequest;

export type OutgoingDeps = {
  olm: OlmMachine;
  server: CryptoServer;
  /** Sends an event of a verification into its room, encrypted where the room is. Gives `{ event_id }` as JSON. */
  sendRoomMessage: (roomId: RoomId, eventType: string, txnId: string, content: string) => Promise<string>;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
};

/** Requests that no answer will ever mark as sent may come back with every pass: this many refusals, then silence. */
const MAX_REFUSALS = 3;

export function openOutgoing(deps: OutgoingDeps) {
  const { olm, server, clock, log, signal } = deps;
  /** How often the server has refused a request for good, by request id. */
  const refusals = new Map<string, number>();
  let running: Promise<void> | undefined;
  let isAskedAgain = false;
  let wake = new AbortController();

  /**
   * Sends all that waits. Resolves when a pass that began after the call has ended, rejects with what stopped
   * it; a retry goes on by itself in the background.
   */
  async function flush(): Promise<void> {
    if (running) {
      isAskedAgain = true;
      wake.abort();
      await running;
      return;
    }
    running = passes().finally(() => {
      running = undefined;
    });
    await running;
  }

  async function passes(): Promise<void> {
    do {
      isAskedAgain = false;
      for (const request of await olm.outgoingRequests()) {
        if (signal.aborted) return;
        if ((refusals.get(idOf(request)) ?? 0) >= MAX_REFUSALS) continue;
        // One after the other on purpose: keys are uploaded before anyone is asked to trust them.
        await sendPatiently(request);
      }
    } while (isAskedAgain && !signal.aborted);
  }

  /** Tries until the server has answered; gives up on a refusal. */
  async function sendPatiently(request: MachineRequest): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await sendOne(request);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const plan = retryPlan(error, attempt);
        if (plan.when === "never") {
          if (error instanceof EngineError && error.code === "signed-out") throw error;
          refusals.set(idOf(request), (refusals.get(idOf(request)) ?? 0) + 1);
          log.warn("a request of the crypto was refused", { type: RequestType[request.type], ...codeOf(error) });
          return;
        }
        const delayMs = plan.when === "after" ? plan.delayMs : backoffMs(attempt);
        wake = new AbortController();
        await sleep(clock, delayMs, AbortSignal.any([signal, wake.signal])).catch(() => undefined);
      }
    }
  }

  /** Sends one request once and hands the answer to the machine. Throws what the server or the machine throws. */
  async function sendOne(request: MachineRequest): Promise<void> {
    const answer = await post(request);
    const id = idOf(request);
    // A signature upload that was made by a command has no id: nothing waits for its answer.
    if (id !== "") await olm.markRequestAsSent(id, request.type, answer);
    if (request.type === RequestType.KeysClaim) await serveWhoWaits();
  }

  /**
   * An own device that asked for secrets before there was a session with it is served by the machine when it is given
   * the next response. That may be long in coming, and is not waited for.
   */
  async function serveWhoWaits(): Promise<void> {
    const processed = await olm.receiveSyncChangesMsc4186("[]", new DeviceLists(), new Map());
    for (const event of processed) event.free();
    if (running) isAskedAgain = true;
    else flushSoon();
  }

  function post(request: MachineRequest): Promise<string> {
    const options = { signal };
    switch (request.type) {
      case RequestType.KeysUpload:
        return server.uploadKeys(request.body, options);
      case RequestType.KeysQuery:
        return server.queryKeys(request.body, options);
      case RequestType.KeysClaim:
        return server.claimKeys(request.body, options);
      case RequestType.SignatureUpload:
        return server.uploadSignatures(request.body, options);
      case RequestType.ToDevice: {
        const toDevice = request as ToDeviceRequest;
        return server.sendToDevice(toDevice.event_type, toDevice.txn_id, toDevice.body, options);
      }
      case RequestType.RoomMessage: {
        const message = request as RoomMessageRequest;
        return deps.sendRoomMessage(message.room_id as RoomId, message.event_type, message.txn_id, message.body);
      }
      case RequestType.KeysBackup: {
        const backup = request as KeysBackupRequest;
        return server.putBackupKeys(backup.version, backup.body, options);
      }
      default:
        throw new EngineError("bug", "The crypto asks for something unknown.");
    }
  }

  /** `flush` for those who do not wait: failures are logged. */
  function flushSoon(): void {
    flush().catch((error: unknown) => {
      if (!signal.aborted) log.warn("requests of the crypto wait", codeOf(error));
    });
  }

  return {
    flush,
    flushSoon,
    sendOne,
    sendPatiently,
    /** The network is back: what waits goes now. */
    wake: () => wake.abort(),
  };
}
export type Outgoing = ReturnType<typeof openOutgoing>;

const idOf = (request: { id?: string | undefined }): string => request.id ?? "";
const codeOf = (error: unknown) => ({ code: toErrorData(error).code });
