// The list of events and the editor of the chosen one.
import { element, made } from "./dom.js";
import { isGoneThrough, saying, typed } from "./events.js";
import { clock, length } from "./time.js";
const SIGNS = {
  seizure: "✓",
  background: "✗",
  undecided: "",
  withdrawn: ""
};
const SPOKEN = {
  seizure: "marked a seizure",
  background: "marked not a seizure",
  undecided: "not marked",
  withdrawn: ""
};
const SETTLED_MS = 400;
export class Panel {
  actions;
  list;
  editor;
  onset;
  stop;
  type;
  comment;
  whole;
  settling;
  constructor(actions){
    this.actions = actions;
    this.list = element("events");
    this.editor = element("editor");
    this.onset = element("onset");
    this.stop = element("stop");
    this.type = element("type");
    this.comment = element("comment");
    this.whole = element("whole");
    this.settling = 0;
    for (const button of this.verdicts()){
      button.addEventListener("click", ()=>actions.verdict(button.dataset["verdict"]));
    }
    this.onset.addEventListener("change", ()=>actions.edge("onset_s", this.onset.valueAsNumber));
    this.stop.addEventListener("change", ()=>actions.edge("stop_s", this.stop.valueAsNumber));
    this.comment.addEventListener("change", ()=>actions.comment(this.comment.value.trim()));
    this.type.addEventListener("change", ()=>{
      clearTimeout(this.settling);
      this.settling = setTimeout(()=>this.sayType(), SETTLED_MS);
    });
    this.type.addEventListener("blur", ()=>this.sayType());
    const fields = [
      this.onset,
      this.stop,
      this.type,
      this.comment
    ];
    for (const field of fields){
      field.addEventListener("keydown", (event)=>event.key === "Enter" && field.blur());
    }
    element("withdraw").addEventListener("click", actions.withdraw);
    element("forget").addEventListener("click", actions.forget);
    element("undo").addEventListener("click", actions.undo);
    this.whole.addEventListener("change", ()=>actions.whole(this.whole.checked));
  }
  /** The types that a seizure can be given. */ offer(types) {
    const groups = [
      ...new Set(types.map((one)=>one.group))
    ].map((label)=>{
      const group = made("optgroup");
      group.label = label;
      group.append(...types.filter((one)=>one.group === label).map((one)=>new Option(one.title, one.label)));
      return group;
    });
    this.type.replaceChildren(...groups);
  }
  /** Say of what type the event is: the choice of types has the focus. */ chooseType() {
    this.type.focus();
  }
  /** Write a comment: the cursor goes to its field. */ writeComment() {
    this.comment.focus();
  }
  show(recording, events, selected, stretch, stretchLabel, canUndo) {
    element("count").textContent = events.length ? String(events.length) : "";
    element("none").hidden = events.length > 0;
    this.list.hidden = events.length === 0;
    const focused = document.activeElement?.closest("[data-event]")?.dataset["event"];
    this.list.replaceChildren(...events.map((event)=>this.row(event, event.name === selected)));
    this.button(focused)?.focus();
    this.button(selected ?? undefined)?.scrollIntoView({
      block: "nearest"
    });
    this.edit(events.find((event)=>event.name === selected) ?? null, stretch, stretchLabel);
    const done = isGoneThrough(recording);
    this.whole.checked = done !== null;
    element("annotation").textContent = annotation(recording, done !== null);
    element("undo").disabled = !canUndo;
  }
  verdicts() {
    return [
      ...this.editor.querySelectorAll("[data-verdict]")
    ];
  }
  button(name) {
    const buttons = [
      ...this.list.querySelectorAll("[data-event]")
    ];
    return buttons.find((one)=>one.dataset["event"] === name) ?? null;
  }
  row(event, chosen) {
    const item = made("li");
    const button = made("button", `${event.source} ${event.verdict}`);
    button.type = "button";
    button.dataset["event"] = event.name;
    button.ariaPressed = String(chosen);
    const kind = {
      "false alarm": "what alarm",
      missed: "what miss"
    }[event.outcome] ?? "what";
    const time = `${clock(event.onset_s)}, ${length(event.stop_s - event.onset_s)}`;
    const verdict = made("span", "verdict", SIGNS[event.verdict]);
    verdict.ariaHidden = "true";
    const said = [
      saying(event),
      typed(event)
    ].filter(Boolean).join(" · ");
    button.append(made("span", "swatch"), made("span", "", time), verdict, made("span", kind, said));
    button.ariaLabel = `${time}, ${said}, ${SPOKEN[event.verdict]}`;
    button.addEventListener("click", ()=>this.actions.choose(event));
    item.append(button);
    return item;
  }
  edit(event, stretch, stretchLabel) {
    const edges = stretch ?? event;
    this.editor.hidden = edges === null;
    if (edges === null) return;
    element("chosen").textContent = event === null ? "New event" : saying(event);
    for (const button of this.verdicts()){
      button.ariaPressed = String(button.dataset["verdict"] === event?.verdict);
      button.hidden = event === null && button.dataset["verdict"] === "undecided";
    }
    this.put(this.onset, String(Number(edges.onset_s.toFixed(4))));
    this.put(this.stop, String(Number(edges.stop_s.toFixed(4))));
    this.showType(event?.label ?? stretchLabel);
    this.type.disabled = event?.verdict === "background";
    this.put(this.comment, event?.mark?.comment ?? "");
    this.comment.disabled = event === null;
    element("provenance").textContent = event === null ? "Say what it is, and it is saved." : provenance(event.mark);
    element("withdraw").hidden = event?.source !== "reviewer";
    element("forget").hidden = event !== null;
  }
  /** Say the type that was chosen; letters that are typed run through others on their way to it. */ sayType() {
    clearTimeout(this.settling);
    this.actions.type(this.type.value);
  }
  /** A type, be it one that is not offered; not while somebody is choosing. */ showType(label) {
    if (document.activeElement === this.type) return;
    this.type.value = label;
    if (this.type.value === label) return;
    this.type.append(new Option(label, label));
    this.type.value = label;
  }
  /** A field's value, unless somebody is writing in it. */ put(field, value) {
    if (document.activeElement !== field) field.value = value;
  }
}
function provenance(mark) {
  if (mark === null) return "Nobody has marked it.";
  const when = mark.time ? `, ${mark.time.slice(0, 16).replace("T", " ")} UTC` : "";
  return `Marked by ${mark.author}${when}`;
}
function annotation(recording, done) {
  if (recording.annotation !== null) return `Corrected annotation: ${recording.annotation}`;
  if (recording.labelled) return "Corrected annotation: none yet, nothing is marked.";
  const why = recording.remark || "The recording has no annotation.";
  return done ? why : `${why} Marks become one once you have gone through all of it.`;
}
