/** Makes an ioctl that never returns: the thread is terminated in it. */

import { DeviceHandle, type HandleToken, ioctl } from "../../../mod.ts";
import { ioctlValue } from "../../../src/ffi/libc.ts";

/** What this thread is to do. */
export interface MakeCall {
  device: HandleToken;
  /** 1 once the thread is in the call. */
  counts: Int32Array;
}

interface Scope {
  onmessage: ((event: MessageEvent<MakeCall>) => void) | null;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data: { device, counts } }) => {
  // A thread is stopped that runs code, and not always one that is in a foreign call.
  Object.assign(ioctlValue(), {
    ioctl(): number {
      Atomics.store(counts, 0, 1);
      for (;;) Atomics.load(counts, 0);
    },
  });
  DeviceHandle.attach(device).control(ioctl(0x5413), null, null, 7);
};
scope.postMessage("ready");
