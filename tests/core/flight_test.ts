import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort } from "../../mod.ts";
import { countEnd, countStart, inFlightOf } from "../../src/core/flight.ts";
import { ledger } from "../../src/core/ledger.ts";

const { words } = ledger();

describe("operations in flight, counted by each thread for itself", () => {
  it("are told for each port, however a thread turns from one to the other", () => {
    using one = new CompletionPort();
    using other = new CompletionPort();
    const [a, b] = [one.token.place, other.token.place];
    for (const port of [a, b, a, a, b]) countStart(words, port);
    assertEquals([inFlightOf(a), inFlightOf(b)], [3, 2]);
    for (const port of [b, a, a]) countEnd(words, port);
    assertEquals([inFlightOf(a), inFlightOf(b)], [1, 1]);
    for (const port of [a, b]) countEnd(words, port);
    assertEquals([inFlightOf(a), inFlightOf(b)], [0, 0]);
    assertEquals([one.counters.inFlight, other.counters.inFlight], [0, 0]);
  });

  it("are never more than the port's limit, and as many as that again", () => {
    using port = new CompletionPort({ maxInFlight: 2 });
    const { place } = port.token;
    const started = () => [1, 2, 3].map(() => countStart(words, place));
    assertEquals(started(), [true, true, false]);
    assertEquals(inFlightOf(place), 2);
    countEnd(words, place);
    assertEquals(started(), [true, false, false]);
    for (let i = 0; i < 2; i++) countEnd(words, place);
    assertEquals(inFlightOf(place), 0);
  });
});
