// What the server says, as it says it; see review/server.py.
export class Refused extends Error {
}
export function query(view) {
  const high = Number.isFinite(view.high_hz) ? `&high_hz=${view.high_hz}` : "";
  return `montage=${encodeURIComponent(view.montage)}&low_hz=${view.low_hz}${high}&notch_hz=${view.notch_hz}`;
}
export async function workList() {
  return await document_("/api/list");
}
export async function recording(number) {
  return await document_(`/api/recordings/${number}`);
}
export async function marks(number) {
  return await document_(`/api/recordings/${number}/marks`);
}
export async function tile(number, view, factor, place) {
  return await floats(await answered(`/api/recordings/${number}/tiles/${factor}/${place}?${query(view)}`));
}
export async function probability(number) {
  return await floats(await answered(`/api/recordings/${number}/probability`));
}
export async function overview(number, view, columns) {
  const answer = await answered(`/api/recordings/${number}/overview?columns=${columns}&${query(view)}`);
  const header = (name)=>Number(answer.headers.get(`Overview-${name}`));
  return {
    factor: header("Factor"),
    done: header("Done"),
    blocks: header("Blocks"),
    pairs: await floats(answer)
  };
}
/** What became of an edit: written, or refused since somebody else was first. */ export async function send(number, mark, seen) {
  const answer = await fetch(`/api/recordings/${number}/marks`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json"
    },
    body: JSON.stringify({
      ...mark,
      seen
    })
  });
  if (answer.status !== 409) await refuse(answer);
  const said = await answer.json();
  return {
    written: said.written ?? null,
    conflict: said.conflict ?? null,
    marks: said
  };
}
async function document_(path) {
  return await (await answered(path)).json();
}
async function answered(path) {
  const answer = await fetch(path);
  await refuse(answer);
  return answer;
}
async function floats(answer) {
  return new Float32Array(await answer.arrayBuffer());
}
/** Throws what the server said against a request, if it did. */ async function refuse(answer) {
  if (answer.ok) return;
  if (answer.status !== 400) throw new Error(`The server answered ${answer.status}`);
  const said = await answer.json();
  throw new Refused(`${said.what} (${said.where}): got ${said.got}, expected ${said.expected}`);
}
