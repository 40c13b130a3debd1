// The page put together: state in, one redraw a frame out.
import * as api from "./api.js";
import { decide, showKeys } from "./dialogs.js";
import { element, fill } from "./dom.js";
import { EegCanvas } from "./eeg.js";
import { isDecided, next, RECORDING, saying, shown, UNTYPED } from "./events.js";
import { listen } from "./keys.js";
import { Marking } from "./marking.js";
import { palette } from "./palette.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { Saver } from "./saving.js";
import { GAINS_UV_PER_MM, HIGH_HZ, LOW_HZ, neighbour, NOTCH_HZ, PAGES_S, State } from "./state.js";
import { TileStore } from "./store.js";
import { OverviewStrip, ProbabilityStrip, WholeRecording } from "./strips.js";
import { clock, length, timeOfDay } from "./time.js";
import { lastPart, WorkListTable } from "./worklist.js";
const AUTHOR = "ictal-review-author";
const THEME = "ictal-review-theme";
const LOOK_AGAIN_MS = 3000;
const SAY_AFTER_MS = 350;
const NUDGE_S = 0.5;
class Page {
  state = new State(()=>this.redraw());
  tiles = new TileStore(()=>this.redraw(), (error)=>this.fail(error));
  whole = new WholeRecording(this.state, ()=>this.redraw(), (error)=>this.fail(error));
  eeg = new EegCanvas(this.state, this.tiles, this.whole);
  probability = new ProbabilityStrip(this.state);
  overview = new OverviewStrip(this.state, this.whole);
  table = new WorkListTable((number)=>void this.open(number));
  saver = new Saver({
    numberOf: (id)=>this.list?.recordings.find((row)=>row.id === id)?.number,
    learnt: (id, marks)=>this.learn(id, marks),
    said: (text, failed)=>this.saved(text, failed),
    decide
  });
  marking = new Marking(this.state, this.saver, ()=>this.author.value.trim() || "unnamed", ()=>{
    this.panelStale = true;
    this.redraw();
  });
  panel = new Panel({
    choose: (event)=>this.choose(event),
    verdict: (verdict)=>this.verdict(verdict),
    edge: (which, value_s)=>this.moveEdge(which, value_s),
    type: (label)=>this.setType(label),
    comment: (text)=>this.chosen && this.marking.change(this.chosen, {
        comment: text
      }),
    withdraw: ()=>this.verdict("withdrawn"),
    forget: ()=>this.state.set({
        stretch: null
      }),
    whole: (done)=>this.marking.whole(done),
    undo: ()=>this.undo()
  });
  author = element("author");
  list = null;
  trace = null;
  events = [];
  colours = palette();
  panelStale = true;
  drawn = false;
  pending = false;
  saying = 0;
  /** Counts what was opened. */ opening = 0;
  shownSelection = null;
  shownStretch = null;
  async start() {
    this.connect();
    try {
      this.list = await api.workList();
    } catch (error) {
      this.fail(error);
      return;
    }
    element("title").textContent = this.list.title;
    document.title = `${this.list.title} · ictal review`;
    this.author.value = localStorage.getItem(AUTHOR) ?? this.list.author;
    this.saver.takeUp(this.list.marks);
    this.table.show(this.list);
    this.panel.offer(this.list.types);
    const wanted = new URLSearchParams(location.hash.slice(1));
    const row = this.list.recordings.find((one)=>one.id === wanted.get("id")) ?? this.list.recordings[0];
    if (row !== undefined) await this.open(row.number, Number(wanted.get("t") ?? 0));
    void this.saver.flush();
    setInterval(()=>void this.lookAgain(), LOOK_AGAIN_MS);
  }
  get chosen() {
    return this.events.find((event)=>event.name === this.state.selected);
  }
  async open(number, time_s = 0) {
    const turn = ++this.opening;
    try {
      const recording = await api.recording(number);
      if (turn !== this.opening) return; // another was asked for meanwhile
      this.trace = null;
      this.notice("");
      this.tiles.clear();
      this.marking.learn(recording, recording);
      this.panelStale = true;
      this.state.open(recording);
      if (time_s > 0) this.state.set({
        start_s: time_s
      });
      this.fillControls();
      this.table.mark(number);
      element("recording").textContent = lastPart(recording.id);
      element("recording").title = recording.id;
      element("about").textContent = about(recording);
      if (!recording.montages.length) this.notice("No channel of this recording can be shown.");
      if (recording.steps_hz !== null) {
        const trace = await api.probability(number);
        if (this.state.recording === recording) this.trace = trace;
        this.redraw();
      }
    } catch (error) {
      if (turn === this.opening) this.fail(error);
    }
  }
  // Drawing.
  redraw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(()=>{
      this.pending = false;
      this.draw();
    });
  }
  draw() {
    const { recording } = this.state;
    if (recording === null) return;
    const begin = performance.now();
    const { selected, stretch } = this.state;
    if (this.panelStale || this.shownSelection !== selected || this.shownStretch !== stretch) this.drawPanel(recording);
    this.whole.follow();
    const complete = this.eeg.draw(this.events, this.colours);
    this.probability.draw(this.trace, this.list?.threshold ?? null, this.colours);
    this.overview.draw(this.events, this.colours);
    performance.clearMeasures("redraw");
    performance.measure("redraw", {
      start: begin,
      end: performance.now()
    });
    if (complete && !this.drawn) performance.mark("first-eeg");
    this.drawn ||= complete;
    document.documentElement.dataset["drawn"] = complete ? "whole" : "part";
    if (complete) this.eeg.prefetch();
    clearTimeout(this.saying);
    this.saying = setTimeout(()=>this.summarise(), SAY_AFTER_MS);
  }
  drawPanel(recording) {
    this.events = shown(recording);
    if (this.state.selected !== null && this.chosen === undefined) this.state.selected = null;
    const { selected, stretch, stretchLabel } = this.state;
    this.panel.show(recording, this.events, selected, stretch, stretchLabel, this.marking.canUndo);
    this.panelStale = false;
    this.shownSelection = selected;
    this.shownStretch = stretch;
  }
  /** The page in words, and in the address, once it stands still. */ summarise() {
    const { recording, start_s, stop_s, duration_s, montage } = this.state;
    if (recording === null) return;
    const inside = this.events.filter((event)=>event.onset_s < stop_s && event.stop_s > start_s);
    const day = recording.start === null ? "" : ` (${timeOfDay(recording.start, start_s)})`;
    const parts = [
      `${clock(start_s, 1)} to ${clock(stop_s, 1)} of ${clock(duration_s)}${day}`,
      `${montage?.title ?? "no montage"}, ${this.state.gain} µV/mm`,
      ...inside.slice(0, 3).map((event)=>`${saying(event)} at ${clock(event.onset_s)}`),
      ...inside.length > 3 ? [
        `${inside.length - 3} more events`
      ] : []
    ];
    if (this.trace !== null && recording.steps_hz !== null) {
      const steps = this.trace.subarray(Math.floor(start_s * recording.steps_hz), Math.ceil(stop_s * recording.steps_hz));
      parts.push(`highest probability ${steps.reduce((a, b)=>Math.max(a, b), 0).toFixed(2)}`);
    }
    element("summary").textContent = parts.join(" · ");
    const place = new URLSearchParams({
      id: recording.id,
      t: start_s.toFixed(1)
    });
    history.replaceState(null, "", `#${place}`);
  }
  notice(text) {
    const notice = element("notice");
    notice.textContent = text;
    notice.hidden = text === "";
  }
  fail(error) {
    this.notice(error instanceof Error ? error.message : String(error));
  }
  saved(text, failed) {
    const said = element("saved");
    said.textContent = text;
    said.classList.toggle("failed", failed);
  }
  // Choosing and marking.
  choose(event) {
    const { start_s, stop_s } = this.state;
    this.state.set({
      selected: event.name,
      stretch: null
    });
    if (event.onset_s < start_s || event.onset_s >= stop_s) this.state.show(event.onset_s);
  }
  verdict(verdict) {
    const { stretch } = this.state;
    if (stretch !== null) {
      if (verdict !== "seizure" && verdict !== "background") return;
      this.state.selected = this.marking.add(stretch, this.state.stretchLabel, verdict);
      this.state.stretchLabel = UNTYPED;
      this.state.set({
        stretch: null
      });
    } else if (this.chosen !== undefined) {
      if (verdict === "withdrawn" && this.chosen.source !== "reviewer") return;
      this.marking.change(this.chosen, {
        verdict
      });
    }
  }
  setType(label) {
    if (this.state.stretch !== null) this.state.stretchLabel = label;
    else if (this.chosen !== undefined) this.marking.change(this.chosen, {
      label
    });
  }
  moveEdge(which, value_s) {
    const { stretch, duration_s } = this.state;
    const now = stretch ?? this.chosen;
    if (now === undefined || !Number.isFinite(value_s)) return;
    const moved = {
      onset_s: now.onset_s,
      stop_s: now.stop_s
    };
    moved[which] = Math.round(Math.max(0, Math.min(duration_s, value_s)) * 100) / 100;
    if (moved.onset_s >= moved.stop_s) {
      this.saved("An event stops after its onset", true);
      this.panelStale = true;
      this.redraw();
    } else if (stretch !== null) this.state.set({
      stretch: moved
    });
    else this.marking.change(this.chosen, moved);
  }
  nudge(which, by_s) {
    const now = this.state.stretch ?? this.chosen;
    if (now !== undefined) this.moveEdge(which, now[which] + by_s);
  }
  addHere() {
    const { start_s, page_s } = this.state;
    const round = (time_s)=>Math.round(time_s * 10) / 10;
    const stretch = {
      onset_s: round(start_s + page_s / 3),
      stop_s: round(start_s + 2 * page_s / 3)
    };
    this.state.set({
      stretch,
      selected: null
    });
  }
  undo() {
    const name = this.marking.undo();
    const event = this.events.find((one)=>one.name === name);
    if (event !== undefined) this.choose(event);
  }
  learn(id, marks) {
    const { recording } = this.state;
    const row = this.list?.recordings.find((one)=>one.id === id);
    if (row !== undefined) {
      row.marked = marks.marks.filter((mark)=>mark.event !== RECORDING && isDecided(mark)).length;
      row.reviewed = marks.marks.some((mark)=>mark.event === RECORDING && mark.verdict === "background");
      this.table.update(row);
    }
    if (recording?.id !== id) return;
    this.marking.learn(recording, marks);
    this.panelStale = true;
    this.redraw();
  }
  /** What others have marked meanwhile. */ async lookAgain() {
    const { recording } = this.state;
    if (recording === null || document.hidden || !this.saver.idle) return;
    try {
      const marks = await api.marks(recording.number);
      if (this.saver.idle && marks.revision !== recording.revision) this.learn(recording.id, marks);
    } catch  {
      this.saved("The server does not answer", true);
    }
  }
  // Going somewhere.
  jump(jump, step) {
    if (jump === "uncertain") {
      this.jumpToDoubt(step);
      return;
    }
    const event = next(this.events, jump, this.state.selected, this.state.start_s, step);
    if (event === null) this.saved(`No ${jump} in this recording`, false);
    else {
      this.state.set({
        selected: event.name,
        stretch: null
      });
      this.state.show(event.onset_s);
    }
  }
  jumpToDoubt(step) {
    const doubts = this.state.recording?.uncertain ?? [];
    const place = Math.max(0, Math.min(doubts.length - 1, this.state.doubt + step));
    const doubt = doubts[place];
    if (doubt === undefined) {
      this.saved("Without a detector nothing is uncertain", false);
      return;
    }
    this.state.doubt = place;
    this.state.selected = null;
    this.state.show(doubt[0]);
    this.saved(`Doubt ${place + 1} of ${doubts.length}: probability ${doubt[1].toFixed(2)}`, false);
  }
  neighbouring(step) {
    const number = this.table.neighbour(step);
    if (number !== undefined) void this.open(number);
  }
  // Controls.
  bindings() {
    const { state } = this;
    const key = (keys, shown, what, act)=>({
        keys,
        shown,
        what,
        act
      });
    const jumps = (letter, jump, what)=>[
        key([
          letter
        ], `${letter.toUpperCase()}`, `Next ${what} (with Shift: the one before)`, ()=>this.jump(jump, 1)),
        key([
          letter.toUpperCase()
        ], "", "", ()=>this.jump(jump, -1))
      ];
    return [
      key([
        "ArrowRight"
      ], "→", "A tenth of a page on", ()=>state.turn(0.1)),
      key([
        "ArrowLeft"
      ], "←", "A tenth of a page back", ()=>state.turn(-0.1)),
      key([
        "PageDown",
        " "
      ], "PgDn Space", "Next page", ()=>state.turn(1)),
      key([
        "PageUp"
      ], "PgUp", "Page before", ()=>state.turn(-1)),
      key([
        "Home"
      ], "Home", "Beginning", ()=>state.set({
          start_s: 0
        })),
      key([
        "End"
      ], "End", "End", ()=>state.set({
          start_s: state.duration_s
        })),
      key([
        "ArrowUp"
      ], "↑", "Larger deflections", ()=>this.setGain(-1)),
      key([
        "ArrowDown"
      ], "↓", "Smaller deflections", ()=>this.setGain(1)),
      key([
        "["
      ], "[", "Shorter page", ()=>this.setPage(-1)),
      key([
        "]"
      ], "]", "Longer page", ()=>this.setPage(1)),
      key([
        "g"
      ], "G", "Next montage", ()=>this.setMontage(1)),
      key([
        "G"
      ], "", "", ()=>this.setMontage(-1)),
      ...jumps("e", "event", "event"),
      ...jumps("d", "detection", "detection"),
      ...jumps("f", "false alarm", "false alarm"),
      ...jumps("m", "missed", "missed seizure"),
      ...jumps("u", "uncertain", "less certain second"),
      key([
        "t"
      ], "T", "It is a seizure", ()=>this.verdict("seizure")),
      key([
        "x"
      ], "X", "It is not a seizure", ()=>this.verdict("background")),
      key([
        "r"
      ], "R", "Undecided", ()=>this.verdict("undecided")),
      key([
        ","
      ], ",", "Onset half a second earlier", ()=>this.nudge("onset_s", -NUDGE_S)),
      key([
        "."
      ], ".", "Onset half a second later", ()=>this.nudge("onset_s", NUDGE_S)),
      key([
        "<",
        ";"
      ], "<", "Stop half a second earlier", ()=>this.nudge("stop_s", -NUDGE_S)),
      key([
        ">",
        ":"
      ], ">", "Stop half a second later", ()=>this.nudge("stop_s", NUDGE_S)),
      key([
        "y"
      ], "Y", "Type of the seizure", ()=>this.panel.chooseType()),
      key([
        "c"
      ], "C", "Comment", ()=>this.chosen && this.panel.writeComment()),
      key([
        "a"
      ], "A", "Add an event in the middle of the page", ()=>this.addHere()),
      key([
        "Delete"
      ], "Del", "Take an added event back", ()=>this.verdict("withdrawn")),
      key([
        "z"
      ], "Z", "Undo my last mark", ()=>this.undo()),
      key([
        "Escape"
      ], "Esc", "Choose nothing", ()=>state.set({
          selected: null,
          stretch: null
        })),
      key([
        "j"
      ], "J", "Next recording of the list", ()=>this.neighbouring(1)),
      key([
        "k"
      ], "K", "Recording before", ()=>this.neighbouring(-1)),
      key([
        "?"
      ], "?", "These keys", showKeys)
    ];
  }
  setGain(step) {
    this.state.set({
      gain: neighbour(GAINS_UV_PER_MM, this.state.gain, step)
    });
    this.fillControls();
  }
  setPage(step) {
    const chosen = this.chosen ?? this.state.stretch;
    const inView = chosen && chosen.onset_s >= this.state.start_s && chosen.onset_s < this.state.stop_s;
    const around_s = inView ? chosen.onset_s : undefined;
    this.state.setPage(neighbour(PAGES_S, this.state.pageLength_s, step), around_s);
    this.fillControls();
  }
  setMontage(step) {
    const names = this.state.recording?.montages.map((one)=>one.name) ?? [];
    if (!names.length) return;
    const place = (names.indexOf(this.state.view.montage) + step + names.length) % names.length;
    this.state.set({
      view: {
        ...this.state.view,
        montage: names[place]
      }
    });
    this.fillControls();
  }
  fillControls() {
    const { recording, view, gain, pageLength_s } = this.state;
    const select = (id)=>element(id);
    const half_hz = (this.state.montage?.rate_hz ?? Infinity) / 2;
    const hertz = (list, off)=>list.filter((hz)=>hz === off || hz < half_hz).map((hz)=>[
          String(hz),
          hz === off ? "off" : `${hz} Hz`
        ]);
    const shown = this.state.possibleView;
    fill(select("montage"), recording?.montages.map((one)=>[
        one.name,
        one.title
      ]) ?? [], view.montage);
    fill(select("gain"), GAINS_UV_PER_MM.map((uv)=>[
        String(uv),
        `${uv} µV/mm`
      ]), String(gain));
    fill(select("page"), PAGES_S.map((page_s)=>[
        String(page_s),
        page_s === Infinity ? "whole" : length(page_s)
      ]), String(pageLength_s));
    fill(select("low"), hertz(LOW_HZ, 0), String(shown.low_hz));
    fill(select("high"), hertz(HIGH_HZ, Infinity), String(shown.high_hz));
    fill(select("notch"), hertz(NOTCH_HZ, 0), String(shown.notch_hz));
  }
  connect() {
    const { state } = this;
    const on = (id, act)=>{
      const select = element(id);
      select.addEventListener("change", ()=>act(select.value));
    };
    on("montage", (montage)=>{
      state.set({
        view: {
          ...state.view,
          montage
        }
      });
      this.fillControls();
    });
    on("gain", (uv)=>state.set({
        gain: Number(uv)
      }));
    on("page", (page_s)=>state.setPage(Number(page_s)));
    on("low", (hz)=>state.set({
        view: {
          ...state.view,
          low_hz: Number(hz)
        }
      }));
    on("high", (hz)=>state.set({
        view: {
          ...state.view,
          high_hz: Number(hz)
        }
      }));
    on("notch", (hz)=>state.set({
        view: {
          ...state.view,
          notch_hz: Number(hz)
        }
      }));
    for (const button of document.querySelectorAll("[data-jump]")){
      button.addEventListener("click", (event)=>this.jump(button.dataset["jump"], event.shiftKey ? -1 : 1));
    }
    element("help").addEventListener("click", showKeys);
    this.author.addEventListener("change", ()=>localStorage.setItem(AUTHOR, this.author.value.trim()));
    this.connectTheme();
    listen(this.bindings(), element("stage"));
    new Pointer(this.state, this.eeg, this.overview, {
      events: ()=>this.events,
      choose: (event)=>this.choose(event),
      moved: (event, onset_s, stop_s)=>this.marking.change(event, {
          onset_s,
          stop_s
        }),
      page: (step)=>this.setPage(step),
      redraw: ()=>this.redraw()
    });
    const resized = new ResizeObserver(()=>this.redraw());
    for (const id of [
      "stage",
      "probability",
      "overview"
    ])resized.observe(element(id));
    addEventListener("beforeunload", (event)=>{
      if (!this.saver.idle) event.preventDefault();
    });
    addEventListener("hashchange", ()=>{
      const wanted = new URLSearchParams(location.hash.slice(1));
      const row = this.list?.recordings.find((one)=>one.id === wanted.get("id"));
      if (row !== undefined) void this.open(row.number, Number(wanted.get("t") ?? 0));
    });
  }
  connectTheme() {
    const button = element("theme");
    const themes = [
      "auto",
      "light",
      "dark"
    ];
    const apply = (theme)=>{
      document.documentElement.dataset["theme"] = theme;
      button.textContent = `Theme: ${theme}`;
      this.colours = palette();
      this.redraw();
    };
    apply(localStorage.getItem(THEME) ?? "auto");
    button.addEventListener("click", ()=>{
      const theme = themes[(themes.indexOf(document.documentElement.dataset["theme"] ?? "auto") + 1) % 3];
      localStorage.setItem(THEME, theme);
      apply(theme);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ()=>{
      this.colours = palette();
      this.redraw();
    });
  }
}
function about(recording) {
  const parts = [
    `patient ${recording.patient}`,
    length(recording.duration_s)
  ];
  const rate_hz = recording.montages[0]?.rate_hz;
  if (rate_hz !== undefined) parts.push(`${Number(rate_hz.toFixed(2))} Hz`);
  if (recording.start !== null) parts.push(`from ${recording.start.replace("T", " ")}`);
  if (!recording.labelled) parts.push("no annotation");
  return parts.join(" · ");
}
void new Page().start();
