// What a reviewer can say, as edits; the page shows them at once and the server confirms them.
import { RECORDING } from "./events.js";
import { unique } from "./saving.js";
export class Marking {
  state;
  saver;
  author;
  changed;
  /** What to say again to take back the last edits: recording and draft. */ undoable;
  constructor(state, saver, author, changed){
    this.state = state;
    this.saver = saver;
    this.author = author;
    this.changed = changed;
    this.undoable = [];
  }
  get canUndo() {
    return this.undoable.some(([id])=>id === this.state.recording?.id);
  }
  change(event, change) {
    const before = draftOf(event);
    const after = {
      ...before,
      ...change
    };
    const described = after.onset_s !== before.onset_s || after.stop_s !== before.stop_s || after.label !== before.label;
    // Whoever says where a seizure begins and ends, or of what type it is, says that it is one.
    if (described && before.verdict === "undecided" && change.verdict === undefined) after.verdict = "seizure";
    if (JSON.stringify(after) !== JSON.stringify(before)) this.put(after, before);
  }
  /** Add an event; returns its name. */ add(stretch, label, verdict) {
    const event = `reviewer:${unique()}`;
    const draft = {
      event,
      source: "reviewer",
      ...stretch,
      label,
      verdict,
      comment: ""
    };
    this.put(draft, {
      ...draft,
      verdict: "withdrawn"
    });
    return event;
  }
  /** Say that the whole recording was gone through, or not. */ whole(done) {
    const stop_s = this.state.duration_s;
    const draft = {
      event: RECORDING,
      source: "reviewer",
      onset_s: 0,
      stop_s,
      label: "bckg",
      verdict: done ? "background" : "undecided",
      comment: ""
    };
    this.put(draft, {
      ...draft,
      verdict: done ? "undecided" : "background"
    });
  }
  /** Take the last edit of this recording back; returns the event's name. */ undo() {
    const place = this.undoable.findLastIndex(([id])=>id === this.state.recording?.id);
    if (place < 0) return null;
    const [[, draft]] = this.undoable.splice(place, 1);
    this.put(draft, null);
    return draft.event;
  }
  /** Marks as the server has them, with what is not confirmed yet on top. */ learn(recording, known) {
    recording.revision = known.revision;
    recording.annotation = known.annotation;
    recording.marks = known.marks;
    for (const edit of this.saver.unsaved(recording.id))this.apply(recording, edit);
  }
  put(draft, before) {
    const recording = this.state.recording;
    if (recording === null) return;
    if (before !== null) this.undoable.push([
      recording.id,
      before
    ]);
    const seen = recording.marks.find((mark)=>mark.event === draft.event)?.revision ?? 0;
    const mark = {
      ...draft,
      author: this.author(),
      edit: unique()
    };
    this.apply(recording, this.saver.add({
      id: recording.id,
      mark,
      seen
    }));
    this.changed();
  }
  apply(recording, edit) {
    const others = recording.marks.filter((mark)=>mark.event !== edit.mark.event);
    recording.marks = [
      ...others,
      {
        ...edit.mark,
        time: "",
        revision: edit.seen
      }
    ];
  }
}
function draftOf(event) {
  const { name, source, onset_s, stop_s, label, verdict, mark } = event;
  return {
    event: name,
    source,
    onset_s,
    stop_s,
    label,
    verdict,
    comment: mark?.comment ?? ""
  };
}
