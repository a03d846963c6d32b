/**
 * Stage: one new user with a profile folder and a proxy of its own, and the order by which a child plays the session on
 * it. Used by the tests of this folder. Invariant: the profile outlives its engines; `TestEngine` removes it.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UserId } from "../../../preload/contract/ids.ts";
import { startProxyBefore, TestEngine } from "../../support/engine-harness.ts";
import { newUser, sharedHomeserver } from "../../support/users.ts";
import type { ChildOrder } from "./session-child.ts";
import type { SessionPlan } from "./session.ts";

export async function openStage(friendId: UserId, texts: readonly string[]) {
  const account = await newUser("alice");
  const proxy = await startProxyBefore(sharedHomeserver().baseUrl);
  const deviceIds: unknown[] = [];
  // In the place of the harness's rule: what the server calls the device is to be seen here.
  proxy.add({
    method: "POST",
    path: /\/login$/u,
    response: {
      rewrite(body) {
        const answer = body as Record<string, unknown>;
        deviceIds.push(answer["device_id"]);
        return { ...answer, well_known: undefined };
      },
    },
  });
  const dataDir = await mkdtemp(join(tmpdir(), "lattice-faults-"));
  const profileKey = randomBytes(32);
  const plan: SessionPlan = {
    homeserverUrl: proxy.url,
    userId: account.userId,
    password: account.password,
    friendId,
    texts,
  };
  const order: ChildOrder = {
    dataDir,
    profileKey: profileKey.toString("base64"),
    work: { kind: "session", plan },
    end: "close",
  };
  const open = () => TestEngine.open({ dataDir, profileKey });
  return { account, proxy, deviceIds, dataDir, profileKey, plan, order, open };
}
