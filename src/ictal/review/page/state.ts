// What is looked at, and how. Everything else on the page follows from it.

import type { Montage, Recording, View } from "./api.ts";
import { UNTYPED } from "./events.ts";

export const GAINS_UV_PER_MM = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200];
export const PAGES_S = [5, 10, 20, 30, 60, 300, Infinity];
export const LOW_HZ = [0, 0.1, 0.3, 0.5, 1, 1.6, 5];
export const HIGH_HZ = [15, 20, 30, 35, 50, 70, 100, Infinity];
export const NOTCH_HZ = [0, 50, 60];

/** A stretch of time that was chosen on the screen and is no event yet. */
export interface Stretch {
  onset_s: number;
  stop_s: number;
}

export class State {
  recording: Recording | null = null;
  view: View = { montage: "double-banana-18", low_hz: 0.5, high_hz: 70, notch_hz: 0 };
  gain = 10;
  pageLength_s = 10;
  start_s = 0;
  /** Name of the event that is chosen. */
  selected: string | null = null;
  stretch: Stretch | null = null;
  /** The type that the stretch gets if it becomes an event. */
  stretchLabel = UNTYPED;
  /** The last doubt that was jumped to. */
  doubt = -1;

  constructor(private readonly changed: () => void) {}

  get duration_s(): number {
    return this.recording?.duration_s ?? 0;
  }

  /** Length of the page: at most the recording's. */
  get page_s(): number {
    return Math.min(this.pageLength_s, this.duration_s || this.pageLength_s);
  }

  get stop_s(): number {
    return this.start_s + this.page_s;
  }

  get montage(): Montage | null {
    return this.recording?.montages.find((one) => one.name === this.view.montage) ?? null;
  }

  /** The view as the recording can have it: a filter at or above half its rate is left out. */
  get possibleView(): View {
    const half_hz = (this.montage?.rate_hz ?? Infinity) / 2;
    const { montage, low_hz, high_hz, notch_hz } = this.view;
    return {
      montage,
      low_hz: low_hz < half_hz ? low_hz : 0,
      high_hz: high_hz < half_hz ? high_hz : Infinity,
      notch_hz: notch_hz < half_hz ? notch_hz : 0,
    };
  }

  /** Change something; the page begins inside the recording. */
  set(
    change: Partial<Pick<State, "recording" | "view" | "gain" | "pageLength_s" | "start_s" | "selected" | "stretch">>,
  ) {
    Object.assign(this, change);
    this.start_s = Math.max(0, Math.min(this.start_s, this.duration_s - this.page_s));
    this.changed();
  }

  /** Show another recording from its beginning, in the same montage if it has it. */
  open(recording: Recording): void {
    const names = recording.montages.map((one) => one.name);
    const montage = names.includes(this.view.montage) ? this.view.montage : names[0] ?? "";
    this.doubt = -1;
    this.set({ recording, view: { ...this.view, montage }, start_s: 0, selected: null, stretch: null });
  }

  /** Move by a share of the page. */
  turn(pages: number): void {
    this.set({ start_s: this.start_s + pages * this.page_s });
  }

  /** Bring a time into the first quarter of the page. */
  show(time_s: number): void {
    this.set({ start_s: time_s - this.page_s / 4 });
  }

  /** Another page length, around what is in the middle or, if it is in view, the chosen event's onset. */
  setPage(length_s: number, around_s = this.start_s + this.page_s / 2): void {
    const share = (around_s - this.start_s) / this.page_s;
    const page_s = Math.min(length_s, this.duration_s || length_s);
    this.set({ pageLength_s: length_s, start_s: around_s - share * page_s });
  }
}

/** The neighbour of a value in a list, or its end. */
export function neighbour<T>(list: T[], value: T, step: number): T {
  const place = Math.max(0, list.indexOf(value)) + step;
  return list[Math.max(0, Math.min(list.length - 1, place))]!;
}
