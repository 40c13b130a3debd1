// The list of events and the editor of the chosen one.

import type { Mark, Recording, Verdict } from "./api.ts";
import { element, made } from "./dom.ts";
import { isGoneThrough, saying, type Shown } from "./events.ts";
import type { Stretch } from "./state.ts";
import { clock, length } from "./time.ts";

const SIGNS: Record<Verdict, string> = { seizure: "✓", background: "✗", undecided: "", withdrawn: "" };
const SPOKEN: Record<Verdict, string> = {
  seizure: "marked a seizure",
  background: "marked not a seizure",
  undecided: "not marked",
  withdrawn: "",
};

export interface Actions {
  choose(event: Shown): void;
  verdict(verdict: Verdict): void;
  edge(which: "onset_s" | "stop_s", value_s: number): void;
  comment(text: string): void;
  withdraw(): void;
  forget(): void;
  whole(done: boolean): void;
  undo(): void;
}

export class Panel {
  private readonly list = element("events");
  private readonly editor = element("editor");
  private readonly onset = element<HTMLInputElement>("onset");
  private readonly stop = element<HTMLInputElement>("stop");
  private readonly comment = element<HTMLInputElement>("comment");
  private readonly whole = element<HTMLInputElement>("whole");

  constructor(private readonly actions: Actions) {
    for (const button of this.verdicts()) {
      button.addEventListener("click", () => actions.verdict(button.dataset["verdict"] as Verdict));
    }
    this.onset.addEventListener("change", () => actions.edge("onset_s", this.onset.valueAsNumber));
    this.stop.addEventListener("change", () => actions.edge("stop_s", this.stop.valueAsNumber));
    this.comment.addEventListener("change", () => actions.comment(this.comment.value.trim()));
    for (const field of [this.onset, this.stop, this.comment]) {
      field.addEventListener("keydown", (event) => event.key === "Enter" && field.blur());
    }
    element("withdraw").addEventListener("click", actions.withdraw);
    element("forget").addEventListener("click", actions.forget);
    element("undo").addEventListener("click", actions.undo);
    this.whole.addEventListener("change", () => actions.whole(this.whole.checked));
  }

  /** Write a comment: the cursor goes to its field. */
  writeComment(): void {
    this.comment.focus();
  }

  show(
    recording: Recording,
    events: Shown[],
    selected: string | null,
    stretch: Stretch | null,
    canUndo: boolean,
  ): void {
    element("count").textContent = events.length ? String(events.length) : "";
    element("none").hidden = events.length > 0;
    this.list.hidden = events.length === 0;
    const focused = document.activeElement?.closest<HTMLElement>("[data-event]")?.dataset["event"];
    this.list.replaceChildren(...events.map((event) => this.row(event, event.name === selected)));
    this.button(focused)?.focus();
    this.button(selected ?? undefined)?.scrollIntoView({ block: "nearest" });
    this.edit(events.find((event) => event.name === selected) ?? null, stretch);
    const done = isGoneThrough(recording);
    this.whole.checked = done !== null;
    element("annotation").textContent = annotation(recording, done !== null);
    element<HTMLButtonElement>("undo").disabled = !canUndo;
  }

  private verdicts(): HTMLButtonElement[] {
    return [...this.editor.querySelectorAll<HTMLButtonElement>("[data-verdict]")];
  }

  private button(name: string | undefined): HTMLElement | null {
    const buttons = [...this.list.querySelectorAll<HTMLElement>("[data-event]")];
    return buttons.find((one) => one.dataset["event"] === name) ?? null;
  }

  private row(event: Shown, chosen: boolean): HTMLElement {
    const item = made("li");
    const button = made("button", `${event.source} ${event.verdict}`);
    button.type = "button";
    button.dataset["event"] = event.name;
    button.ariaPressed = String(chosen);
    const kind = { "false alarm": "what alarm", missed: "what miss" }[event.outcome as string] ?? "what";
    const time = `${clock(event.onset_s)}, ${length(event.stop_s - event.onset_s)}`;
    const verdict = made("span", "verdict", SIGNS[event.verdict]);
    verdict.ariaHidden = "true";
    button.append(made("span", "swatch"), made("span", "", time), verdict, made("span", kind, saying(event)));
    button.ariaLabel = `${time}, ${saying(event)}, ${SPOKEN[event.verdict]}`;
    button.addEventListener("click", () => this.actions.choose(event));
    item.append(button);
    return item;
  }

  private edit(event: Shown | null, stretch: Stretch | null): void {
    const edges = stretch ?? event;
    this.editor.hidden = edges === null;
    if (edges === null) return;
    element("chosen").textContent = event === null ? "New event" : `${saying(event)} · ${event.label}`;
    for (const button of this.verdicts()) {
      button.ariaPressed = String(button.dataset["verdict"] === event?.verdict);
      button.hidden = event === null && button.dataset["verdict"] === "undecided";
    }
    this.put(this.onset, String(Number(edges.onset_s.toFixed(4))));
    this.put(this.stop, String(Number(edges.stop_s.toFixed(4))));
    this.put(this.comment, event?.mark?.comment ?? "");
    this.comment.disabled = event === null;
    element("provenance").textContent = event === null ? "Say what it is, and it is saved." : provenance(event.mark);
    element("withdraw").hidden = event?.source !== "reviewer";
    element("forget").hidden = event !== null;
  }

  /** A field's value, unless somebody is writing in it. */
  private put(field: HTMLInputElement, value: string): void {
    if (document.activeElement !== field) field.value = value;
  }
}

function provenance(mark: Mark | null): string {
  if (mark === null) return "Nobody has marked it.";
  const when = mark.time ? `, ${mark.time.slice(0, 16).replace("T", " ")} UTC` : "";
  return `Marked by ${mark.author}${when}`;
}

function annotation(recording: Recording, done: boolean): string {
  if (recording.annotation !== null) return `Corrected annotation: ${recording.annotation}`;
  if (recording.labelled) return "Corrected annotation: none yet, nothing is marked.";
  const why = recording.remark || "The recording has no annotation.";
  return done ? why : `${why} Marks become one once you have gone through all of it.`;
}
