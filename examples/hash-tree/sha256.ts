/**
 * SHA-256 as the runtime has it at hand.
 *
 * @module
 */

/** A digest in the making. */
export interface Hash {
  /** Takes bytes in. */
  update(bytes: Uint8Array): Hash;
  /** The end: the digest as text. */
  digest(encoding: "hex"): string;
}

/** The part of Bun used here. */
interface BunGlobals {
  Bun: { CryptoHasher: new (algorithm: "sha256") => Hash };
}

/** A new digest. */
export const sha256: () => Hash = "Bun" in globalThis ? hashOfBun() : await hashOfNode();

/** Bun's own, because its `node:crypto` takes a thread some 5 ms to load. */
function hashOfBun(): () => Hash {
  const { CryptoHasher } = (globalThis as unknown as BunGlobals).Bun;
  return () => new CryptoHasher("sha256");
}

async function hashOfNode(): Promise<() => Hash> {
  const { createHash } = await import("node:crypto");
  return () => createHash("sha256");
}
