/**
 * The threads of `--threads`: whichever takes the packet of a read starts the write.
 *
 * @module
 */

import { FileHandle, type Packet, serve } from "../../src/pool/thread.ts";
import { type SlotMemory, Slots } from "./slots.ts";

let slots: Slots;

serve({
  start({ data }) {
    slots = new Slots(data as SlotMemory);
  },

  packet(packet) {
    const { key, operation, error, bytesTransferred: bytes } = packet;
    const { tag } = operation!;
    const isWhole = error === null && bytes >= slots.lengthOf(tag);
    if (isWhole && goOn(packet)) return;
    slots.finish({ tag, key, code: error?.code ?? 0, bytes });
  },
});

/** Starts the slot's next operation; false if there is none. */
function goOn({ operation }: Packet): boolean {
  const { tag, offset, buffer } = operation!;
  switch (slots.stepOf(tag)) {
    case "read":
      // Past the page cache, whole sectors are written.
      buffer!.bytes.fill(0, slots.lengthOf(tag));
      slots.step(tag, "write");
      FileHandle.attach(slots.targetOf(tag)).write(buffer!, offset, tag);
      return true;
    default:
      return false;
  }
}
