// The page's elements.

/** The element of this id, which the page has. */
export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no #${id}`);
  return found as T;
}

/** A new element with a class and a text. */
export function made<K extends keyof HTMLElementTagNameMap>(tag: K, kind = "", text = ""): HTMLElementTagNameMap[K] {
  const one = document.createElement(tag);
  if (kind) one.className = kind;
  if (text) one.textContent = text;
  return one;
}

/** Options of a choice; the value stays if it is still one of them. */
export function fill(select: HTMLSelectElement, options: [string, string][], value: string): void {
  select.replaceChildren(...options.map(([own, title]) => new Option(title, own)));
  select.value = value;
}
