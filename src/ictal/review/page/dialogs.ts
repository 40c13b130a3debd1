// Dialogs: the keys, and an event that two people have changed.

import type { Mark } from "./api.ts";
import { element, made } from "./dom.ts";
import { typed } from "./events.ts";
import { REGIONS } from "./palette.ts";
import type { Edit } from "./saving.ts";
import { clock } from "./time.ts";

export function showKeys(): void {
  const legend = REGIONS.map(([colour, title]) => {
    const one = made("span", "", title);
    one.style.setProperty("--region", `var(--${colour})`);
    return one;
  });
  element("legend").replaceChildren("Colours: ", ...legend);
  element<HTMLDialogElement>("keys").showModal();
}

/** Whether to save mine over theirs. */
export function decide(edit: Edit, theirs: Mark): Promise<boolean> {
  const dialog = element<HTMLDialogElement>("conflict");
  element("theirs").textContent = `Theirs: ${inWords(theirs)}, by ${theirs.author} at ${theirs.time}`;
  element("mine").textContent = `Mine: ${inWords(edit.mark)}, by ${edit.mark.author}`;
  return new Promise((answer) => {
    const close = (mine: boolean) => {
      dialog.close();
      answer(mine);
    };
    element("keepTheirs").onclick = () => close(false);
    element("keepMine").onclick = () => close(true);
    dialog.oncancel = (event) => event.preventDefault(); // it takes a decision
    dialog.showModal();
  });
}

function inWords(mark: Pick<Mark, "verdict" | "onset_s" | "stop_s" | "label" | "comment">): string {
  const verdict = {
    seizure: "a seizure",
    background: "not a seizure",
    undecided: "undecided",
    withdrawn: "taken back",
  };
  const comment = mark.comment ? `, “${mark.comment}”` : "";
  const type = mark.verdict === "seizure" && typed(mark) ? ` (${mark.label})` : "";
  return `${verdict[mark.verdict]}${type}, ${clock(mark.onset_s, 1)} to ${clock(mark.stop_s, 1)}${comment}`;
}
