/**
 * All scenarios, in the order in which they are run.
 *
 * @module
 */

import type { Scenario } from "./scenario.ts";
import { copy } from "./scenarios/copy.ts";
import { datagrams } from "./scenarios/datagrams.ts";
import { echo } from "./scenarios/echo.ts";
import { http } from "./scenarios/http.ts";
import { overhead } from "./scenarios/overhead.ts";
import { postTake } from "./scenarios/post-take.ts";
import { randomRead } from "./scenarios/random-read.ts";
import { scale } from "./scenarios/scale.ts";
import { tasks } from "./scenarios/tasks.ts";
import { watch } from "./scenarios/watch.ts";

/** Each once. */
export const SCENARIOS: readonly Scenario[] = [
  postTake,
  tasks,
  randomRead,
  copy,
  watch,
  scale,
  echo,
  datagrams,
  http,
  overhead,
];
