/**
 * openLinkedNamespaces: two network namespaces with one cable between them, which can be pulled. Called by specs of
 * calls. Invariants: what was made is removed again, whatever happens; nothing leaves the two, which have no route to
 * anywhere else; where the machine does not allow them the reason is given instead.
 */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./cache.ts";

/** A private network of two addresses, within the namespaces only. */
const ADDRESSES = ["10.213.7.1", "10.213.7.2"] as const;
const CABLE = "cable";

export interface LinkedNamespaces extends AsyncDisposable {
  /** Programs that start `program` within the first and the second namespace. */
  readonly launchers: readonly [string, string];
  /** Of each end of the cable. */
  readonly addresses: readonly [string, string];
  pull(): Promise<void>;
  plugIn(): Promise<void>;
}

/** Makes them, or says why this machine cannot. */
export async function openLinkedNamespaces(program: string): Promise<LinkedNamespaces | { missing: string }> {
  if (process.platform !== "linux") return { missing: "only Linux has network namespaces" };
  const names = ["a", "b"].map((end) => `lattice-${end}-${process.pid}`) as [string, string];
  const folder = await mkdtemp(join(tmpdir(), "lattice-namespaces-"));
  const close = async (): Promise<void> => {
    // The cable goes with its ends.
    for (const name of names) await runCommand("ip", ["netns", "delete", name]);
    await rm(folder, { recursive: true, force: true });
  };
  const commands = [
    ...names.map((name) => ["netns", "add", name]),
    ["-n", names[0], "link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", names[1]],
    ...names.flatMap((name, end) => [
      ["-n", name, "address", "add", `${ADDRESSES[end]}/24`, "dev", CABLE],
      ["-n", name, "link", "set", "lo", "up"],
      ["-n", name, "link", "set", CABLE, "up"],
    ]),
  ];
  for (const args of commands) {
    // In order on purpose: each needs the one before it.
    const { code, output } = await runCommand("ip", args);
    if (code === 0) continue;
    await close();
    return { missing: `"ip ${args.join(" ")}" failed: ${output.trim() || "there is no such program"}` };
  }
  const launchers = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      await writeFile(path, `#!/bin/sh\nexec ip netns exec ${name} "${program}" "$@"\n`);
      await chmod(path, 0o755);
      return path;
    }),
  );
  const setLink = async (state: "up" | "down"): Promise<void> => {
    const { code, output } = await runCommand("ip", ["-n", names[0], "link", "set", CABLE, state]);
    if (code !== 0) throw new Error(`the link cannot be set ${state}: ${output}`);
  };
  return {
    launchers: launchers as [string, string],
    addresses: ADDRESSES,
    pull: () => setLink("down"),
    plugIn: () => setLink("up"),
    [Symbol.asyncDispose]: close,
  };
}
