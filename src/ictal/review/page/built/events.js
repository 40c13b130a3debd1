// Events with what was said about them, and where the next one is.
export const RECORDING = "recording";
export const UNTYPED = "sz";
/** All events of a recording in time; an event that is no longer stated but marked is one, one taken back is none. */ export function shown(recording) {
  const marks = new Map(recording.marks.map((mark)=>[
      mark.event,
      mark
    ]));
  const stated = recording.events.map((event)=>withMark(event, marks.get(event.name) ?? null));
  const names = new Set(recording.events.map((event)=>event.name));
  const others = recording.marks.filter((mark)=>mark.event !== RECORDING && !names.has(mark.event)).map((mark)=>withMark({
      ...mark,
      name: mark.event,
      outcome: ""
    }, mark));
  return [
    ...stated,
    ...others
  ].filter((event)=>event.verdict !== "withdrawn").sort((a, b)=>a.onset_s - b.onset_s || a.stop_s - b.stop_s);
}
function withMark(event, mark) {
  const { name, source, outcome } = event;
  const { onset_s, stop_s, label } = mark ?? event;
  return {
    name,
    source,
    label,
    outcome,
    onset_s,
    stop_s,
    verdict: mark?.verdict ?? "undecided",
    mark
  };
}
/** Whether an event was called a seizure or none, and not taken back. */ export function isDecided(mark) {
  return mark.verdict === "seizure" || mark.verdict === "background";
}
/** Whether a recording was gone through. */ export function isGoneThrough(recording) {
  return recording.marks.find((mark)=>mark.event === RECORDING && mark.verdict === "background") ?? null;
}
function fits(event, jump) {
  if (jump === "event") return true;
  return jump === "detection" ? event.source === "detection" : event.outcome === jump;
}
/**
 * The next event of a kind, forward or backward in time, from the chosen one or else from the page's beginning; past
 * the last it begins anew. None if there is none of the kind.
 */
export function next(events, jump, selected, from_s, step) {
  const ones = events.filter((event)=>fits(event, jump));
  if (!ones.length) return null;
  const here = events.find((event)=>event.name === selected);
  const order = (event)=>event.onset_s + 1e-6 * events.indexOf(event);
  const place = here ? order(here) : from_s - 1e-6 * step;
  const after = ones.filter((event)=>step === 1 ? order(event) > place : order(event) < place);
  return (step === 1 ? after[0] ?? ones[0] : after.at(-1) ?? ones.at(-1)) ?? null;
}
/** What happened to an event, in words. */ export function saying(event) {
  const who = {
    reference: "Reference",
    detection: "Detection",
    reviewer: "Added"
  }[event.source];
  return event.outcome ? `${who}, ${event.outcome}` : who;
}
/** An event's type, where it says more than that there is a seizure. */ export function typed(event) {
  return event.label === UNTYPED ? "" : event.label;
}
