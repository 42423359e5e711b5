import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { randomFrom } from "../../conformance/random.ts";
import * as comm from "../../../src/system/comm.ts";
import {
  eventsOfCounts,
  eventsOfLines,
  statusOfLines,
} from "../../../src/system/linux/serial-events.ts";
import { readTermios, TERMIOS_BYTES, writeTermios } from "../../../src/system/linux/termios.ts";

/** Nine words as TCGETS2 gives them for 8N1 at 9600 with everything a terminal does. */
function cooked(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(TERMIOS_BYTES));
  const fields = new DataView(bytes.buffer);
  [0x6d02, 0x5, 0xcbd, 0x8a3b].forEach((value, index) => fields.setUint32(index * 4, value, true));
  fields.setUint32(36, 9600, true);
  fields.setUint32(40, 9600, true);
  return bytes;
}

function dcbOf(
  { speed = 9600, size = 8, parity = 0, stop = 0, flags = 0x1011 },
): Uint8Array<ArrayBuffer> {
  const dcb = new Uint8Array(new ArrayBuffer(comm.DCB_BYTES));
  const fields = new DataView(dcb.buffer);
  fields.setUint32(comm.DCB_LENGTH, comm.DCB_BYTES, true);
  fields.setUint32(comm.DCB_BAUD_RATE, speed, true);
  fields.setUint32(comm.DCB_FLAGS, flags, true);
  dcb[comm.DCB_BYTE_SIZE] = size;
  dcb[comm.DCB_PARITY] = parity;
  dcb[comm.DCB_STOP_BITS] = stop;
  dcb[comm.DCB_XON_CHAR] = 0x11;
  dcb[comm.DCB_XOFF_CHAR] = 0x13;
  return dcb;
}

const RTS_HANDSHAKE = comm.DCB_F_BINARY | comm.DCB_F_OUTX_CTS_FLOW |
  comm.CONTROL_ENABLE << comm.DCB_DTR_SHIFT | comm.CONTROL_HANDSHAKE << comm.DCB_RTS_SHIFT;
/** DTR and RTS on, as TIOCMGET tells it. */
const BOTH_ON = 0x6;

describe("DCB and termios", () => {
  it("whatever a DCB says that can be, a termios says too", () => {
    for (const speed of [50, 9600, 115_200, 250_000, 4_000_000]) {
      for (const size of [5, 6, 7, 8]) {
        for (const parity of [0, 1, 2, 3, 4]) {
          for (const stop of [0, size === 5 ? 1 : 2]) {
            for (const flags of [0x1011, 0x1013, 0x1111, 0x1211, RTS_HANDSHAKE]) {
              const dcb = dcbOf({ speed, size, parity, stop, flags });
              const termios = cooked();
              assertEquals(writeTermios(termios, dcb), 0);
              const back = new Uint8Array(new ArrayBuffer(comm.DCB_BYTES));
              readTermios(back, termios, BOTH_ON);
              assertEquals([...back], [...dcb]);
            }
          }
        }
      }
    }
  });

  it("nothing is left of what a terminal does with bytes", () => {
    const termios = cooked();
    assertEquals(writeTermios(termios, dcbOf({})), 0);
    const fields = new DataView(termios.buffer);
    // Of input only that a break is no byte, of output and editing nothing.
    assertEquals([0, 4, 12].map((at) => fields.getUint32(at, true)), [1, 0, 0]);
    assertEquals([termios[17 + 6], termios[17 + 5]], [1, 0]);
  });

  it("what means nothing is refused: 87; what a tty cannot do: 50", () => {
    const nothing = [
      { speed: 0 },
      { size: 4 },
      { size: 9 },
      { parity: 5 },
      { stop: 3 },
      {
        flags: 0x1010,
      },
      { size: 5, stop: 2 },
      { size: 8, stop: 1 },
    ];
    for (const wrong of nothing) assertEquals(writeTermios(cooked(), dcbOf(wrong)), 87);
    const cannot = [
      comm.DCB_F_OUTX_DSR_FLOW,
      comm.DCB_F_DSR_SENSITIVITY,
      comm.DCB_F_ERROR_CHAR,
      comm.DCB_F_NULL,
      comm.DCB_F_ABORT_ON_ERROR,
      comm.DCB_F_OUTX_CTS_FLOW,
      comm.CONTROL_HANDSHAKE << comm.DCB_DTR_SHIFT,
      comm.CONTROL_HANDSHAKE << comm.DCB_RTS_SHIFT,
      3 << comm.DCB_RTS_SHIFT,
    ];
    for (const flag of cannot) {
      assertEquals(writeTermios(cooked(), dcbOf({ flags: comm.DCB_F_BINARY | flag })), 50);
    }
  });

  it("100,000 DCBs of any bytes: refused, or read back as what they say", () => {
    const random = randomFrom(1);
    for (let round = 0; round < 100_000; round++) {
      const dcb = new Uint8Array(new ArrayBuffer(comm.DCB_BYTES)).map(() => random(256));
      dcb[comm.DCB_FLAGS] |= 1;
      for (const at of [comm.DCB_BYTE_SIZE, comm.DCB_PARITY, comm.DCB_STOP_BITS]) {
        if (random(4) !== 0) dcb[at] %= 9;
      }
      const termios = cooked();
      const code = writeTermios(termios, dcb);
      if (code !== 0) {
        assertEquals([87, 50].includes(code), true);
        continue;
      }
      const back = new Uint8Array(new ArrayBuffer(comm.DCB_BYTES));
      readTermios(back, termios, BOTH_ON);
      const parts = [comm.DCB_BYTE_SIZE, comm.DCB_PARITY, comm.DCB_STOP_BITS, comm.DCB_BAUD_RATE];
      assertEquals(parts.map((at) => back[at]), parts.map((at) => dcb[at]));
    }
  });
});

describe("events of a serial line", () => {
  it("each counter that has changed is its event, and bytes are none of these", () => {
    const events = [
      comm.EV_CTS,
      comm.EV_DSR,
      comm.EV_RING,
      comm.EV_RLSD,
      0,
      0,
      comm.EV_ERR,
      comm.EV_ERR,
      comm.EV_ERR,
      comm.EV_BREAK,
      comm.EV_ERR,
    ];
    const before = new Int32Array(11).fill(0x7fffffff);
    events.forEach((event, index) => {
      const after = before.slice();
      after[index]++;
      assertEquals(eventsOfCounts(before, after), event);
    });
    assertEquals(eventsOfCounts(before, before), 0);
    assertEquals(eventsOfCounts(before, new Int32Array(11)), 0x1f8);
  });

  it("each modem line that has changed is its event, and each that is on its bit", () => {
    const lines = [
      [0x20, comm.EV_CTS, comm.MS_CTS_ON],
      [0x100, comm.EV_DSR, comm.MS_DSR_ON],
      [0x80, comm.EV_RING, comm.MS_RING_ON],
      [0x40, comm.EV_RLSD, comm.MS_RLSD_ON],
    ];
    for (const [bit, event, status] of lines) {
      assertEquals([eventsOfLines(0, bit), eventsOfLines(bit | 6, 6)], [event, event]);
      assertEquals([eventsOfLines(bit, bit | 6), statusOfLines(bit | 6)], [0, status]);
    }
  });
});
