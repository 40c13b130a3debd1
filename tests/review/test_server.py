"""What the server answers, and whom it does not answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ictal.errors import InputError
from ictal.recordings.annotations import bids
from ictal.recordings.events import seizures
from ictal.review.access import Door, is_loopback
from ictal.review.overview import Overview
from ictal.review.server import LONGEST_EDIT_BYTES, listen
from ictal.review.tiles import TILE_COLUMNS
from ictal.review.views import View, look
from tests.review.recordings import RATE_HZ, Served, opened, served

FILTERED = "montage=double-banana-18&low_hz=0.5&high_hz=40&notch_hz=50"
EDIT: dict[str, object] = {
    "seen": 0,
    "event": "reviewer:1",
    "source": "reviewer",
    "onset_s": 250.0,
    "stop_s": 260.0,
    "label": "sz",
    "verdict": "seizure",
    "comment": "",
    "author": "Dr Test",
    "edit": "first",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a document."""
        return json.loads(self.body)

    @property
    def floats(self) -> np.ndarray:
        """The body as numbers."""
        return np.frombuffer(self.body, dtype="<f4")


def ask(
    server: Served, path: str, *, method: str = "GET", body: object = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request, its path sent as it stands."""
    connection = http.client.HTTPConnection("127.0.0.1", server.door.port)
    sent = {"Content-Type": "application/json"} if body is not None else {}
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method, path, content, {**sent, **(headers or {})})
    response = connection.getresponse()
    answer = Answer(status=response.status, headers=dict(response.getheaders()), body=response.read())
    connection.close()
    return answer


def edit(server: Served, number: int = 0, **changed: object) -> Answer:
    """Send a mark."""
    return ask(server, f"/api/recordings/{number}/marks", method="POST", body={**EDIT, **changed})


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that nothing is changed on."""
    with served(opened(tmp_path_factory.mktemp("server"))) as server:
        yield server


@pytest.fixture
def marking(tmp_path: Path) -> Iterator[Served]:
    """A server of one's own."""
    with served(opened(tmp_path)) as server:
        yield server


def test_the_list_counts_what_was_found(reading: Served) -> None:
    """A row for every recording."""
    document = ask(reading, "/api/list").json
    assert document["marks"] == str(reading.review.opened.marks.absolute())
    assert (document["title"], document["author"], document["threshold"]) == ("small", "Dr Test", 0.6)
    first, second, third = document["recordings"]
    assert (first["id"], first["patient"], first["duration_s"]) == ("anna_1", "anna", 300.0)
    counts = ("reference", "detections", "false_alarms", "missed", "labelled", "reviewed", "marked")
    assert [first[name] for name in counts] == [2, 2, 1, 1, True, False, 0]
    assert [second[name] for name in counts] == [0, 2, 0, 0, False, False, 0]
    assert [third[name] for name in counts] == [2, 0, 0, 0, True, False, 0]


def test_a_recording_says_what_can_be_shown(reading: Served) -> None:
    """Montages with their channels and colours, events with their outcome, doubts."""
    document = ask(reading, "/api/recordings/0").json
    banana = document["montages"][0]
    assert (banana["name"], banana["rate_hz"], banana["samples"]) == ("double-banana-18", RATE_HZ, 300 * RATE_HZ)
    assert banana["channels"][0] == {"name": "Fp1-F7", "region": "left-temporal", "validity": "measured"}
    assert [event["outcome"] for event in document["events"]] == ["found", "missed", "hit", "false alarm"]
    assert document["steps_hz"] == 8.0
    assert document["uncertain"][0][1] == 0.5
    assert ask(reading, "/api/recordings/2").json["steps_hz"] is None


def test_eeg_comes_as_it_is_read(reading: Served) -> None:
    """A tile holds the numbers of the view; asked for again, the same bytes."""
    answer = ask(reading, f"/api/recordings/0/tiles/1/2?{FILTERED}")
    view = View(montage="double-banana-18", low_hz=0.5, high_hz=40, notch_hz=50)
    eeg = look(reading.review.opened.recordings[0].header, view)
    expected = eeg.read_uv(2 * TILE_COLUMNS, 3 * TILE_COLUMNS)
    np.testing.assert_array_equal(answer.floats.reshape(18, -1), expected)
    assert ask(reading, f"/api/recordings/0/tiles/1/2?{FILTERED}").body == answer.body


def test_the_overview_comes_as_it_grows(reading: Served) -> None:
    """How much is known stands in the headers, and in the end it is all."""
    while True:
        answer = ask(reading, f"/api/recordings/0/overview?columns=100&{FILTERED}")
        done, blocks = int(answer.headers["overview-done"]), int(answer.headers["overview-blocks"])
        columns = answer.floats.reshape(18, -1, 2)
        if done == blocks:
            break
    assert columns.shape[1] == -(-300 * RATE_HZ // int(answer.headers["overview-factor"])) <= 100
    assert (columns[:, :, 0] <= columns[:, :, 1]).all()


def test_an_overview_that_grows_while_it_is_answered_is_not_said_to_be_done(
    reading: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page asks again until all is done: what it has then has to be everything."""
    original = Overview.columns

    def grown(overview: Overview, most: int) -> tuple[int, npt.NDArray[np.float32]]:
        answer = original(overview, most)
        overview.done = overview.blocks
        return answer

    monkeypatch.setattr(Overview, "columns", grown)
    monkeypatch.setattr(Overview, "go_on", lambda _overview: time.sleep(0.01))
    answer = ask(reading, "/api/recordings/0/overview?columns=100&montage=double-banana-18&low_hz=0.5&high_hz=30")
    assert answer.floats.size == 0
    assert int(answer.headers["overview-done"]) < int(answer.headers["overview-blocks"])


def test_the_probability_comes_whole(reading: Served) -> None:
    """One value per step; where there is no detector there is none."""
    trace = ask(reading, "/api/recordings/0/probability").floats
    assert trace.shape == (300 * 8,)
    assert trace.max() == np.float32(0.95)
    assert ask(reading, "/api/recordings/2/probability").status == 404


@pytest.mark.parametrize(
    "query",
    [
        "tiles/1/0",
        "tiles/1/0?montage=none",
        "tiles/1/0?montage=recorded&low_hz=x",
        "tiles/1/0?montage=recorded&low_hz=nan",
        "tiles/1/0?montage=recorded&high_hz=64",
        "tiles/1/999?montage=recorded",
        "tiles/5/0?montage=recorded",
        "overview?montage=recorded&columns=0",
        "overview?montage=recorded&columns=inf",
        "overview?montage=recorded",
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(reading: Served, query: str) -> None:
    """As one error of what, got, expected and what to do."""
    answer = ask(reading, f"/api/recordings/0/{query}")
    assert answer.status == 400
    assert answer.json.keys() == {"what", "where", "got", "expected", "remedy", "code"}


@pytest.mark.parametrize(
    "path",
    [
        *("/../../etc/passwd", "/page/../../../../etc/passwd", "/page/..%2f..%2f..%2fetc%2fpasswd", "/page/server.py"),
        *("/page/%2e%2e/server.py", "/api/recordings/3", "/api/recordings/-1", "/api/recordings/anna_1"),
        *("/api/recordings/..%2f..%2fetc%2fpasswd/marks", "/etc/passwd", "//etc/passwd", "/page/", "/page/__init__.py"),
        *("/api/recordings/99999999999999999999/marks", "/review/anna_1.marks.jsonl", "/anna_1.edf"),
    ],
)
def test_nothing_but_the_list_can_be_asked_for(reading: Served, path: str) -> None:
    """No request holds a path, so none leads anywhere."""
    assert ask(reading, path).status == 404


def test_the_page_may_load_nothing_from_elsewhere(reading: Served) -> None:
    """Every answer, errors among them, says so to the browser; no script stands in the page itself."""
    for path in ("/", "/page/style.css", "/api/list", "/api/recordings/77", "/nothing"):
        policy = ask(reading, path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    page = ask(reading, "/").body.decode()
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "localhost.evil:{port}"]
)
def test_a_name_that_points_here_gets_nothing(reading: Served, host: str) -> None:
    """DNS rebinding: the browser sends the name that the attacker chose."""
    answer = ask(reading, "/api/list", headers={"Host": host.format(port=reading.door.port)})
    assert answer.status in {400, 421}
    assert b"anna" not in answer.body


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:{port}"])
def test_names_of_this_machine_are_known(reading: Served, host: str) -> None:
    """Whichever the user typed."""
    assert ask(reading, "/api/list", headers={"Host": host.format(port=reading.door.port)}).status == 200


def test_edits_come_from_the_page_alone(marking: Served) -> None:
    """A form or a script of another page cannot send one; nothing is written."""
    foreign = [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ]
    for headers in foreign:
        assert ask(marking, "/api/recordings/0/marks", method="POST", body=EDIT, headers=headers).status == 403
    assert not marking.review.journals[0].path.exists()
    own = {"Origin": f"http://127.0.0.1:{marking.door.port}", "Sec-Fetch-Site": "same-origin"}
    assert ask(marking, "/api/recordings/0/marks", method="POST", body=EDIT, headers=own).status == 200


def test_the_token_opens_the_door_once_and_the_cookie_keeps_it_open(tmp_path: Path) -> None:
    """Without either there is no answer, not even of the page; the token does not stay in the address."""
    with served(opened(tmp_path), token="secret") as server:  # noqa: S106 - not one
        for path in ("/", "/api/list", "/page/style.css", "/?token=wrong", "/api/list?token=secret"):
            answer = ask(server, path)
            assert answer.status == 401
            assert b"anna" not in answer.body
        welcome = ask(server, "/?token=secret")
        assert (welcome.status, welcome.headers["location"]) == (303, "/")
        cookie = welcome.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        held = {"Cookie": cookie.partition(";")[0]}
        assert ask(server, "/api/list", headers=held).status == 200
        assert ask(server, "/api/list", headers={"Cookie": held["Cookie"] + "x"}).status == 401
        assert "token=secret" in server.door.url


def test_doors_know_their_names() -> None:
    """Bound to every address, any address is the server's and no name is; bound to one, only that."""
    everywhere, one = Door(host="0.0.0.0", port=80, token="t"), Door(host="192.168.1.2", port=80, token="t")  # noqa: S104, S106
    assert everywhere.names("10.0.0.7:80")
    assert everywhere.names("[fe80::1]:80")
    assert all(map(everywhere.names, ("10.0.0.7", "[fe80::1]")))  # browsers leave HTTP's own port out
    assert not any(map(Door(host="10.0.0.7", port=81, token="t").names, ("10.0.0.7", "10.0.0.7:")))  # noqa: S106
    assert not everywhere.names("ward.example:80")
    assert one.names("192.168.1.2:80")
    assert not one.names("192.168.1.3:80")
    assert not one.names("localhost:80")
    assert Door(host="::1", port=5, token="").url == "http://[::1]:5/"
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.9.9.9")))
    assert not any(map(is_loopback, ("0.0.0.0", "a.b", "10.0.0.1")))  # noqa: S104


def test_a_port_that_is_taken_is_one_error() -> None:
    """With what to do."""
    with listen("127.0.0.1", 0) as taken, pytest.raises(InputError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_an_edit_is_on_disk_when_it_is_confirmed(marking: Served) -> None:
    """In the journal, and in the annotation that stands for the recording."""
    answer = edit(marking)
    assert answer.status == 200
    assert answer.json["written"]["revision"] == 1
    assert answer.json["written"]["time"].endswith("+00:00")
    path = Path(answer.json["annotation"])
    assert seizures(bids.read(path)) == ((20.0, 30.0), (70.0, 75.0), (250.0, 260.0))
    assert marking.review.journals[0].path.read_text().count("\n") == 1
    assert ask(marking, "/api/list").json["recordings"][0]["marked"] == 1
    edit(marking, seen=1, edit="second", verdict="withdrawn")
    assert seizures(bids.read(path)) == ((20.0, 30.0), (70.0, 75.0))
    assert ask(marking, "/api/list").json["recordings"][0]["marked"] == 0  # nothing is done that was taken back


def test_two_tabs_do_not_overwrite_each_other(marking: Served) -> None:
    """The second one is told what the first has done and by whom; then it may decide."""
    assert edit(marking, edit="tab 1", author="First").status == 200
    refused = edit(marking, edit="tab 2", author="Second", verdict="background")
    assert refused.status == 409
    assert refused.json["conflict"]["author"] == "First"
    assert edit(marking, edit="tab 2 again", author="Second", verdict="background", seen=1).status == 200
    assert [mark["author"] for mark in ask(marking, "/api/recordings/0/marks").json["marks"]] == ["Second"]


def test_edits_at_the_same_time_leave_one_annotation_of_all(marking: Served) -> None:
    """Whoever writes the file last has read the last mark."""
    threads = [
        threading.Thread(
            target=edit,
            args=(marking,),
            kwargs={"event": f"e{n}", "edit": f"e{n}", "onset_s": 100.0 + 2 * n, "stop_s": 101.0 + 2 * n},
        )
        for n in range(12)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    path = Path(ask(marking, "/api/recordings/0/marks").json["annotation"])
    assert len(seizures(bids.read(path))) == 2 + 12


def test_an_unlabelled_recording_becomes_labelled_and_back(marking: Served) -> None:
    """Its annotation is there while somebody stands for all of it."""
    assert edit(marking, 1).json["annotation"] is None
    whole = {"event": "recording", "onset_s": 0.0, "stop_s": 300.0, "label": "bckg"}
    answer = edit(marking, 1, **whole, verdict="background", edit="all")
    assert answer.json["annotation"].endswith("review/deep/ben_1_events.tsv")
    assert seizures(bids.read(Path(answer.json["annotation"]))) == ((250.0, 260.0),)
    assert edit(marking, 1, **whole, verdict="undecided", edit="not", seen=2).json["annotation"] is None
    assert not Path(answer.json["annotation"]).exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"stop_s": 301.1},
        {"onset_s": 300.0, "stop_s": 300.5},
        {"stop_s": 10**400},
        {"comment": "a\tb"},
        {"author": ""},
        {"seen": "x"},
        {"verdict": "maybe"},
        {"onset_s": "NaN"},
    ],
    ids="-".join,
)
def test_an_edit_that_cannot_be_is_refused(marking: Served, changed: dict[str, object]) -> None:
    """Before anything is written."""
    assert edit(marking, **changed).status == 400
    assert not marking.review.journals[0].path.exists()


def test_an_event_that_reaches_behind_the_end_is_cut(marking: Served) -> None:
    """By rounding, or as far as an annotation may be wrong: else nobody could say that it is a seizure."""
    written = edit(marking, onset_s=290.0, stop_s=300.00005).json["written"]
    assert (written["onset_s"], written["stop_s"]) == (290.0, 300.0)
    annotation = bids.read(marking.review.opened.marks / "anna_1_events.tsv")
    assert (290.0, 300.0) in seizures(annotation)


@pytest.mark.parametrize(
    "body",
    [b"", b"nothing", b"[]", b"\xff", b'{"seen": 0}', b"9" * 5000, b"[" * 60_000, b" " * (LONGEST_EDIT_BYTES + 1)],
    ids=["empty", "text", "list", "bytes", "little", "digits", "deep", "long"],
)
def test_a_body_that_is_no_edit_is_refused(marking: Served, body: bytes) -> None:
    """With the same kind of answer, and no more in memory than an edit may be long."""
    answer = ask(marking, "/api/recordings/0/marks", method="POST", body=body)
    assert (answer.status, set(answer.json) >= {"what", "where", "got", "expected"}) == (400, True)
