"""The page's server. Recordings are asked for by their number in the list: no request holds a path.

| address | answer |
|---|---|
| `/`, `/page/NAME` | the page, its style and scripts |
| `/api/list` | the work list |
| `/api/recordings/N` | channels, montages, events and marks of a recording |
| `/api/recordings/N/tiles/FACTOR/TILE?montage&low_hz&high_hz&notch_hz` | EEG as float32 (`tiles.tile`) |
| `/api/recordings/N/overview?columns&montage&...` | extremes of the whole recording, as far as they are known |
| `/api/recordings/N/probability` | the detector's trace as float32 |
| `/api/recordings/N/marks` | GET: marks; POST: one edit, 409 if the event was changed meanwhile |
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ictal.errors import InputError, check_setting
from ictal.recordings.annotations.beside import events_of
from ictal.recordings.corpus import DURATION_TOLERANCE_S
from ictal.recordings.labels import SEIZURE_TYPES
from ictal.review import corrected
from ictal.review.access import Access, Door
from ictal.review.listing import Listed, Opened, uncertain_seconds
from ictal.review.marks import RECORDING, Journal, Mark, StaleEditError, mark_of
from ictal.review.overview import Overviews
from ictal.review.regions import region
from ictal.review.tiles import FACTORS, TILE_COLUMNS, Kept, tile
from ictal.review.views import TITLES, Eeg, View, look, offered

TILES_BYTES = 64 << 20
"""Most memory for tiles that were made."""
_VIEWS_KEPT = 32
_MOST_COLUMNS = 20_000
LONGEST_EDIT_BYTES = 1 << 16
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript"}


class Review:
    """Everything behind the page.

    Args:
        opened: What may be shown.
        author: Who marks, unless the page says otherwise.
        clock: Tells the time of an edit.
    """

    def __init__(
        self, opened: Opened, author: str, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self.opened = opened
        self.author = author
        self.clock = clock
        self.journals = [Journal(opened.marks / f"{one.id}.marks.jsonl") for one in opened.recordings]
        self.tiles = Kept(TILES_BYTES)
        self.overviews = Overviews()
        self.page = _page()
        self._look = functools.lru_cache(maxsize=_VIEWS_KEPT)(lambda n, view: look(opened.recordings[n].header, view))

    def app(self) -> Starlette:
        """The application, without the door in front of it."""
        recording = "/api/recordings/{number:int}"
        return Starlette(
            routes=[
                Route("/", self.file),
                Route("/page/{name}", self.file),
                Route("/api/list", self.work_list),
                Route(recording, self.recording),
                Route(f"{recording}/tiles/{{factor:int}}/{{tile:int}}", self.tile),
                Route(f"{recording}/overview", self.overview),
                Route(f"{recording}/probability", self.probability),
                Route(f"{recording}/marks", self.marks),
                Route(f"{recording}/marks", self.mark, methods=["POST"]),
            ],
            exception_handlers={InputError: _refused},
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        self.overviews.close()

    async def file(self, request: Request) -> Response:
        """A file of the page, by its name among those that were read at the start."""
        name = request.path_params.get("name", "index.html")
        if name not in self.page:
            raise HTTPException(404)
        return Response(self.page[name], media_type=_TYPES[Path(name).suffix])

    def work_list(self, _: Request) -> Response:
        """The work list."""
        rows = [self._row(number, one) for number, one in enumerate(self.opened.recordings)]
        return JSONResponse(
            {
                "title": self.opened.title,
                "marks": str(self.opened.marks.absolute()),
                "author": self.author,
                "types": [asdict(one) for one in SEIZURE_TYPES],
                "threshold": self.opened.threshold,
                "recordings": rows,
                "aside": [asdict(one) for one in self.opened.aside],
            }
        )

    def recording(self, request: Request) -> Response:
        """All about a recording but its signal."""
        number, one = self._asked(request)
        header, trace = one.header, one.probability() if one.probability is not None else None
        return JSONResponse(
            {
                **self._row(number, one),
                "start": header.start.isoformat() if header.start else None,
                "notes": header.notes,
                "montages": [
                    {
                        "name": name,
                        "title": TITLES[name],
                        "rate_hz": found.rate_hz,
                        "samples": look(header, View(montage=name)).samples,
                        "channels": [
                            {"name": channel, "region": region(channel), "validity": validity}
                            for channel, validity in zip(found.channels, found.validity, strict=True)
                        ],
                    }
                    for name, found in offered(header)
                ],
                "tile_columns": TILE_COLUMNS,
                "factors": FACTORS,
                "events": [{"name": e.name, **asdict(e)} for e in one.events],
                "steps_hz": None if trace is None else self.opened.steps_hz,
                "uncertain": [] if trace is None else uncertain_seconds(trace, self.opened.steps_hz or 1.0),
                **self._marks(number),
            }
        )

    def tile(self, request: Request) -> Response:
        """A piece of EEG."""
        number, _ = self._asked(request)
        factor, place = request.path_params["factor"], request.path_params["tile"]
        view = _view(request.query_params)
        eeg: Eeg = self._look(number, view)
        return _floats(self.tiles.get((number, view, factor, place), lambda: tile(eeg, factor, place)))

    def overview(self, request: Request) -> Response:
        """What is known of the whole recording; how much that is stands in the headers."""
        number, _ = self._asked(request)
        view = _view(request.query_params)
        columns = _number(request.query_params, "columns", 0.0)
        check_setting(1 <= columns <= _MOST_COLUMNS, "columns", columns, f"1 to {_MOST_COLUMNS}")
        overview = self.overviews.of((number, view), self._look(number, view))
        if overview.fault is not None:
            raise overview.fault
        done = overview.done  # before its columns are taken, as it grows: who reads that all is done has all of them
        factor, known = overview.columns(int(columns))
        progress = {"Overview-Factor": factor, "Overview-Done": done, "Overview-Blocks": overview.blocks}
        return _floats(known.astype("<f4").tobytes(), {name: str(value) for name, value in progress.items()})

    def probability(self, request: Request) -> Response:
        """The detector's trace."""
        _, one = self._asked(request)
        if one.probability is None:
            raise HTTPException(404)
        return _floats(one.probability().astype("<f4").tobytes())

    def marks(self, request: Request) -> Response:
        """The marks of a recording."""
        return JSONResponse(self._marks(self._asked(request)[0]))

    async def mark(self, request: Request) -> Response:
        """Take one edit."""
        number, _ = self._asked(request)
        body = bytearray()
        async for piece in request.stream():
            body += piece
            check_setting(len(body) <= LONGEST_EDIT_BYTES, "edit", "more", f"at most {LONGEST_EDIT_BYTES} bytes")
        return await run_in_threadpool(self._edit, number, bytes(body))

    def _edit(self, number: int, body: bytes) -> Response:
        one, journal = self.opened.recordings[number], self.journals[number]
        seen, mark = _edit_of(body, self.clock().isoformat(timespec="seconds"))
        mark = _cut(mark, one.header.duration_s)
        try:
            written = journal.append(mark, seen)
        except StaleEditError as stale:
            return JSONResponse({"conflict": asdict(stale.current), **self._marks(number)}, 409)
        self.write_annotation(number)
        return JSONResponse({"written": asdict(written), **self._marks(number)})

    def write_annotation(self, number: int) -> None:
        """Write the annotation that the marks make, from the journal: the last writer has read the last mark."""
        one, journal = self.opened.recordings[number], self.journals[number]
        path = self.opened.marks / events_of(one.id)
        with journal.settled() as marks:
            if marks and corrected.is_complete(one, marks):
                corrected.write(path, one, marks)
            else:
                corrected.remove(path)

    def _asked(self, request: Request) -> tuple[int, Listed]:
        number = request.path_params["number"]
        if number >= len(self.opened.recordings):
            raise HTTPException(404)
        return number, self.opened.recordings[number]

    def _row(self, number: int, one: Listed) -> dict[str, Any]:
        marks = self.journals[number].marks()
        outcomes = [event.outcome for event in one.events]
        sources = [event.source for event in one.events]
        return {
            "number": number,
            "id": one.id,
            "patient": one.patient,
            "duration_s": one.header.duration_s,
            "labelled": one.labelled,
            "remark": one.remark,
            "reference": sources.count("reference"),
            "detections": sources.count("detection"),
            "false_alarms": outcomes.count("false alarm"),
            "missed": outcomes.count("missed"),
            "marked": sum(mark.is_decided for name, mark in marks.items() if name != RECORDING),
            "reviewed": RECORDING in marks and marks[RECORDING].verdict == "background",
        }

    def _marks(self, number: int) -> dict[str, Any]:
        one, journal = self.opened.recordings[number], self.journals[number]
        marks = journal.marks()
        complete = bool(marks) and corrected.is_complete(one, marks)
        return {
            "revision": journal.revision,
            "marks": [asdict(mark) for mark in marks.values()],
            "annotation": str(self.opened.marks / events_of(one.id)) if complete else None,
        }


def listen(host: str, port: int) -> socket.socket:
    """A socket that the server will answer at; port 0 takes any that is free.

    Raises:
        InputError: if there is no such address here or the port is taken (code `address`).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InputError(
            "The page cannot be served at this address",
            where="--host, --port",
            got=f"{host}:{port}: {error}",
            expected="an address of this machine and a free port",
            remedy="choose another --port; 0 takes any that is free",
            code="address",
        ) from error


def server(app: ASGIApp, door: Door) -> uvicorn.Server:
    """A server to `run` on the socket of the door."""
    return uvicorn.Server(
        uvicorn.Config(
            Access(app, door),
            lifespan="on",
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
    )


def _page() -> dict[str, bytes]:
    """Files of the page by name."""
    folder = files("ictal.review") / "page"
    found = [one for place in (folder, folder / "built") for one in place.iterdir()]
    return {one.name: one.read_bytes() for one in found if Path(one.name).suffix in _TYPES}


def _view(query: Mapping[str, str]) -> View:
    return View(
        montage=query.get("montage", ""),
        low_hz=_number(query, "low_hz", 0.0),
        high_hz=_number(query, "high_hz", math.inf),
        notch_hz=_number(query, "notch_hz", 0.0),
    )


def _number(query: Mapping[str, str], key: str, default: float) -> float:
    text = query.get(key)
    if text is None:
        return default
    try:
        return float(text)
    except ValueError:
        check_setting(False, key, text, "a number")  # noqa: FBT003
        raise


def _edit_of(body: bytes, time: str) -> tuple[int, Mark]:
    """The revision that the author saw, and the mark.

    Raises:
        InputError: as `marks.mark_of`.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of thousands of digits; too deep
        document = None
    seen = document.pop("seen", None) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(seen, int):
        raise InputError(
            "An edit cannot be read",
            where="the request's body",
            got=repr(body[:100]),
            expected="a JSON object with the mark's fields and `seen`",
            remedy="reload the page",
            code="mark",
        )
    return seen, mark_of({**document, "time": time, "revision": 0})


def _cut(mark: Mark, duration_s: float) -> Mark:
    """A mark whose stop lies behind the recording's end by no more than annotations may be wrong, or have been rounded.

    Raises:
        InputError: if it lies further away (code `config-value`).
    """
    expected = f"an event that begins before {duration_s} s and stops by then"
    inside = mark.onset_s < duration_s and mark.stop_s <= duration_s + DURATION_TOLERANCE_S
    check_setting(inside, "onset_s, stop_s", f"{mark.onset_s} to {mark.stop_s} s", expected)
    return replace(mark, stop_s=min(mark.stop_s, duration_s))


def _floats(content: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, media_type="application/octet-stream", headers=headers)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    named = {name: str(getattr(error, name)) for name in ("what", "where", "got", "expected", "remedy", "code")}
    return JSONResponse(named, 400)
