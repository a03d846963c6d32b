/** That the homeserver starter keeps its promises: real users, survives kill -9, and dies with its parent. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startHomeserver } from "./homeserver.ts";
import { newUser, sharedHomeserver } from "./users.ts";

const whoami = (baseUrl: string, accessToken: string) =>
  fetch(`${baseUrl}/_matrix/client/v3/account/whoami`, { headers: { authorization: `Bearer ${accessToken}` } });

test("a registered user can sign in with the password", async () => {
  const { baseUrl } = sharedHomeserver();
  const alice = await newUser("Alice");
  const response = await fetch(`${baseUrl}/_matrix/client/v3/login`, {
    method: "POST",
    body: JSON.stringify({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: alice.localpart },
      password: alice.password,
    }),
  });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ user_id: alice.userId });
});

test("a server of one's own keeps its users over kill -9 and restart, and its data goes with it", async () => {
  await using homeserver = await startHomeserver();
  const alice = await homeserver.registerUser("alice");
  await homeserver.kill9();
  await expect(whoami(homeserver.baseUrl, alice.accessToken)).rejects.toThrow("fetch failed");
  await homeserver.restart();
  expect((await whoami(homeserver.baseUrl, alice.accessToken)).status).toBe(200);
  expect(await homeserver.admin("GET", "/_synapse/admin/v1/server_version")).toHaveProperty("server_version");
  await homeserver.stop();
  expect(existsSync(homeserver.dataDir)).toBe(false);
});

test("a port that is taken is an error that names it, not another program's server", async () => {
  const taken = Number(new URL(sharedHomeserver().baseUrl).port);
  await expect(startHomeserver({ port: taken })).rejects.toThrow(`Port ${taken} is in use`);
});

test("the server and its data vanish when its parent is killed", async () => {
  const program = `
    import { startHomeserver } from ${JSON.stringify(join(import.meta.dirname, "homeserver.ts"))};
    const { pid, dataDir } = await startHomeserver();
    console.log(JSON.stringify({ pid, dataDir }));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const { pid, dataDir } = JSON.parse(line.toString()) as { pid: number; dataDir: string };
  parent.kill("SIGKILL");
  await once(parent, "exit");
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  await sleep(50);
  expect(existsSync(dataDir)).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
