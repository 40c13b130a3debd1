"""A real S3 server (moto's) in a process of its own, its buckets, and what it was asked."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import ObjectStore, from_url


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    endpoint: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a machine that uses it has in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
        }

    def make(self, bucket: str) -> str:
        """An empty bucket; returns a URL with a prefix in it."""
        self.call("PUT", f"/{bucket}")
        return f"s3://{bucket}/some/prefix"

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
        options = {"aws_endpoint": self.endpoint, "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return from_url(url, client_options={"allow_http": True}, **options)  # type: ignore[call-overload, no-any-return]

    def asked(self) -> list[tuple[str, str, int]]:
        """Method, path and status of every request so far; a thread of the server may write after it has answered."""
        size, text = -1, ""
        while len(text) != size:
            size = len(text)
            time.sleep(0.1)
            text = self.log.read_text()
        found = re.findall(r'"(\w+) (\S+) HTTP/1.1" (\d+)', text)
        return [(method, path, int(status)) for method, path, status in found]


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], Server]:
    """Start a server on a free port, logging into a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(endpoint=f"http://127.0.0.1:{port}", log=folder / "moto.log")
    with server.log.open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(600):
        try:
            server.call("GET", "/")
        except urllib.error.URLError:
            assert process.poll() is None, server.log.read_text()
            time.sleep(0.1)
        else:
            break
    return process, server
