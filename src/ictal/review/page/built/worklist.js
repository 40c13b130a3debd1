// The work list: every recording a row, sorted by any column.
import { element, made } from "./dom.js";
import { clock } from "./time.js";
const count = (value)=>value ? String(value) : "·";
const COLUMNS = [
  {
    title: "Recording",
    spoken: "Recording",
    key: (row)=>row.id,
    text: (row)=>row.id
  },
  {
    title: "Length",
    spoken: "Length",
    key: (row)=>row.duration_s,
    text: (row)=>clock(row.duration_s)
  },
  {
    title: "Ref",
    spoken: "Reference events",
    key: (row)=>row.labelled ? row.reference : -1,
    text: (row)=>row.labelled ? count(row.reference) : "?",
    kind: (row)=>row.labelled ? "" : "unlabelled"
  },
  {
    title: "Det",
    spoken: "Detections",
    key: (row)=>row.detections,
    text: (row)=>count(row.detections)
  },
  {
    title: "FA",
    spoken: "False alarms",
    key: (row)=>row.false_alarms,
    text: (row)=>count(row.false_alarms),
    kind: (row)=>row.false_alarms ? "alarm" : ""
  },
  {
    title: "Miss",
    spoken: "Missed seizures",
    key: (row)=>row.missed,
    text: (row)=>count(row.missed),
    kind: (row)=>row.missed ? "miss" : ""
  },
  {
    title: "Done",
    spoken: "Gone through, or number of events marked true or false",
    key: (row)=>row.reviewed ? 1e9 : row.marked,
    text: (row)=>row.reviewed ? "✓" : count(row.marked),
    kind: (row)=>row.reviewed ? "done" : ""
  }
];
export class WorkListTable {
  open;
  rows;
  sorted;
  ascending;
  current;
  body;
  find;
  headers;
  constructor(open){
    this.open = open;
    this.rows = [];
    this.sorted = 0;
    this.ascending = true;
    this.current = -1;
    this.body = element("recordings");
    this.find = element("find");
    this.headers = COLUMNS.map((column, place)=>this.header(column, place));
    element("columns").replaceChildren(...this.headers);
    this.find.addEventListener("input", ()=>this.draw());
  }
  show(list) {
    this.rows = list.recordings;
    const aside = element("aside");
    aside.hidden = list.aside.length === 0;
    aside.querySelector("summary").textContent = `${list.aside.length} set aside`;
    aside.querySelector("ul").replaceChildren(...list.aside.map((one)=>made("li", "", `${one.id}: ${one.reason}`)));
    this.draw();
  }
  /** The recording that is looked at. */ mark(number) {
    this.current = number;
    for (const row of this.body.querySelectorAll("tr")){
      const own = Number(row.dataset["number"]) === number;
      row.ariaCurrent = own ? "true" : null;
      if (own) row.scrollIntoView({
        block: "nearest"
      });
    }
  }
  /** A row whose counts have changed. */ update(row) {
    this.rows[row.number] = row;
    const shown = this.body.querySelector(`tr[data-number="${row.number}"]`);
    shown?.replaceWith(this.row(row));
  }
  /** The recording after or before the current one, in the order that is shown. */ neighbour(step) {
    const order = this.visible().map((row)=>row.number);
    return order[order.indexOf(this.current) + step];
  }
  visible() {
    const words = this.find.value.toLowerCase();
    const key = COLUMNS[this.sorted].key;
    const direction = this.ascending ? 1 : -1;
    return this.rows.filter((row)=>row.id.toLowerCase().includes(words) || row.patient.toLowerCase().includes(words)).sort((a, b)=>direction * compare(key(a), key(b)) || a.number - b.number);
  }
  draw() {
    this.body.replaceChildren(...this.visible().map((row)=>this.row(row)));
    for (const [place, header] of this.headers.entries()){
      header.ariaSort = place === this.sorted ? this.ascending ? "ascending" : "descending" : "none";
    }
  }
  header(column, place) {
    const header = made("th");
    header.scope = "col";
    const button = made("button", "", column.title);
    button.type = "button";
    button.title = column.spoken;
    button.ariaLabel = column.spoken;
    button.addEventListener("click", ()=>{
      this.ascending = place === this.sorted ? !this.ascending : place === 0;
      this.sorted = place;
      this.draw();
    });
    header.append(button);
    return header;
  }
  row(row) {
    const shown = made("tr");
    shown.dataset["number"] = String(row.number);
    shown.ariaCurrent = row.number === this.current ? "true" : null;
    shown.title = row.remark || `${row.id}, patient ${row.patient}`;
    const head = made("th");
    head.scope = "row";
    const button = made("button");
    button.type = "button";
    button.append(made("bdi", "", lastPart(row.id)));
    head.append(button);
    const cells = COLUMNS.slice(1).map((column)=>made("td", column.kind?.(row) ?? "", column.text(row)));
    shown.append(head, ...cells);
    shown.addEventListener("click", ()=>this.open(row.number));
    return shown;
  }
}
/** The file's own name; the folders that it lies in are told when it is pointed at. */ export function lastPart(id) {
  return id.slice(id.lastIndexOf("/") + 1);
}
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", {
    numeric: true
  });
}
