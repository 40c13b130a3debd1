// Dialogs: the keys, and an event that two people have changed.
import { element, made } from "./dom.js";
import { typed } from "./events.js";
import { REGIONS } from "./palette.js";
import { clock } from "./time.js";
export function showKeys() {
  const legend = REGIONS.map(([colour, title])=>{
    const one = made("span", "", title);
    one.style.setProperty("--region", `var(--${colour})`);
    return one;
  });
  element("legend").replaceChildren("Colours: ", ...legend);
  element("keys").showModal();
}
/** Whether to save mine over theirs. */ export function decide(edit, theirs) {
  const dialog = element("conflict");
  element("theirs").textContent = `Theirs: ${inWords(theirs)}, by ${theirs.author} at ${theirs.time}`;
  element("mine").textContent = `Mine: ${inWords(edit.mark)}, by ${edit.mark.author}`;
  return new Promise((answer)=>{
    const close = (mine)=>{
      dialog.close();
      answer(mine);
    };
    element("keepTheirs").onclick = ()=>close(false);
    element("keepMine").onclick = ()=>close(true);
    dialog.oncancel = (event)=>event.preventDefault(); // it takes a decision
    dialog.showModal();
  });
}
function inWords(mark) {
  const verdict = {
    seizure: "a seizure",
    background: "not a seizure",
    undecided: "undecided",
    withdrawn: "taken back"
  };
  const comment = mark.comment ? `, “${mark.comment}”` : "";
  const type = mark.verdict === "seizure" && typed(mark) ? ` (${mark.label})` : "";
  return `${verdict[mark.verdict]}${type}, ${clock(mark.onset_s, 1)} to ${clock(mark.stop_s, 1)}${comment}`;
}
