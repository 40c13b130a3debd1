// The mouse: wheel to scroll, drag to choose a stretch or to move an edge, click to choose an event.
import { element } from "./dom.js";
const CLICK_PIXELS = 4;
const LINE_PIXELS = 16;
export class Pointer {
  state;
  eeg;
  hooks;
  stage;
  /** Where a drag began, and which edge of what it moves. */ drag;
  constructor(state, eeg, overview, hooks){
    this.state = state;
    this.eeg = eeg;
    this.hooks = hooks;
    this.stage = element("stage");
    this.drag = null;
    const stage = this.stage;
    stage.addEventListener("wheel", (event)=>this.wheel(event), {
      passive: false
    });
    stage.addEventListener("pointerdown", (event)=>this.down(event));
    stage.addEventListener("pointermove", (event)=>this.move(event));
    stage.addEventListener("pointerup", (event)=>this.up(event));
    stage.addEventListener("pointercancel", ()=>this.drag = null);
    const strip = element("overview");
    const go = (event)=>{
      if (event.buttons & 1) state.set({
        start_s: overview.time(event.offsetX) - state.page_s / 2
      });
    };
    strip.addEventListener("pointerdown", (event)=>{
      strip.setPointerCapture(event.pointerId);
      go(event);
    });
    strip.addEventListener("pointermove", go);
  }
  wheel(event) {
    event.preventDefault();
    const delta = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY;
    if (event.ctrlKey) {
      if (delta !== 0) this.hooks.page(Math.sign(delta));
      return;
    }
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? delta : delta * LINE_PIXELS;
    this.state.set({
      start_s: this.state.start_s + pixels / this.eeg.width * this.state.page_s
    });
  }
  place(event) {
    return event.clientX - this.stage.getBoundingClientRect().left;
  }
  get chosen() {
    return this.hooks.events().find((event)=>event.name === this.state.selected) ?? null;
  }
  down(event) {
    if (event.button !== 0) return;
    this.stage.focus();
    this.stage.setPointerCapture(event.pointerId);
    const x = this.place(event);
    const stretch = this.state.stretch;
    const edge = stretch ?? this.chosen;
    this.drag = {
      x,
      edge: edge ? this.eeg.edgeAt(x, edge) : null,
      event: stretch ? null : this.chosen,
      moved: false
    };
  }
  move(event) {
    const x = this.place(event);
    const drag = this.drag;
    if (drag === null) {
      const now = this.state.stretch ?? this.chosen;
      this.stage.style.cursor = now && this.eeg.edgeAt(x, now) ? "ew-resize" : "";
      return;
    }
    drag.moved ||= Math.abs(x - drag.x) > CLICK_PIXELS;
    if (!drag.moved) return;
    const time_s = this.inside(this.eeg.time(x));
    if (drag.edge === null) {
      const from_s = this.inside(this.eeg.time(drag.x));
      this.stretch(Math.min(from_s, time_s), Math.max(from_s, time_s));
    } else {
      const now = this.state.stretch ?? drag.event;
      const other = drag.edge === "onset_s" ? now.stop_s : now.onset_s;
      this.stretch(Math.min(time_s, other), Math.max(time_s, other), drag.event);
    }
  }
  up(event) {
    const drag = this.drag;
    this.drag = null;
    if (drag === null) return;
    if (!drag.moved) this.click(this.eeg.time(this.place(event)));
    else if (drag.edge !== null && drag.event !== null && this.state.stretch !== null) {
      const { onset_s, stop_s } = this.state.stretch;
      this.state.set({
        stretch: null
      });
      this.hooks.moved(drag.event, onset_s, stop_s);
    }
  }
  /** A stretch on the screen: a new one, or the moved edges of an event until the button is let go. */ stretch(onset_s, stop_s, event = null) {
    if (stop_s - onset_s < 0.01) return;
    this.state.set({
      stretch: {
        onset_s,
        stop_s
      },
      selected: event?.name ?? null
    });
  }
  click(time_s) {
    const here = this.hooks.events().filter((event)=>event.onset_s <= time_s && time_s < event.stop_s);
    const shortest = here.sort((a, b)=>a.stop_s - a.onset_s - (b.stop_s - b.onset_s))[0];
    if (shortest !== undefined) this.hooks.choose(shortest);
    else this.state.set({
      selected: null,
      stretch: null
    });
  }
  inside(time_s) {
    const { start_s, stop_s } = this.state;
    return Math.round(Math.max(start_s, Math.min(stop_s, time_s)) * 100) / 100;
  }
}
