import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  COMMTIMEOUTS_BYTES,
  DCB_BYTES,
  FSCTL_SET_SPARSE,
  IOCTL_BASE,
  system,
} from "../../src/system/system.ts";
import { Folder, GARBAGE_HANDLES, isWine, itUnless, unlessLinux } from "./fixture.ts";
import { Raw } from "./raw.ts";

type Call = (handle: number) => number;

/** Each function for devices and serial lines, with arguments that are right otherwise. */
function calls(raw: Raw): Record<string, Call> {
  const [{ address }, overlapped] = [raw.memory(64), raw.overlapped()];
  const dcb = new Uint8Array(new ArrayBuffer(DCB_BYTES));
  const timeouts = new Uint8Array(new ArrayBuffer(COMMTIMEOUTS_BYTES));
  return {
    deviceIoControl: (h) =>
      system.deviceIoControl(h, FSCTL_SET_SPARSE, address, 1, 0, 0, overlapped.address),
    "deviceIoControl, another code": (h) =>
      system.deviceIoControl(h, 0x7FFF0000, address, 1, 0, 0, overlapped.address),
    getCommState: (h) => system.getCommState(h, dcb),
    setCommState: (h) => system.setCommState(h, dcb),
    setCommTimeouts: (h) => system.setCommTimeouts(h, timeouts),
    getCommMask: (h) => system.getCommMask(h).code,
    setCommMask: (h) => system.setCommMask(h, 1),
    waitCommEvent: (h) => system.waitCommEvent(h, address, overlapped.address),
    escapeCommFunction: (h) => system.escapeCommFunction(h, 3),
    purgeComm: (h) => system.purgeComm(h, 8),
    getCommModemStatus: (h) => system.getCommModemStatus(h).code,
  };
}

describe("devices and serial lines, handles that are none", () => {
  for (const garbage of GARBAGE_HANDLES) {
    it(`contract: ${garbage}: 6 from every function`, () => {
      using raw = new Raw();
      for (const [name, call] of Object.entries(calls(raw))) assertEquals(call(garbage), 6, name);
    });
  }

  it("contract: a closed file: 6 from every function", () => {
    using folder = new Folder();
    using raw = new Raw();
    const path = folder.file("data.bin", "abc");
    const all = calls(raw);
    const closed = raw.closed(() => raw.file(path));
    for (const [name, call] of Object.entries(all)) assertEquals(call(closed), 6, name);
  });

  itUnless(isWine && "Wine asks any object: 50 or 87", "contract: a port: 6", () => {
    using raw = new Raw();
    const port = raw.port();
    for (const [name, call] of Object.entries(calls(raw))) assertEquals(call(port), 6, name);
  });

  itUnless(unlessLinux, "Linux: a file is no serial line: 1 from every function for those", () => {
    using folder = new Folder();
    using raw = new Raw();
    const port = raw.port();
    const file = raw.associated(folder.file("data.bin", "abc"), port, 1);
    for (const [name, call] of Object.entries(calls(raw))) {
      if (!name.startsWith("deviceIoControl")) assertEquals(call(file), 1, name);
    }
  });

  itUnless(unlessLinux, "Linux: without a port or an OVERLAPPED nothing is started: 87", () => {
    using folder = new Folder();
    using raw = new Raw();
    const port = raw.port();
    const file = raw.associated(folder.file("data.bin", "abc"), port, 1);
    assertEquals(system.deviceIoControl(file, FSCTL_SET_SPARSE, 0, 0, 0, 0, 0), 87);
    assertEquals(system.deviceIoControl(file, IOCTL_BASE + 1, 0, 0, 0, 0, 0), 87);
    const other = raw.file(folder.file("other.bin", "abc"));
    const overlapped = raw.overlapped();
    const code = FSCTL_SET_SPARSE;
    assertEquals(system.deviceIoControl(other, code, 0, 0, 0, 0, overlapped.address), 87);
  });
});
