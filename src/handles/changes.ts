/**
 * What has changed in a directory, read from the bytes that the kernel has written.
 *
 * @module
 */

/** What a change is; `overflow`: more has changed than could be kept, and nobody knows what. */
export type ChangeAction = "added" | "removed" | "modified" | "renamed" | "overflow";

/**
 * One change in a directory that is watched.
 *
 * Who applies every change to what is known of the directory knows what is in it, if it was looked
 * at behind the first read, and is again after an overflow. `removed` takes a folder away with all
 * in it, `renamed` takes all in it along. A folder that is `added` begins empty, also one that was
 * known: on Linux all that is in it is told behind it. Windows does not tell what is in a folder that
 * was moved: a program for both forgets what it knew of the folder and looks into it.
 *
 * Where the directory changes during such a look, a rename may be told behind it whose result it has
 * seen: then the new path is looked into again.
 */
export interface DirectoryChange {
  /** What has happened. */
  readonly action: ChangeAction;
  /**
   * To what: its path in the directory, with the system's separator; the new one after a rename.
   * Empty for an overflow.
   */
  readonly path: string;
  /**
   * The path before a rename. It is missing in the rare case that the two halves
   * of a rename came in two packets, of which the first then says `removed`.
   */
  readonly oldPath?: string;
}

// FILE_NOTIFY_INFORMATION, and FILE_ACTION_…
const ACTION = 4;
const NAME_LENGTH = 8;
const NAME = 12;
const ACTIONS: readonly (ChangeAction | undefined)[] = [, "added", "removed", "modified"];
const RENAMED_OLD_NAME = 4;
const RENAMED_NEW_NAME = 5;

/** Units decoded at once: as many arguments as a call takes without doubt. */
const UNITS_AT_ONCE = 4096;

/** The one record there is when changes were lost. */
const OVERFLOW: DirectoryChange = { action: "overflow", path: "" };

/**
 * The records in `bytes`, as ReadDirectoryChangesW writes them. No bytes: an
 * overflow. Records need not be aligned.
 *
 * @throws {RangeError} if the bytes are no such records.
 */
export function parseChanges(bytes: Uint8Array): DirectoryChange[] {
  if (bytes.length === 0) return [OVERFLOW];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const changes: DirectoryChange[] = [];
  let oldPath: string | undefined;
  for (let at = 0;;) {
    if (at + NAME > bytes.length) throw broken(at, "is cut off");
    const next = view.getUint32(at, true);
    const action = view.getUint32(at + ACTION, true);
    const length = view.getUint32(at + NAME_LENGTH, true);
    if (length % 2 !== 0 || at + NAME + length > bytes.length) {
      throw broken(at, `has a name of ${length} bytes`);
    }
    if (next !== 0 && next < NAME + length) throw broken(at, `is followed by one at ${next}`);
    const path = nameAt(view, at + NAME, length / 2);
    if (oldPath !== undefined && action !== RENAMED_NEW_NAME) {
      changes.push({ action: "removed", path: oldPath });
      oldPath = undefined;
    }
    if (action === RENAMED_OLD_NAME) oldPath = path;
    else if (action === RENAMED_NEW_NAME) {
      changes.push(
        oldPath === undefined ? { action: "renamed", path } : {
          action: "renamed",
          path,
          oldPath,
        },
      );
      oldPath = undefined;
    } else changes.push({ action: actionOf(action, at), path });
    if (next === 0) break;
    at += next;
  }
  if (oldPath !== undefined) changes.push({ action: "removed", path: oldPath });
  return changes;
}

function actionOf(action: number, at: number): ChangeAction {
  const known = ACTIONS[action];
  if (known === undefined) throw broken(at, `has the action ${action}`);
  return known;
}

function broken(at: number, why: string): RangeError {
  return new RangeError(`Cannot read the changes: the record at byte ${at} ${why}`);
}

function nameAt(view: DataView, at: number, length: number): string {
  let name = "";
  for (let begin = 0; begin < length; begin += UNITS_AT_ONCE) {
    const units: number[] = [];
    const end = Math.min(begin + UNITS_AT_ONCE, length);
    for (let i = begin; i < end; i++) units.push(view.getUint16(at + i * 2, true));
    name += String.fromCharCode(...units);
  }
  return name;
}
