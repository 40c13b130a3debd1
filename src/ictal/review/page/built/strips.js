// Under the EEG: the detector's probability on the same time axis, and the whole recording at a glance.
import * as api from "./api.js";
import { blockColumns, lineColumns } from "./columns.js";
import { element } from "./dom.js";
import { LEFT } from "./eeg.js";
import { fit, fresh } from "./drawing.js";
import { faint } from "./palette.js";
import { clock, tickStep } from "./time.js";
const RIGHT = 14;
const COLUMNS = 3000;
const AGAIN_MS = 400;
/** What is known of the whole recording through the view that is shown; asked for until it is complete. */ export class WholeRecording {
  state;
  arrived;
  failed;
  known;
  asked;
  constructor(state, arrived, failed){
    this.state = state;
    this.arrived = arrived;
    this.failed = failed;
    this.known = null;
    this.asked = "";
  }
  /** Follow the state: another recording or view is asked for anew. */ follow() {
    const { recording, montage, possibleView } = this.state;
    const key = recording === null || montage === null ? "" : `${recording.number} ${api.query(possibleView)}`;
    if (key === this.asked) return;
    this.asked = key;
    this.known = null;
    if (recording !== null && key) void this.ask(key, recording.number, possibleView);
  }
  async ask(key, number, view) {
    try {
      while(this.asked === key){
        const known = await api.overview(number, view, COLUMNS);
        if (this.asked !== key) return;
        this.known = known;
        this.arrived();
        if (known.done === known.blocks) return;
        await new Promise((resume)=>setTimeout(resume, AGAIN_MS));
      }
    } catch (error) {
      this.failed(error);
    }
  }
  /** Share of the recording that is known. */ get progress() {
    return this.known === null ? 0 : this.known.done / this.known.blocks;
  }
}
export class ProbabilityStrip {
  state;
  canvas;
  columns;
  constructor(state){
    this.state = state;
    this.canvas = element("probability");
    this.columns = new Float32Array(0);
  }
  draw(trace, threshold, palette) {
    this.canvas.hidden = this.state.recording === null || this.state.recording.steps_hz === null;
    if (this.canvas.hidden) return;
    fit(this.canvas);
    const context = fresh(this.canvas);
    const width = this.canvas.clientWidth - LEFT - RIGHT, top = 6, height = this.canvas.clientHeight - 14;
    const y = (value)=>top + (1 - value) * height;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = palette.colours.muted;
    for (const value of [
      0,
      1
    ])context.fillText(String(value), LEFT - 8, y(value));
    context.fillText("probability", LEFT - 8, y(0.5));
    context.strokeStyle = palette.colours.line;
    context.strokeRect(LEFT + 0.5, top + 0.5, width, height);
    if (trace !== null) this.drawTrace(context, trace, width, y, palette);
    if (threshold !== null) this.drawThreshold(context, threshold, width, y, palette);
  }
  drawTrace(context, trace, width, y, palette) {
    const steps_hz = this.state.recording.steps_hz;
    if (this.columns.length !== 2 * Math.floor(width)) {
      this.columns = new Float32Array(2 * Math.max(0, Math.floor(width)));
    }
    const columns = this.columns.length / 2;
    lineColumns(trace, this.state.start_s * steps_hz - 0.5, this.state.page_s * steps_hz / columns, this.columns);
    context.beginPath();
    context.fillStyle = faint(palette.colours.detection, 0.25);
    for(let x = 0; x < columns; x++){
      const high = this.columns[2 * x + 1];
      if (high === high) context.rect(LEFT + x, y(high), 1, y(0) - y(high));
    }
    context.fill();
    context.beginPath();
    context.fillStyle = palette.colours.detection;
    for(let x = 0; x < columns; x++){
      const low = this.columns[2 * x], high = this.columns[2 * x + 1];
      if (high === high) context.rect(LEFT + x, y(high) - 0.75, 1, y(low) - y(high) + 1.5);
    }
    context.fill();
  }
  drawThreshold(context, threshold, width, y, palette) {
    context.strokeStyle = palette.colours.ink;
    context.setLineDash([
      5,
      4
    ]);
    context.beginPath();
    context.moveTo(LEFT, y(threshold));
    context.lineTo(LEFT + width, y(threshold));
    context.stroke();
    context.setLineDash([]);
    context.textAlign = "left";
    context.textBaseline = threshold > 0.5 ? "top" : "bottom";
    context.fillStyle = palette.colours.ink;
    context.fillText(`threshold ${threshold.toPrecision(2)}`, LEFT + 6, y(threshold) + (threshold > 0.5 ? 3 : -3));
  }
}
export class OverviewStrip {
  state;
  whole;
  canvas;
  measured;
  heights;
  most;
  constructor(state, whole){
    this.state = state;
    this.whole = whole;
    this.canvas = element("overview");
    this.measured = null;
    this.heights = new Float32Array(0);
    this.most = 1;
  }
  get width() {
    return this.canvas.clientWidth - LEFT - RIGHT;
  }
  /** Time at a place of the strip, in CSS pixels. */ time(x) {
    return (x - LEFT) / this.width * this.state.duration_s;
  }
  draw(events, palette) {
    fit(this.canvas);
    const context = fresh(this.canvas);
    const { duration_s, start_s, stop_s, recording } = this.state;
    if (recording === null) return;
    const x = (time_s)=>LEFT + time_s / duration_s * this.width;
    const top = 18, height = 28, { colours } = palette;
    context.fillStyle = colours.fine;
    context.fillRect(LEFT, top, this.width, height);
    this.drawAmplitude(context, top, height, palette);
    for (const event of events){
      const lane = {
        reference: 2,
        detection: 7,
        reviewer: 12
      }[event.source];
      const colour = event.outcome === "false alarm" ? colours.false : colours[event.source];
      context.fillStyle = event.verdict === "background" ? faint(colour, 0.45) : colour;
      context.fillRect(x(event.onset_s), lane, Math.max(3, x(event.stop_s) - x(event.onset_s)), 4);
    }
    context.strokeStyle = colours.selected;
    context.lineWidth = 2;
    context.strokeRect(x(start_s), top - 1, Math.max(3, x(stop_s) - x(start_s)), height + 2);
    this.drawTimes(context, x, top + height + 3, palette);
  }
  /** Median over the channels of the height that each has in a column. */ drawAmplitude(context, top, height, palette) {
    const known = this.whole.known, montage = this.state.montage;
    context.font = "10px system-ui, sans-serif";
    context.fillStyle = palette.colours.muted;
    context.textAlign = "right";
    context.textBaseline = "middle";
    const progress = this.whole.progress;
    const said = progress < 1 ? `${Math.floor(100 * progress)} % read` : "overview";
    context.fillText(said, LEFT - 8, top + height / 2);
    if (known === null || montage === null) return;
    if (this.measured !== known || this.heights.length !== Math.floor(this.width)) {
      this.heights = medianHeights(known, montage.channels.length, montage.samples, Math.floor(this.width));
      this.most = quantile(this.heights.filter((value)=>value === value), 0.98) || 1;
      this.measured = known;
    }
    const most = this.most;
    context.beginPath();
    for (const [place, value] of this.heights.entries()){
      if (value !== value) continue;
      const drawn = Math.min(1, value / most) * (height - 2);
      context.rect(LEFT + place, top + (height - drawn) / 2, 1, drawn);
    }
    context.fill();
  }
  drawTimes(context, x, y, palette) {
    const step = tickStep(this.state.duration_s, this.width / 90);
    context.fillStyle = palette.colours.muted;
    context.textBaseline = "top";
    for(let time_s = 0; time_s <= this.state.duration_s; time_s += step){
      context.textAlign = time_s === 0 ? "left" : "center";
      if (x(time_s) > LEFT + this.width - 16) context.textAlign = "right";
      context.fillText(clock(time_s), x(time_s), y);
    }
  }
}
/** For each column of the strip the median over channels of highest less lowest value; NaN where nothing is known. */ export function medianHeights(known, channels, samples, columns) {
  const own = known.pairs.length / 2 / channels;
  const perColumn = samples / known.factor / columns;
  const each = [];
  for(let channel = 0; channel < channels; channel++){
    const out = new Float32Array(2 * columns);
    blockColumns(known.pairs.subarray(channel * own * 2, (channel + 1) * own * 2), 0, perColumn, out);
    each.push(out);
  }
  return Float32Array.from({
    length: columns
  }, (_, column)=>{
    const heights = each.map((out)=>out[2 * column + 1] - out[2 * column]).filter((value)=>value > 0);
    return heights.length ? quantile(heights, 0.5) : NaN;
  });
}
function quantile(values, share) {
  const sorted = Array.from(values).sort((a, b)=>a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
