/**
 * Control codes by Microsoft's names, and how the codes and the buffers of
 * DeviceIoControl are laid out. Here are those with a twin on both systems; on
 * Windows every other code may be used as well.
 *
 * @module
 */

/** Marks a file as sparse, or no longer. Input: FILE_SET_SPARSE_BUFFER, one byte, or nothing. */
export const FSCTL_SET_SPARSE = 0x000900C4;
/** Fills a range with zeros. Input: FILE_ZERO_DATA_INFORMATION. */
export const FSCTL_SET_ZERO_DATA = 0x000980C8;
/** Which parts of a range take room. Input: a FILE_ALLOCATED_RANGE_BUFFER; output: some of them. */
export const FSCTL_QUERY_ALLOCATED_RANGES = 0x000940CF;
/** Shares blocks with another file. Input: DUPLICATE_EXTENTS_DATA. */
export const FSCTL_DUPLICATE_EXTENTS_TO_FILE = 0x00098344;
/** What a link says. Output: REPARSE_DATA_BUFFER. */
export const FSCTL_GET_REPARSE_POINT = 0x000900A8;
/** Makes a file a link. Windows only. Input: REPARSE_DATA_BUFFER. */
export const FSCTL_SET_REPARSE_POINT = 0x000900A4;
/** What lies in a pipe, without taking it. Output: FILE_PIPE_PEEK_BUFFER. */
export const FSCTL_PIPE_PEEK = 0x0011400C;
/** Waits for an instance of a pipe. Input: FILE_PIPE_WAIT_FOR_BUFFER. */
export const FSCTL_PIPE_WAIT = 0x00110018;
/** The size of a disk. Output: GET_LENGTH_INFORMATION, eight bytes. */
export const IOCTL_DISK_GET_LENGTH_INFO = 0x0007405C;

/** In the second byte of a code: the handle must have been opened for reading, or for writing. */
export const CONTROL_NEEDS_READ = 0x4000;
/** See {@linkcode CONTROL_NEEDS_READ}. */
export const CONTROL_NEEDS_WRITE = 0x8000;

/** What `deviceIoControl` tells an ioctl by: added to its number. */
export const IOCTL_BASE: number = 2 ** 32;

/** Bytes of a FILE_ALLOCATED_RANGE_BUFFER: the offset, then the length, 64 bits each. */
export const ALLOCATED_RANGE_BYTES = 16;
/** Bytes of a FILE_ZERO_DATA_INFORMATION: the first zero, then what follows the last one. */
export const ZERO_DATA_BYTES = 16;
/** Bytes of a DUPLICATE_EXTENTS_DATA: handle, source offset, target offset, length. */
export const DUPLICATE_EXTENTS_BYTES = 32;

/** Bytes of a REPARSE_DATA_BUFFER before what its tag decides. */
export const REPARSE_HEADER_BYTES = 8;
/** Where the names of a symbolic link's REPARSE_DATA_BUFFER begin. */
export const REPARSE_LINK_BYTES = 20;
/** The tag of a symbolic link. */
export const IO_REPARSE_TAG_SYMLINK = 0xA000000C;
/** In a symbolic link's buffer: the name is relative to where the link is. */
export const SYMLINK_FLAG_RELATIVE = 1;
/** Bytes that no REPARSE_DATA_BUFFER is longer than. */
export const MAXIMUM_REPARSE_DATA_BUFFER_SIZE = 16384;
