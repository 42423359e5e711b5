// Every version that the Windows test stage pins, in one place.

/** The Debian release whose Wine is used: its version 10, ahead of the one that most hosts offer. */
export const SUITE = "trixie";

/**
 * What is unpacked, with all it depends on: Wine; the locale by which it understands file names; a
 * shell and the few commands that Wine's own set-up script needs.
 */
export const PACKAGES = ["wine64", "libwine", "libc-bin", "base-files", "dash", "coreutils"];

/** Part of the cached folder's name: raise it whenever `wine.mjs` would build something else. */
export const RECIPE = 1;

/** The Windows builds under test: npm package, and where the program lies in it. */
export const RUNTIMES = {
  deno: { name: "@deno/win32-x64", version: "2.9.5", program: "deno.exe" },
  bun: { name: "@oven/bun-windows-x64", version: "1.4.5", program: "bin\\bun.exe" },
};
