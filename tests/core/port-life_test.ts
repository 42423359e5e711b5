import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort } from "../../mod.ts";
import { ledger, T_TAKING } from "../../src/core/ledger.ts";
import { self } from "../../src/core/threads.ts";
import { system } from "../../src/system/system.ts";

describe("case 57: a port is closed to the system", () => {
  it("when no thread is taking from it, also if the last one has ended over that", () => {
    const { words, ports } = ledger();
    const before = ports.count();
    const port = new CompletionPort();
    // What a thread leaves there that is ended between asking for packets and having them.
    Atomics.store(words, self() + T_TAKING, port.token.place);
    port.close();
    assertEquals(port.isClosed, true);
    // Where the number does not come again there is no need to wait.
    assertEquals(ports.count(), before + (system.reusesHandles ? 1 : 0));
    new CompletionPort().close(); // Not even that closes it while somebody takes.
    assertEquals(ports.count(), before + (system.reusesHandles ? 1 : 0));
    Atomics.store(words, self() + T_TAKING, 0); // As the burying does.
    new CompletionPort().close();
    assertEquals(ports.count(), before);
  });
});
