/**
 * startFederation: two real Synapses on loopback that federate with each other, and with nobody else.
 * Called by tests of what crosses servers. Invariant: as of homeserver.ts; and a server's name is the very address of
 * its TLS listener, so nothing has to be looked up.
 */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand, SetupError, tail } from "./cache.ts";
import { findFreePort, startHomeserver, type Homeserver } from "./homeserver.ts";
import { ensureSynapse } from "./setup.ts";

const CERTIFICATE_TIMEOUT_MS = 30_000;
const START_ATTEMPTS = 3;

export interface Federation extends AsyncDisposable {
  readonly servers: readonly [Homeserver, Homeserver];
  /** Ends both in order and deletes their data. */
  stop(): Promise<void>;
}

/** Starts both servers and waits until they answer their clients. */
export async function startFederation(): Promise<Federation> {
  if (process.platform !== "linux") {
    throw new SetupError("Two federated servers need Synapse to run without a container, which it does on Linux only.");
  }
  const { python } = await ensureSynapse();
  const started = await Promise.allSettled([startMember(python), startMember(python)]);
  const [first, second] = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (!first || !second) {
    await first?.stop();
    throw started.find((result) => result.status === "rejected")?.reason;
  }
  const stop = async () => {
    await Promise.all([first.stop(), second.stop()]);
  };
  return { servers: [first, second], stop, [Symbol.asyncDispose]: stop };
}

async function startMember(python: string): Promise<Homeserver> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(python);
    } catch (error) {
      // Of two free ports one may be taken between our look and the server's bind.
      if (!(error instanceof SetupError) || !error.message.includes("in use") || attempt >= START_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(python: string): Promise<Homeserver> {
  const [port, tlsPort] = await Promise.all([findFreePort(), findFreePort()]);
  const dataDir = await mkdtemp(join(tmpdir(), "lattice-homeserver-"));
  const { certificatePath, keyPath } = await makeCertificate(python, dataDir);
  const listener = { bind_addresses: ["127.0.0.1"], type: "http", x_forwarded: false };
  return startHomeserver({
    port,
    dataDir,
    serverName: `localhost:${tlsPort}`,
    config: {
      listeners: [
        { ...listener, port, tls: false, resources: [{ names: ["client", "federation"], compress: false }] },
        { ...listener, port: tlsPort, tls: true, resources: [{ names: ["federation"], compress: false }] },
      ],
      tls_certificate_path: certificatePath,
      tls_private_key_path: keyPath,
      federation_verify_certificates: false,
      // Soon again after a failure: the defaults are for servers that are away for hours.
      federation: {
        client_timeout: "10s",
        max_short_retries: 2,
        max_short_retry_delay: "1s",
        max_long_retries: 2,
        max_long_retry_delay: "1s",
        destination_min_retry_interval: "1s",
        destination_retry_multiplier: 1,
        destination_max_retry_interval: "2s",
      },
      rc_federation: {
        window_size: 1_000,
        sleep_limit: 100_000,
        sleep_delay: 0,
        reject_limit: 100_000,
        concurrent: 1_000,
      },
      federation_rr_transactions_per_room_per_second: 1_000,
    },
  });
}

/** In Python, since Synapse brings the means and Node has none to sign a certificate. */
const CERTIFICATE_PROGRAM = `
import datetime, ipaddress, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

certificate_path, key_path = sys.argv[1:]
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
now = datetime.datetime.now(datetime.timezone.utc)
names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
builder = builder.serial_number(x509.random_serial_number()).add_extension(x509.SubjectAlternativeName(names), False)
builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
certificate = builder.sign(key, hashes.SHA256())
with open(certificate_path, "wb") as file:
    file.write(certificate.public_bytes(serialization.Encoding.PEM))
with open(key_path, "wb") as file:
    plain = serialization.NoEncryption()
    file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
`;

/** A certificate that its holder signed himself, good for a month. */
async function makeCertificate(python: string, folder: string): Promise<{ certificatePath: string; keyPath: string }> {
  const programPath = join(folder, "make-certificate.py");
  const [certificatePath, keyPath] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  await writeFile(programPath, CERTIFICATE_PROGRAM);
  const { code, output } = await runCommand(python, [programPath, certificatePath, keyPath], {
    timeoutMs: CERTIFICATE_TIMEOUT_MS,
  });
  if (code !== 0) throw new SetupError(`The server's certificate could not be made:\n${tail(output)}`);
  return { certificatePath, keyPath };
}
