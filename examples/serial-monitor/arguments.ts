/**
 * The command line.
 *
 * @module
 */

import type { SerialOptions } from "../../mod.ts";
import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";

/** How to watch. */
export interface MonitorOptions {
  /** How the line is opened. */
  readonly serial: SerialOptions;
  /** Whether bytes are shown as numbers. */
  readonly hex: boolean;
  /** Whether each line is shown with its time. */
  readonly times: boolean;
  /** Whether changes of the modem lines, breaks and errors are told. */
  readonly events: boolean;
  /** What a line that is typed ends with when it is sent. */
  readonly ending: string;
}

/** What the command line asks for. */
export type Command = {
  readonly kind: "watch";
  readonly path: string;
  readonly options: MonitorOptions;
};

const ENDINGS: Readonly<Record<string, string>> = { lf: "\n", cr: "\r", crlf: "\r\n", none: "" };

/** The settings that are one of a few words. */
const CHOICES = {
  data: ["5", "6", "7", "8"],
  parity: ["none", "odd", "even", "mark", "space"],
  stop: ["1", "1.5", "2"],
  flow: ["none", "hardware", "software"],
  end: Object.keys(ENDINGS),
} as const;

/** What `--help` prints. */
export const HELP = `Usage: serial-monitor [options] LINE

Shows what comes on a serial line, COM3 or /dev/ttyUSB0, and sends what is typed, line
by line, until Ctrl-C. LINE is opened for this program alone.

Options:
  -s, --speed N   bits a second (115200)
  --data N        data bits: ${CHOICES.data.join(", ")} (8)
  --parity WORD   ${CHOICES.parity.join(", ")} (none)
  --stop N        stop bits: ${CHOICES.stop.join(", ")} (1); 1.5 with five data bits only
  --flow WORD     flow control: ${CHOICES.flow.join(", ")} (none)
  --end WORD      how a typed line ends: ${CHOICES.end.join(", ")} (lf)
  -x, --hex       show bytes as numbers, sixteen a line
  -t, --times     show when each line came
  -e, --events    tell changes of the modem lines, breaks and errors
  -h, --help      print this

What comes goes to standard output as it is, everything else to standard error.

Exit status: 1 the line cannot be opened or is gone, 2 the command line is wrong, 128 + N
on signal N: 130 after Ctrl-C.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, {
    speed: { type: "string", short: "s", default: "115200" },
    data: { type: "string", default: "8" },
    parity: { type: "string", default: "none" },
    stop: { type: "string", default: "1" },
    flow: { type: "string", default: "none" },
    end: { type: "string", default: "lf" },
    hex: { type: "boolean", short: "x", default: false },
    times: { type: "boolean", short: "t", default: false },
    events: { type: "boolean", short: "e", default: false },
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals } = parsed;
  const speed = /^\d{1,9}$/.test(values.speed) ? Number(values.speed) : 0;
  if (speed === 0) return mistake(`--speed takes bits a second, not '${values.speed}'`);
  for (const [name, words] of Object.entries(CHOICES)) {
    const word = values[name as keyof typeof CHOICES];
    if (!(words as readonly string[]).includes(word)) {
      return mistake(`--${name} takes one of ${words.join(", ")}, not '${word}'`);
    }
  }
  if (values.stop === (values.data === "5" ? "2" : "1.5")) {
    return mistake(`--stop ${values.stop} does not go with --data ${values.data}`);
  }
  if (positionals.length !== 1 || positionals[0] === "") {
    return mistake(`one LINE is needed, and ${positionals.length} given`);
  }
  const serial = {
    speed,
    dataBits: Number(values.data),
    parity: values.parity,
    stopBits: Number(values.stop),
    flowControl: values.flow,
  } as SerialOptions;
  const { hex, times, events } = values;
  const options = { serial, hex, times, events, ending: ENDINGS[values.end] };
  return { kind: "watch", path: positionals[0], options };
}
