// What the server says, as it says it; see review/server.py.

export type Source = "reference" | "detection" | "reviewer";
export type Outcome = "found" | "missed" | "hit" | "false alarm" | "";
export type Verdict = "undecided" | "seizure" | "background" | "withdrawn";

export interface Row {
  number: number;
  id: string;
  patient: string;
  duration_s: number;
  labelled: boolean;
  remark: string;
  reference: number;
  detections: number;
  false_alarms: number;
  missed: number;
  marked: number;
  reviewed: boolean;
}

/** A word that HED-SCORE has for seizures, with what it means. */
export interface SeizureType {
  label: string;
  title: string;
  group: string;
}

export interface WorkList {
  title: string;
  /** The folder that marks are kept in. */
  marks: string;
  author: string;
  types: SeizureType[];
  threshold: number | null;
  recordings: Row[];
  aside: { id: string; reason: string }[];
}

export interface Channel {
  name: string;
  region: string;
  validity: "measured" | "interpolated" | "absent";
}

export interface Montage {
  name: string;
  title: string;
  rate_hz: number;
  samples: number;
  channels: Channel[];
}

export interface StatedEvent {
  name: string;
  source: Source;
  onset_s: number;
  stop_s: number;
  label: string;
  outcome: Outcome;
}

export interface Mark {
  event: string;
  source: Source;
  onset_s: number;
  stop_s: number;
  label: string;
  verdict: Verdict;
  comment: string;
  author: string;
  edit: string;
  time: string;
  revision: number;
}

export interface Marks {
  revision: number;
  marks: Mark[];
  annotation: string | null;
}

export interface Recording extends Row, Omit<Marks, "marks"> {
  marks: Mark[];
  start: string | null;
  notes: string[];
  montages: Montage[];
  tile_columns: number;
  factors: number[];
  events: StatedEvent[];
  steps_hz: number | null;
  uncertain: [number, number][];
}

/** A montage and the filters before it; Infinity is no upper edge. */
export interface View {
  montage: string;
  low_hz: number;
  high_hz: number;
  notch_hz: number;
}

export interface Overview {
  factor: number;
  done: number;
  blocks: number;
  pairs: Float32Array;
}

export class Refused extends Error {}

export function query(view: View): string {
  const high = Number.isFinite(view.high_hz) ? `&high_hz=${view.high_hz}` : "";
  return `montage=${encodeURIComponent(view.montage)}&low_hz=${view.low_hz}${high}&notch_hz=${view.notch_hz}`;
}

export async function workList(): Promise<WorkList> {
  return await document_("/api/list");
}

export async function recording(number: number): Promise<Recording> {
  return await document_(`/api/recordings/${number}`);
}

export async function marks(number: number): Promise<Marks> {
  return await document_(`/api/recordings/${number}/marks`);
}

export async function tile(number: number, view: View, factor: number, place: number): Promise<Float32Array> {
  return await floats(await answered(`/api/recordings/${number}/tiles/${factor}/${place}?${query(view)}`));
}

export async function probability(number: number): Promise<Float32Array> {
  return await floats(await answered(`/api/recordings/${number}/probability`));
}

export async function overview(number: number, view: View, columns: number): Promise<Overview> {
  const answer = await answered(`/api/recordings/${number}/overview?columns=${columns}&${query(view)}`);
  const header = (name: string) => Number(answer.headers.get(`Overview-${name}`));
  return { factor: header("Factor"), done: header("Done"), blocks: header("Blocks"), pairs: await floats(answer) };
}

/** What became of an edit: written, or refused since somebody else was first. */
export async function send(number: number, mark: Omit<Mark, "time" | "revision">, seen: number): Promise<
  { written: Mark | null; conflict: Mark | null; marks: Marks }
> {
  const answer = await fetch(`/api/recordings/${number}/marks`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...mark, seen }),
  });
  if (answer.status !== 409) await refuse(answer);
  const said = await answer.json();
  return { written: said.written ?? null, conflict: said.conflict ?? null, marks: said };
}

async function document_<T>(path: string): Promise<T> {
  return await (await answered(path)).json();
}

async function answered(path: string): Promise<Response> {
  const answer = await fetch(path);
  await refuse(answer);
  return answer;
}

async function floats(answer: Response): Promise<Float32Array> {
  return new Float32Array(await answer.arrayBuffer());
}

/** Throws what the server said against a request, if it did. */
async function refuse(answer: Response): Promise<void> {
  if (answer.ok) return;
  if (answer.status !== 400) throw new Error(`The server answered ${answer.status}`);
  const said = await answer.json();
  throw new Refused(`${said.what} (${said.where}): got ${said.got}, expected ${said.expected}`);
}
