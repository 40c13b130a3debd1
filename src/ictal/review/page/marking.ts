// What a reviewer can say, as edits; the page shows them at once and the server confirms them.

import type { Mark, Marks, Recording, Verdict } from "./api.ts";
import { RECORDING, type Shown } from "./events.ts";
import { type Edit, type Saver, unique } from "./saving.ts";
import type { State, Stretch } from "./state.ts";

type Draft = Pick<Mark, "event" | "source" | "onset_s" | "stop_s" | "label" | "verdict" | "comment">;

export class Marking {
  /** What to say again to take back the last edits: recording and draft. */
  private readonly undoable: [string, Draft][] = [];

  constructor(
    private readonly state: State,
    private readonly saver: Saver,
    private readonly author: () => string,
    private readonly changed: () => void,
  ) {}

  get canUndo(): boolean {
    return this.undoable.some(([id]) => id === this.state.recording?.id);
  }

  change(event: Shown, change: Partial<Pick<Draft, "verdict" | "onset_s" | "stop_s" | "label" | "comment">>): void {
    const before = draftOf(event);
    const after = { ...before, ...change };
    const described = after.onset_s !== before.onset_s || after.stop_s !== before.stop_s || after.label !== before.label;
    // Whoever says where a seizure begins and ends, or of what type it is, says that it is one.
    if (described && before.verdict === "undecided" && change.verdict === undefined) after.verdict = "seizure";
    if (JSON.stringify(after) !== JSON.stringify(before)) this.put(after, before);
  }

  /** Add an event; returns its name. */
  add(stretch: Stretch, label: string, verdict: Verdict): string {
    const event = `reviewer:${unique()}`;
    const draft: Draft = { event, source: "reviewer", ...stretch, label, verdict, comment: "" };
    this.put(draft, { ...draft, verdict: "withdrawn" });
    return event;
  }

  /** Say that the whole recording was gone through, or not. */
  whole(done: boolean): void {
    const stop_s = this.state.duration_s;
    const draft: Draft = {
      event: RECORDING,
      source: "reviewer",
      onset_s: 0,
      stop_s,
      label: "bckg",
      verdict: done ? "background" : "undecided",
      comment: "",
    };
    this.put(draft, { ...draft, verdict: done ? "undecided" : "background" });
  }

  /** Take the last edit of this recording back; returns the event's name. */
  undo(): string | null {
    const place = this.undoable.findLastIndex(([id]) => id === this.state.recording?.id);
    if (place < 0) return null;
    const [[, draft]] = this.undoable.splice(place, 1) as [[string, Draft]];
    this.put(draft, null);
    return draft.event;
  }

  /** Marks as the server has them, with what is not confirmed yet on top. */
  learn(recording: Recording, known: Marks): void {
    recording.revision = known.revision;
    recording.annotation = known.annotation;
    recording.marks = known.marks;
    for (const edit of this.saver.unsaved(recording.id)) this.apply(recording, edit);
  }

  private put(draft: Draft, before: Draft | null): void {
    const recording = this.state.recording;
    if (recording === null) return;
    if (before !== null) this.undoable.push([recording.id, before]);
    const seen = recording.marks.find((mark) => mark.event === draft.event)?.revision ?? 0;
    const mark = { ...draft, author: this.author(), edit: unique() };
    this.apply(recording, this.saver.add({ id: recording.id, mark, seen }));
    this.changed();
  }

  private apply(recording: Recording, edit: Edit): void {
    const others = recording.marks.filter((mark) => mark.event !== edit.mark.event);
    recording.marks = [...others, { ...edit.mark, time: "", revision: edit.seen }];
  }
}

function draftOf(event: Shown): Draft {
  const { name, source, onset_s, stop_s, label, verdict, mark } = event;
  return { event: name, source, onset_s, stop_s, label, verdict, comment: mark?.comment ?? "" };
}
