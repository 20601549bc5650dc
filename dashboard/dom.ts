/** Elements of the page. Data only ever becomes text or a property: nothing here reads markup. */

type Child = Node | string | null;

/** An element of index.html. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as Kind;
}

/** A new element with a class and children; a string becomes text, null nothing. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Leaves what is right alone: most texts have not changed since the last frame, and a selection survives. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Shows the sentence, or hides its place when there is none. */
export function setNote(target: HTMLElement, text: string): void {
  setText(target, text);
  target.hidden = text === '';
}

/** A term with its text, for a description list. */
export function fact(name: string, value: string): HTMLElement {
  return make('div', '', make('dt', '', name), make('dd', '', value));
}
