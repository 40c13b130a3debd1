"""The review page in Chromium, on a recording of 24 hours that the script makes: 19 channels at 256 Hz, 840 MB.

Printed: how long until the first EEG is on the screen, from the address being opened, at places of the recording that
nobody has looked at before; how long a redraw of 19 channels and 60 s takes, pixels included, in turns with a path of a
plain canvas through every sample and, if they are there, with uPlot and Plotly (SVG, without its painting), which are
given signals that lie in memory and scroll over them; how long until the whole recording was read for the overview;
and the server's memory at the end. The page and its server are those that users run. Needs Debian's chromium and
playwright.

    npm install --prefix /tmp/peers uplot@1.6.32 plotly.js-basic-dist-min@4.1.1
    python benchmarks/review.py /tmp/peers/node_modules
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import edfio
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from ictal.recordings.channels import SCALP_19

HOURS, RATE_HZ, MINUTE_S = 24, 256, 60
FIRSTS, REDRAWS = 9, 40
PEERS = {
    "uPlot": ("uplot/dist/uPlot.iife.min.js", "uplot/package.json"),
    "Plotly": ("plotly.js-basic-dist-min/plotly-basic.min.js", "plotly.js-basic-dist-min/package.json"),
}
"""Script and version of each, below the folder that is named."""
OTHERS = """
  const seconds = 60, rate = 256, channels = 19, length = 2 * seconds * rate;
  const times = Float64Array.from({ length }, (_, n) => n / rate);
  const signal = Float32Array.from({ length }, (_, n) => 40 * Math.sin(n / 9) + 30 * Math.sin(n * n));
  const stacked = Array.from({ length: channels }, (_, channel) => signal.map((uv) => uv / 150 - channel));
  const flushed = (canvas) => canvas.getContext("2d").getImageData(0, 0, 1, 1);
  const place = () => {
    const place = document.createElement("div");
    Object.assign(place.style, { position: "fixed", left: 0, top: 0, opacity: 0.01, pointerEvents: "none" });
    document.body.append(place);
    return place;
  };
  const others = {
    "a canvas path through every sample": async (width, height) => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d");
      return async (from_s) => {
        const first = from_s * rate, samples = seconds * rate;
        context.clearRect(0, 0, width, height);
        for (let channel = 0; channel < channels; channel++) {
          const middle = ((channel + 0.5) * height) / channels;
          context.beginPath();
          for (let n = 0; n < samples; n++) context.lineTo((n * width) / samples, middle + signal[first + n] / 3);
          context.stroke();
        }
        flushed(canvas);
      };
    },
    uPlot: async (width, height) => {
      const series = stacked.map(() => ({ stroke: "black", width: 1 }));
      const plot = new uPlot({
        width, height, series: [{}, ...series], legend: { show: false },
        scales: { x: { time: false, auto: false, range: (_, min, max) => [min, max] }, y: { range: [-channels, 1] } },
      }, [times, ...stacked], place());
      return async (from_s) => {
        plot.setScale("x", { min: from_s, max: from_s + seconds });
        await Promise.resolve();
        flushed(plot.ctx.canvas);
      };
    },
    Plotly: async (width, height) => {
      const traces = stacked.map((y) => ({ x: times, y, mode: "lines", line: { width: 1 } }));
      const plot = await Plotly.newPlot(place(), traces, { width, height, showlegend: false }, { staticPlot: true });
      return async (from_s) => {
        await Plotly.relayout(plot, { "xaxis.range": [from_s, from_s + seconds] });
        plot.getBoundingClientRect(); // laid out; what painting takes is not in it
      };
    },
  };
"""
REDRAW = f"""async ({{ rounds, names }}) => {{
  {OTHERS}
  const traces = document.getElementById("traces");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const steps = {{}}, took = {{ ours: [] }};
  for (const name of names) {{
    steps[name] = await others[name](traces.width, traces.height);
    took[name] = [];
  }}
  for (let round = 0; round < rounds; round++) {{
    let begin = 0;
    requestAnimationFrame(() => {{ begin = performance.now(); }});
    document.body.dispatchEvent(new KeyboardEvent("keydown", {{ key: "ArrowRight", bubbles: true }}));
    await frame();
    if (performance.getEntriesByName("redraw").at(-1).startTime < begin) {{ // drawn before the clock ran
      round--;
      continue;
    }}
    for (const id of ["ground", "traces", "overlay", "overview"]) flushed(document.getElementById(id));
    took.ours.push(performance.now() - begin);
    for (const name of names) {{
      await frame();
      const start = performance.now();
      await steps[name]((round % 50) + 1);
      took[name].push(performance.now() - start);
    }}
    await frame();
  }}
  return {{ took, size: [traces.width, traces.height] }};
}}"""


def main(peers: Path | None) -> None:
    """Write the day, look at it, print."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("needs a browser: apt install chromium")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # /tmp may be memory
        path = Path(folder) / "day.edf"
        write_day(path)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {path.stat().st_size / 1e6:.0f} MB")
        with served(Path(folder)) as (url, server), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            print_firsts(browser, url)
            print_redraws(browser, url, peers)
            print_overview(browser, url)
            browser.close()
            print(f"server's memory: now {memory_mb(server, 'VmRSS')} MB, at most {memory_mb(server, 'VmHWM')} MB")


def write_day(path: Path) -> None:
    """A minute of noise, again and again, with the header of a day."""
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 30, (len(SCALP_19), MINUTE_S * RATE_HZ))
    signals = [
        edfio.EdfSignal(row, RATE_HZ, label=name, physical_dimension="uV", physical_range=(-500, 500))
        for name, row in zip(SCALP_19, noise, strict=True)
    ]
    edfio.Edf(signals).write(path)
    whole = bytearray(path.read_bytes())
    header_bytes, records = int(whole[184:192]), int(whole[236:244])
    minutes = HOURS * 60
    whole[236:244] = str(records * minutes).encode().ljust(8)
    with path.open("wb") as file:
        file.write(whole[:header_bytes])
        for _ in range(minutes):
            file.write(whole[header_bytes:])


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """The command as it is typed; its link and its process's number."""
    command = [sys.executable, "-m", "ictal", "review", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
        process.terminate()


def print_firsts(browser: Browser, url: str) -> None:
    """From opening the address to EEG on the screen."""
    times_ms = []
    for number in range(FIRSTS):
        page = opened(browser, f"{url}#id=day&t={(number + 1) * 7919}")
        times_ms.append(page.evaluate("performance.getEntriesByName('first-eeg')[0].startTime"))
        page.context.close()
    print(f"first EEG: {row(times_ms)}")


def print_redraws(browser: Browser, url: str, peers: Path | None) -> None:
    """One step of scrolling, until its pixels can be read; the same of others."""
    page = opened(browser, f"{url}#id=day&t=40000", bypass_csp=True)
    page.select_option("#montage", "referential-19")
    page.select_option("#page", "60")
    page.wait_for_timeout(3000)
    names = ["a canvas path through every sample"]
    for name, (script, package) in PEERS.items():
        if peers is None:
            continue
        page.add_script_tag(path=peers / script)
        print(f"{name} {json.loads((peers / package).read_text())['version']}")
        names.append(name)
    measured: dict[str, Any] = page.evaluate(REDRAW, {"rounds": REDRAWS, "names": names})
    took = measured["took"]
    print(f"redraw of 19 channels x 60 s on {measured['size'][0]} x {measured['size'][1]}: {row(took['ours'])}")
    for name in names:
        ratio = statistics.median(b / a for a, b in zip(took["ours"], took[name], strict=True))
        print(f"{name}: {row(took[name])}; {ratio:.1f} times that of ours")
    page.context.close()


def print_overview(browser: Browser, url: str) -> None:
    """Until the whole recording was read, through another view than before."""
    page = opened(browser, f"{url}#id=day&t=0")
    begin = time.monotonic()
    page.select_option("#montage", "average-19")
    page.select_option("#page", "Infinity")
    page.wait_for_selector("html[data-drawn=part]")
    page.wait_for_selector("html[data-drawn=whole]", timeout=600_000)
    print(f"overview of {HOURS} h: {time.monotonic() - begin:.1f} s in the background")
    page.context.close()


def opened(browser: Browser, url: str, *, bypass_csp: bool = False) -> Page:
    """The page with its first EEG on the screen."""
    page = browser.new_context(viewport={"width": 1500, "height": 900}, bypass_csp=bypass_csp).new_page()
    page.goto(url)
    page.wait_for_selector("html[data-drawn=whole]")
    return page


def row(times_ms: list[float]) -> str:
    """Median and range."""
    median, least, most = statistics.median(times_ms), min(times_ms), max(times_ms)
    return f"{median:.1f} ms, from {least:.1f} to {most:.1f}"


def memory_mb(process: int, field: str) -> int:
    """A line of the process's status."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
