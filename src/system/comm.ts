/**
 * Serial lines, in Microsoft's numbers: the layout of DCB and COMMTIMEOUTS, the
 * events of WaitCommEvent, the functions of EscapeCommFunction and what else their
 * calls take.
 *
 * @module
 */

/** Bytes of a DCB. */
export const DCB_BYTES = 28;
/** Where the fields of a DCB lie: 32 bits each, the last ones 8. */
export const DCB_LENGTH = 0;
/** Bits a second. */
export const DCB_BAUD_RATE = 4;
/** A word of bits; see `DCB_F_…`. */
export const DCB_FLAGS = 8;
/** Data bits, 5 to 8. */
export const DCB_BYTE_SIZE = 18;
/** One of the `…PARITY` values. */
export const DCB_PARITY = 19;
/** One of the `…STOPBIT…` values. */
export const DCB_STOP_BITS = 20;
/** The characters of software flow control. */
export const DCB_XON_CHAR = 21;
/** See {@linkcode DCB_XON_CHAR}. */
export const DCB_XOFF_CHAR = 22;

/** Always set. */
export const DCB_F_BINARY = 0x1;
/** Parity is checked. */
export const DCB_F_PARITY = 0x2;
/** Sending stops while CTS is off. */
export const DCB_F_OUTX_CTS_FLOW = 0x4;
/** Sending stops while DSR is off. */
export const DCB_F_OUTX_DSR_FLOW = 0x8;
/** Two bits: DTR is off, on, or says that there is room. */
export const DCB_DTR_SHIFT = 4;
/** What comes while DSR is off is dropped. */
export const DCB_F_DSR_SENSITIVITY = 0x40;
/** Sending goes on when XOFF was sent. */
export const DCB_F_TX_CONTINUE_ON_XOFF = 0x80;
/** Sending stops at XOFF. */
export const DCB_F_OUT_X = 0x100;
/** XOFF is sent when there is no room. */
export const DCB_F_IN_X = 0x200;
/** What has a wrong parity is replaced. */
export const DCB_F_ERROR_CHAR = 0x400;
/** Zeros are dropped. */
export const DCB_F_NULL = 0x800;
/** Two bits: RTS is off, on, says that there is room, or is on while sending. */
export const DCB_RTS_SHIFT = 12;
/** An error ends everything until it is cleared. */
export const DCB_F_ABORT_ON_ERROR = 0x4000;
/** Values of the two bits of DTR and RTS. */
export const CONTROL_DISABLE = 0;
/** See {@linkcode CONTROL_DISABLE}. */
export const CONTROL_ENABLE = 1;
/** See {@linkcode CONTROL_DISABLE}. */
export const CONTROL_HANDSHAKE = 2;

/** No parity bit. */
export const NOPARITY = 0;
/** The bits and the parity bit have an odd sum. */
export const ODDPARITY = 1;
/** The bits and the parity bit have an even sum. */
export const EVENPARITY = 2;
/** The parity bit is always set. */
export const MARKPARITY = 3;
/** The parity bit is never set. */
export const SPACEPARITY = 4;
/** One stop bit. */
export const ONESTOPBIT = 0;
/** One and a half. */
export const ONE5STOPBITS = 1;
/** Two. */
export const TWOSTOPBITS = 2;

/** Bytes of a COMMTIMEOUTS: five numbers of 32 bits, in milliseconds. */
export const COMMTIMEOUTS_BYTES = 20;
/** The largest number of 32 bits, which means things of its own in a COMMTIMEOUTS. */
export const MAXDWORD = 0xFFFFFFFF;

/** Bytes have come. */
export const EV_RXCHAR = 0x1;
/** The event character has come. Windows only. */
export const EV_RXFLAG = 0x2;
/** The last byte has been sent. */
export const EV_TXEMPTY = 0x4;
/** CTS has changed. */
export const EV_CTS = 0x8;
/** DSR has changed. */
export const EV_DSR = 0x10;
/** The carrier (RLSD, also called DCD) has come or gone. */
export const EV_RLSD = 0x20;
/** A break has come. */
export const EV_BREAK = 0x40;
/** A framing, overrun or parity error. */
export const EV_ERR = 0x80;
/** The ring line has changed. */
export const EV_RING = 0x100;

/** Of GetCommModemStatus: the line is on. */
export const MS_CTS_ON = 0x10;
/** See {@linkcode MS_CTS_ON}. */
export const MS_DSR_ON = 0x20;
/** See {@linkcode MS_CTS_ON}. */
export const MS_RING_ON = 0x40;
/** See {@linkcode MS_CTS_ON}. */
export const MS_RLSD_ON = 0x80;

/** Of EscapeCommFunction: as if XOFF had come. */
export const SETXOFF = 1;
/** As if XON had come. */
export const SETXON = 2;
/** RTS on. */
export const SETRTS = 3;
/** RTS off. */
export const CLRRTS = 4;
/** DTR on. */
export const SETDTR = 5;
/** DTR off. */
export const CLRDTR = 6;
/** A break begins. */
export const SETBREAK = 8;
/** The break ends. */
export const CLRBREAK = 9;

/** Of PurgeComm: writes in flight end with ERROR_OPERATION_ABORTED (995). */
export const PURGE_TXABORT = 0x1;
/** Reads in flight end with ERROR_OPERATION_ABORTED (995). */
export const PURGE_RXABORT = 0x2;
/** What was not sent yet is dropped. */
export const PURGE_TXCLEAR = 0x4;
/** What was not read yet is dropped. */
export const PURGE_RXCLEAR = 0x8;
