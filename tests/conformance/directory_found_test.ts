import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { mkdirSync, renameSync } from "node:fs";
import { DirectoryHandle } from "../../mod.ts";
import { itUnless, unlessLinux } from "./fixture.ts";
import { short, Watching } from "./watching.ts";

describe("what is found in a folder before the events are read that had happened in it", () => {
  itUnless(
    unlessLinux,
    "promise 2: a file where a folder was that has been moved since, and again to where nobody looks",
    () => {
      // Room for the folders that are moved in, and for nothing in them: one of the two is watched by
      // then and not looked into.
      using watching = new Watching({}, (root) => mkdirSync(`${root}/r`), 64);
      const outside = watching.folder.path("outside");
      for (const name of ["t1", "t2"]) mkdirSync(`${outside}/s/${name}/x`, { recursive: true });
      watching.read();
      renameSync(`${outside}/s`, watching.path("s"));
      const first = DirectoryHandle.changes(watching.take()).map(short).sort();
      assertEquals(first, ["+s", "+s/t1", "+s/t2"]);
      for (const name of ["t1", "t2"]) {
        renameSync(watching.path("s", name, "x"), watching.path("r", `y-${name}`));
        renameSync(watching.path("r", `y-${name}`), `${outside}/y-${name}`);
        watching.file("s", name, "x");
      }
      watching.read();
      const told = new Set<string>();
      const tell = (record: string) => {
        if (record[0] === "+") told.add(record.slice(1));
        else if (record[0] === "-") told.delete(record.slice(1));
      };
      watching.settled().forEach(tell);
      assertEquals([...told].sort(), ["s/t1/x", "s/t2/x"]);
      // And everything goes on: in the same places, and in new ones.
      for (let i = 0; i < 40; i++) {
        mkdirSync(watching.path("r", `z${i}`, "deep"), { recursive: true });
        watching.file("r", `z${i}`, "deep", "f");
      }
      watching.settled().forEach(tell);
      const expected = Array.from(
        { length: 40 },
        (_, i) => [`r/z${i}`, `r/z${i}/deep`, `r/z${i}/deep/f`],
      );
      assertEquals([...told].sort(), [...expected.flat(), "s/t1/x", "s/t2/x"].sort());
    },
  );
});
