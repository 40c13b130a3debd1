// The EEG of one page: ground (grid, bands, names), traces, overlay (the chosen event).

import type { Channel } from "./api.ts";
import { blockColumns, factorFor, lineColumns } from "./columns.ts";
import { element } from "./dom.ts";
import { fit, fresh, Pixels } from "./drawing.ts";
import type { Shown } from "./events.ts";
import { type Colour, faint, ink, type Palette } from "./palette.ts";
import type { State } from "./state.ts";
import type { TileStore } from "./store.ts";
import type { WholeRecording } from "./strips.ts";
import { clock, tickStep } from "./time.ts";

export const LEFT = 72;
const RIGHT = 14;
const LANE = 15;
const LANES = 3;
const TOP = LANE * LANES + 8;
const BOTTOM = 24;
const PIXELS_PER_MM = 96 / 25.4;
const THICKNESS = 1.15;
/** Traces may leave their row by so many rows before they are cut. */
const REACH_ROWS = 2.5;
/** Beyond this length the page is drawn from the overview. */
const OVERVIEW_S = 600;

export class EegCanvas {
  private readonly ground = element<HTMLCanvasElement>("ground");
  private readonly traces = element<HTMLCanvasElement>("traces");
  private readonly overlay = element<HTMLCanvasElement>("overlay");
  private pixels: Pixels | null = null;
  private columns = new Float32Array(0);
  private page = new Float32Array(0);

  constructor(
    private readonly state: State,
    private readonly tiles: TileStore,
    private readonly whole: WholeRecording,
  ) {}

  get width(): number {
    return this.ground.clientWidth - LEFT - RIGHT;
  }

  private get height(): number {
    return this.ground.clientHeight - TOP - BOTTOM;
  }

  /** Place of a time, in CSS pixels from the left of the canvas. */
  x(time_s: number): number {
    return LEFT + ((time_s - this.state.start_s) / this.state.page_s) * this.width;
  }

  /** Time at a place. */
  time(x: number): number {
    return this.state.start_s + ((x - LEFT) / this.width) * this.state.page_s;
  }

  /** Draw everything; returns whether all of the page's EEG was there to draw. */
  draw(events: Shown[], palette: Palette): boolean {
    const resized = [this.ground, this.traces, this.overlay].map(fit);
    if (resized[1] || this.pixels === null) this.pixels = new Pixels(this.traces.width, this.traces.height);
    const channels = this.state.montage?.channels ?? [];
    this.drawGround(channels, events, palette);
    this.drawOverlay(events, palette);
    return this.drawTraces(channels, palette);
  }

  /** The traces alone; returns whether all of them were there to draw. */
  drawTraces(channels: Channel[], palette: Palette): boolean {
    const pixels = this.pixels!;
    const ratio = pixels.width / this.traces.clientWidth;
    pixels.clear();
    const width = Math.round(this.width * ratio);
    if (this.columns.length !== 2 * width) this.columns = new Float32Array(2 * Math.max(0, width));
    const row = (this.height / Math.max(1, channels.length)) * ratio;
    const perUv = (PIXELS_PER_MM * ratio) / this.state.gain;
    let complete = channels.length > 0;
    for (const [number, channel] of channels.entries()) {
      if (channel.validity === "absent") continue;
      if (!this.fillColumns(number)) complete = false;
      const middle = TOP * ratio + (number + 0.5) * row;
      const top = Math.max(TOP * ratio, middle - REACH_ROWS * row);
      const bottom = Math.min((TOP + this.height) * ratio, middle + REACH_ROWS * row);
      const colour = ink(palette.colours[channel.region as Colour]);
      pixels.trace(this.columns, Math.round(LEFT * ratio), middle, perUv, top, bottom, THICKNESS * ratio, colour);
    }
    pixels.show(this.traces.getContext("2d")!);
    return complete;
  }

  /** Extremes of one channel for every column of the page; whether all of it was there. */
  private fillColumns(channel: number): boolean {
    const { recording, montage, start_s, page_s, possibleView } = this.state;
    const columns = this.columns.length / 2;
    if (recording === null || montage === null || columns === 0) return false;
    if (page_s > OVERVIEW_S) return this.fillFromOverview(channel);
    const perColumn = (page_s * montage.rate_hz) / columns;
    const factor = factorFor(perColumn, recording.factors);
    const each = factor === 1 ? 1 : 2;
    const count = Math.ceil(montage.samples / factor);
    const first = (start_s * montage.rate_hz) / factor;
    const begin = Math.max(0, Math.floor(first));
    const stop = Math.min(count, Math.ceil(first + (perColumn / factor) * columns) + 1);
    if (this.page.length !== (stop - begin) * each) this.page = new Float32Array(Math.max(0, stop - begin) * each);
    let complete = true;
    const length = recording.tile_columns;
    for (let place = Math.floor(begin / length); place * length < stop; place++) {
      const from = Math.max(begin, place * length), to = Math.min(stop, (place + 1) * length);
      const tile = this.tiles.get(recording.number, possibleView, factor, place);
      const own = Math.min(length, count - place * length);
      if (tile === undefined) {
        complete = false;
        this.page.fill(NaN, (from - begin) * each, (to - begin) * each);
      } else {
        const offset = channel * own - place * length;
        this.page.set(tile.subarray((offset + from) * each, (offset + to) * each), (from - begin) * each);
      }
    }
    (factor === 1 ? lineColumns : blockColumns)(this.page, first - begin, perColumn / factor, this.columns);
    return complete;
  }

  private fillFromOverview(channel: number): boolean {
    const { montage, start_s, page_s } = this.state;
    const known = this.whole.known;
    if (known === null || montage === null) return false;
    const own = known.pairs.length / 2 / montage.channels.length;
    const pairs = known.pairs.subarray(channel * own * 2, (channel + 1) * own * 2);
    const perColumn = (page_s * montage.rate_hz) / known.factor / (this.columns.length / 2);
    blockColumns(pairs, (start_s * montage.rate_hz) / known.factor, perColumn, this.columns);
    return known.done === known.blocks;
  }

  /** Ask for what lies before and after the page. */
  prefetch(): void {
    const { recording, montage, start_s, page_s, possibleView } = this.state;
    if (recording === null || montage === null || page_s > OVERVIEW_S) return;
    const factor = factorFor((page_s * montage.rate_hz) / (this.columns.length / 2), recording.factors);
    const perTile_s = (recording.tile_columns * factor) / montage.rate_hz;
    const last = Math.ceil(recording.duration_s / perTile_s) - 1;
    for (const time_s of [start_s + page_s, start_s + 2 * page_s - 1e-3, start_s - page_s]) {
      const place = Math.floor(time_s / perTile_s);
      if (place >= 0 && place <= last) this.tiles.get(recording.number, possibleView, factor, place);
    }
  }

  private drawGround(channels: Channel[], events: Shown[], palette: Palette): void {
    const context = fresh(this.ground);
    const { colours } = palette;
    context.font = "11px system-ui, sans-serif";
    this.drawGrid(context, palette);
    this.drawBands(context, events, palette);
    const row = this.height / Math.max(1, channels.length);
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.font = `${Math.min(12, Math.max(8, row - 1))}px system-ui, sans-serif`;
    for (const [number, channel] of channels.entries()) {
      const absent = channel.validity === "absent";
      context.fillStyle = absent ? colours.muted : colours[channel.region as Colour];
      const name = absent ? `${channel.name} –` : channel.name;
      context.fillText(name, LEFT - 8, TOP + (number + 0.5) * row, LEFT - 12);
    }
  }

  private drawGrid(context: CanvasRenderingContext2D, palette: Palette): void {
    const { start_s, stop_s, page_s } = this.state;
    const { colours } = palette;
    const step = tickStep(page_s, this.width / 70);
    const fine = page_s <= 60 ? 1 : step;
    const bottom = TOP + this.height;
    context.lineWidth = 1;
    for (let time_s = Math.ceil(start_s / fine) * fine; time_s <= stop_s + 1e-9; time_s += fine) {
      const strong = Math.abs(time_s / step - Math.round(time_s / step)) < 1e-6;
      const x = Math.round(this.x(time_s)) + 0.5;
      context.strokeStyle = strong ? colours.line : colours.fine;
      context.beginPath();
      context.moveTo(x, TOP);
      context.lineTo(x, bottom + (strong ? 4 : 0));
      context.stroke();
      if (!strong) continue;
      context.fillStyle = colours.muted;
      const last = x > LEFT + this.width - 20;
      context.textAlign = last ? "right" : "center";
      context.textBaseline = "top";
      context.fillText(clock(time_s), last ? LEFT + this.width + RIGHT - 2 : x, bottom + 6);
    }
  }

  private drawBands(context: CanvasRenderingContext2D, events: Shown[], palette: Palette): void {
    const { colours, shade } = palette;
    const lanes = ["reference", "detection", "reviewer"] as const;
    const titles = { reference: "reference", detection: "detected", reviewer: "added" };
    context.textBaseline = "middle";
    for (const [lane, source] of lanes.entries()) {
      const y = 4 + lane * LANE;
      context.textAlign = "right";
      context.fillStyle = colours.muted;
      context.fillText(titles[source], LEFT - 8, y + LANE / 2 - 1);
      context.fillStyle = colours.fine;
      context.fillRect(LEFT, y, this.width, LANE - 3);
      for (const event of events.filter((one) => one.source === source)) {
        const [left, right] = this.inView(event.onset_s, event.stop_s);
        if (right <= left) continue;
        const colour = event.outcome === "false alarm" ? colours.false : colours[source];
        const refuted = event.verdict === "background";
        context.fillStyle = refuted ? faint(colour, 0.35) : colour;
        context.fillRect(left, y, Math.max(3, right - left), LANE - 3);
        context.fillStyle = faint(colour, refuted ? shade / 3 : shade);
        context.fillRect(left, TOP, Math.max(1, right - left), this.height);
        this.nameBand(context, event, left, right, y, palette);
      }
    }
  }

  private nameBand(
    context: CanvasRenderingContext2D,
    event: Shown,
    left: number,
    right: number,
    y: number,
    palette: Palette,
  ): void {
    const verdict = { seizure: "✓ ", background: "✗ ", undecided: "", withdrawn: "" }[event.verdict];
    const text = `${verdict}${event.outcome || event.label}`;
    if (right - left < context.measureText(text).width + 8) return;
    context.fillStyle = event.verdict === "background" ? palette.colours.ink : palette.colours.surface;
    context.textAlign = "left";
    context.fillText(text, left + 4, y + LANE / 2 - 1);
  }

  /** Which way is up, and how much: a bar of a round number of µV. */
  private drawScale(context: CanvasRenderingContext2D, palette: Palette): void {
    const perUv = PIXELS_PER_MM / this.state.gain;
    const amount = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((uv) => uv * perUv >= 24) ?? 10000;
    const x = LEFT + this.width - 8, y = TOP + this.height - 8;
    const text = `${amount} µV, negative up`;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    const width = context.measureText(text).width, middle = y - (amount * perUv) / 2;
    context.fillStyle = faint(palette.colours.surface, 0.85);
    context.fillRect(x - width - 12, middle - 9, width + 8, 18);
    context.fillRect(x - 3, y - amount * perUv - 3, 8, amount * perUv + 6);
    context.fillStyle = palette.colours.ink;
    context.fillText(text, x - 8, middle);
    context.fillRect(x, y - amount * perUv, 2, amount * perUv);
  }

  private drawOverlay(events: Shown[], palette: Palette): void {
    const context = fresh(this.overlay);
    this.drawScale(context, palette);
    const chosen = this.state.stretch ?? events.find((event) => event.name === this.state.selected);
    if (!chosen) return;
    const [left, right] = this.inView(chosen.onset_s, chosen.stop_s);
    const { selected } = palette.colours;
    if (right > left && this.state.stretch !== null) {
      context.fillStyle = faint(selected, 0.12);
      context.fillRect(left, TOP, right - left, this.height);
    }
    for (const time_s of [chosen.onset_s, chosen.stop_s]) {
      const x = this.x(time_s);
      if (x < LEFT - 1 || x > LEFT + this.width + 1) continue;
      context.fillStyle = selected;
      context.fillRect(x - 1, 2, 2, TOP + this.height - 2);
      context.fillRect(x - 4, TOP + this.height / 2 - 14, 8, 28);
    }
  }

  /** A span's left and right edge on the canvas, cut to the page. */
  private inView(onset_s: number, stop_s: number): [number, number] {
    const inside = (time_s: number) => Math.max(LEFT, Math.min(LEFT + this.width, this.x(time_s)));
    return [inside(onset_s), inside(stop_s)];
  }

  /** The edge of the chosen event at a place of the canvas. */
  edgeAt(x: number, chosen: { onset_s: number; stop_s: number }): "onset_s" | "stop_s" | null {
    if (Math.abs(this.x(chosen.stop_s) - x) <= 6) return "stop_s";
    return Math.abs(this.x(chosen.onset_s) - x) <= 6 ? "onset_s" : null;
  }
}
