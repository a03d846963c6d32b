/**
 * Codes of raw bytes: what is drawn is what is read, byte for byte, also out of a poor picture; what is no code, or
 * another one, gives nothing. Subject: renderer/features/encryption/qr-bytes.ts. spec: e2ee, "QR codes".
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  base64Of,
  bytesInPicture,
  bytesOfBase64,
  isVerificationCode,
  modulesOf,
  pathOf,
} from "../../renderer/features/encryption/qr-bytes.ts";
import type { Picture } from "../../renderer/features/encryption/qr-bytes.ts";
import { scannerStateOf } from "../../renderer/features/encryption/QrScanner.tsx";

/** As another client makes it: prefix, version, mode, a transaction id, two keys, a secret. */
function verificationCode(seed = 1): Uint8Array {
  const random = Uint8Array.from({ length: 32 + 32 + 16 }, (_, index) => (seed * 97 + index * 151) % 256);
  const flowId = new TextEncoder().encode(`$flow${seed}:example.org`);
  return Uint8Array.from([...new TextEncoder().encode("MATRIX"), 2, 1, 0, flowId.length, ...flowId, ...random]);
}

type Camera = { scale?: number; degrees?: number; noise?: number; isInverted?: boolean };

/** The code as a camera would see it: scaled, turned, noisy, somewhere in a larger picture. */
function photograph(
  bytes: Uint8Array,
  { scale = 6, degrees = 0, noise = 0, isInverted = false }: Camera = {},
): Picture {
  const modules = modulesOf(bytes) ?? [];
  const edge = Math.ceil(modules.length * scale * 1.5);
  const data = new Uint8ClampedArray(edge * edge * 4);
  const angle = (degrees * Math.PI) / 180;
  let state = 12_345;
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  for (let y = 0; y < edge; y++) {
    for (let x = 0; x < edge; x++) {
      const [dx, dy] = [x - edge / 2, y - edge / 2];
      const column = Math.floor((dx * Math.cos(angle) + dy * Math.sin(angle)) / scale + modules.length / 2);
      const row = Math.floor((dy * Math.cos(angle) - dx * Math.sin(angle)) / scale + modules.length / 2);
      const isDark = (modules[row]?.[column] ?? false) !== isInverted;
      data.set(
        Array(3)
          .fill((isDark ? 40 : 215) + (random() - 0.5) * noise)
          .concat(255) as number[],
        (y * edge + x) * 4,
      );
    }
  }
  return { width: edge, height: edge, data };
}

describe("there and back", () => {
  test.each([
    ["straight", {}],
    ["small", { scale: 3 }],
    ["turned", { degrees: 12 }],
    ["upside down", { degrees: 180 }],
    ["noisy", { noise: 60 }],
    ["all at once", { scale: 4.5, degrees: -8, noise: 30 }],
  ] as const)("%s", (_name, camera) => {
    const code = verificationCode();
    expect(bytesInPicture(photograph(code, camera))).toEqual(code);
  });
  test("every byte there is", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(bytesInPicture(photograph(all))).toEqual(all);
  });
  test("any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        expect(bytesInPicture(photograph(bytes, { scale: 4 }))).toEqual(bytes);
      }),
      { numRuns: 15 },
    );
  });
  test("base64", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(bytesOfBase64(base64Of(bytes))).toEqual(bytes);
      }),
    );
    for (const text of ["not base64!", "====", "\u0000"]) expect(bytesOfBase64(text)).toBeUndefined();
  });
});

describe("what is no code", () => {
  test("an empty, a grey and a noisy picture hold nothing", () => {
    const blank = (fill: (index: number) => number): Picture => ({
      width: 200,
      height: 150,
      data: Uint8ClampedArray.from({ length: 200 * 150 * 4 }, (_, index) => fill(index)),
    });
    expect(bytesInPicture(blank(() => 0))).toBeUndefined();
    expect(bytesInPicture(blank(() => 128))).toBeUndefined();
    expect(bytesInPicture(blank((index) => (index * 7_919) % 256))).toBeUndefined();
    expect(bytesInPicture({ width: 10, height: 10, data: new Uint8Array(3) })).toBeUndefined();
    expect(bytesInPicture({ width: 0, height: 0, data: new Uint8Array(0) })).toBeUndefined();
  });
  test("bytes that make no code draw nothing", () => {
    expect(modulesOf(new Uint8Array(0))).toBeUndefined();
    expect(modulesOf(new Uint8Array(10_000))).toBeUndefined();
  });
  test("a code of another kind is read and refused", () => {
    const web = new TextEncoder().encode("https://example.org/".padEnd(120, "x"));
    const seen = bytesInPicture(photograph(web));
    expect(seen && isVerificationCode(seen)).toBe(false);
    expect(isVerificationCode(verificationCode())).toBe(true);
    expect(isVerificationCode(verificationCode().subarray(0, 60))).toBe(false);
    const future = verificationCode();
    future[6] = 3;
    expect(isVerificationCode(future)).toBe(false);
    expect(isVerificationCode(new Uint8Array(0))).toBe(false);
  });
});

test("the drawing has every dark module and no other", () => {
  const modules = modulesOf(verificationCode()) ?? [];
  const drawn = modules.map((row) => row.map(() => false));
  for (const [, x, y, width] of pathOf(modules).matchAll(/M(\d+) (\d+)h(\d+)v1H\d+z/gu)) {
    for (let step = 0; step < Number(width); step++) drawn[Number(y)]![Number(x) + step] = true;
  }
  expect(drawn).toEqual(modules);
});

test("why there is no camera is told apart", () => {
  const named = (name: string) => Object.assign(new Error("x"), { name });
  expect(scannerStateOf(named("NotFoundError"))).toBe("no-camera");
  expect(scannerStateOf(named("NotAllowedError"))).toBe("denied");
  expect(scannerStateOf(named("NotReadableError"))).toBe("failed");
  expect(scannerStateOf("nonsense")).toBe("failed");
  expect(scannerStateOf(undefined)).toBe("failed");
});
