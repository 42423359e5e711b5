/**
 * The little of the browser's document that the page uses, so that its types are the same in
 * every check.
 *
 * @module
 */

/** An element of the page. */
export interface PageElement {
  id: string;
  className: string;
  textContent: string;
  href: string;
  append(...parts: unknown[]): void;
}

interface PageDocument {
  getElementById(id: string): PageElement;
  createElement(tag: string): PageElement;
}

/** The page's document. */
export const document: PageDocument =
  (globalThis as unknown as { document: PageDocument }).document;

/** An element with a text. */
export function element(tag: string, text: string = "", className: string = ""): PageElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== "") made.className = className;
  return made;
}

/** A table row of texts; those from the second on are numbers but the last. */
export function row(tag: "td" | "th", texts: readonly string[], className: string): PageElement {
  const made = element("tr", "", className);
  texts.forEach((text, i) => {
    made.append(element(tag, text, i > 0 && i < texts.length - 1 ? "number" : ""));
  });
  return made;
}
