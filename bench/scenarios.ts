/**
 * All scenarios, in the order in which they are run.
 *
 * @module
 */

import type { Scenario } from "./scenario.ts";
import { postTake } from "./scenarios/post-take.ts";
import { copy } from "./scenarios/copy.ts";
import { randomRead } from "./scenarios/random-read.ts";
import { tasks } from "./scenarios/tasks.ts";

/** Each once. */
export const SCENARIOS: readonly Scenario[] = [postTake, tasks, randomRead, copy];
