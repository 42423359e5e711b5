/**
 * Directories on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import * as code from "../codes.ts";
import type { DirectorySystem, Outcome } from "../contract.ts";
import { files } from "./files.ts";
import { answer, failure, handleWord, started } from "./last-error.ts";

const NOTHING = word(0);
const FILE_LIST_DIRECTORY = 1;
const FILE_FLAG_BACKUP_SEMANTICS = 0x02000000;
const FILE_ATTRIBUTE_DIRECTORY = 0x10;
/** BY_HANDLE_FILE_INFORMATION: dwFileAttributes is its first word. */
const INFORMATION_BYTES = 52;

function openDirectory(path: string): Outcome {
  const share = code.FILE_SHARE_READ | code.FILE_SHARE_WRITE | code.FILE_SHARE_DELETE;
  const flags = code.FILE_FLAG_OVERLAPPED | FILE_FLAG_BACKUP_SEMANTICS;
  const opened = files.createFile(
    path,
    FILE_LIST_DIRECTORY,
    share,
    code.OPEN_EXISTING,
    flags,
    0,
  );
  if (opened.code !== 0) return opened;
  // The flag opens directories too; what it has opened may as well be a file.
  const information = new Uint8Array(new ArrayBuffer(INFORMATION_BYTES));
  const k = kernel32();
  const error = answer(
    k.GetFileInformationByHandle(handleWord(opened.value), information),
    k.GetLastError(),
  );
  const isDirectory = (information[0] & FILE_ATTRIBUTE_DIRECTORY) !== 0;
  if (error === 0 && isDirectory) return opened;
  k.CloseHandle(handleWord(opened.value));
  return failure(error === 0 ? code.ERROR_DIRECTORY : error);
}

/** The contract's functions for directories. */
export const directories: DirectorySystem = {
  openDirectory,
  readDirectoryChanges: (
    directory,
    buffer,
    byteLength,
    watchSubtree,
    notifyFilter,
    overlapped,
  ) => {
    const k = kernel32();
    return started(
      k.ReadDirectoryChangesW(
        handleWord(directory),
        word(buffer),
        byteLength,
        watchSubtree ? 1 : 0,
        notifyFilter >>> 0,
        NOTHING,
        word(overlapped),
        NOTHING,
      ),
      k.GetLastError(),
    );
  },
};
