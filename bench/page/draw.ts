/**
 * The page's script: reads the report that lies in the page and draws it.
 *
 * @module
 */

import type { Report } from "../report.ts";
import { caseParts, plotParts } from "./figures.ts";
import { document, element } from "./elements.ts";

const report = JSON.parse(document.getElementById("report").textContent) as Report;
const page = document.getElementById("page");

page.append(
  element("h1", "I/O completion ports: what they do a second"),
  element(
    "p",
    `${report.runtime} on ${report.system}, ${report.processors} × ${report.processor}, ${
      (report.memoryBytes / 2 ** 30).toFixed(0)
    } GiB, ${report.when.slice(0, 10)}.`,
    "setting",
  ),
  element(
    "p",
    `${report.command}: ${report.rounds} rounds, in each of which every contender has its turn; ` +
      "before them one pass of each that does not count. A bar ends at the median, the line through its " +
      "end goes from the lowest to the highest round. “Ours is” compares the two of each round " +
      "and gives the median of that.",
    "setting",
  ),
);
if (report.isSmoke) page.append(element("p", "A smoke run: these are no figures.", "missed"));

const links = element("nav");
page.append(links);
for (const { name, title, about, cases } of report.scenarios) {
  const link = element("a", name);
  link.href = `#${name}`;
  links.append(link);
  const head = element("h2", `${name}: ${title}`);
  head.id = name;
  page.append(head, element("p", about));
  const plots = Map.groupBy(cases.filter(({ point }) => point), ({ point }) => point!.plot);
  for (const [plot, points] of plots) page.append(...plotParts(plot, points));
  for (const one of cases.filter(({ point }) => !point)) page.append(...caseParts(one));
}
