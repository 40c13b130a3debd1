// Keys: what each does, said once for the handler and for the list that `?` shows.

import { element, made } from "./dom.ts";

export interface Binding {
  keys: string[];
  shown: string;
  what: string;
  act: () => void;
}

const STORED = "ictal-review-single-keys";
const WRITING = "input:not([type=checkbox]), select, textarea, [contenteditable]";
const MOVING = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "]);

/**
 * Act on keys wherever the focus is, but not in text fields and open dialogs, and not on keys that the focused element
 * needs itself: arrows where something else than the EEG has the focus, the space bar on a button.
 */
export function listen(bindings: Binding[], stage: HTMLElement): void {
  const single = element<HTMLInputElement>("single");
  single.checked = localStorage.getItem(STORED) !== "no";
  single.addEventListener("change", () => localStorage.setItem(STORED, single.checked ? "yes" : "no"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = event.target as HTMLElement;
    const onStage = target === document.body || target === stage;
    if (target.matches(WRITING) || (!onStage && (MOVING.has(event.key) || !single.checked))) return;
    const binding = bindings.find((one) => one.keys.includes(event.key));
    if (binding === undefined) return;
    event.preventDefault();
    binding.act();
  });
  element("keyTable").replaceChildren(...bindings.filter((one) => one.what).map(row));
}

function row(binding: Binding): HTMLElement {
  const one = made("div");
  const keys = made("span");
  for (const key of binding.shown.split(" ")) keys.append(made("kbd", "", key), " ");
  one.append(made("span", "", binding.what), keys);
  return one;
}
