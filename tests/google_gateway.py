"""A gateway to fake-gcs-server that knows the one request of a store which that server does not: how obstore writes.

obstore puts an object by `PUT /bucket/object` of Google's XML interface, with `x-goog-if-generation-match: 0` where
there must be none yet. The server takes objects, and heeds that condition, by a multipart upload of the JSON interface
alone, so such a `PUT` is handed on as one, and its answer given in the headers of the XML interface. A bucket that is
not there, which the server would make (`PUT`) or call an error of its own (a listing), is answered as Google documents
it: 404, `NoSuchBucket`. Every other request and every other answer is handed on as it is; objects and conditions are
the server's.

    python -m tests.google_gateway PORT PORT-OF-THE-SERVER
"""

from __future__ import annotations

import json
import secrets
import sys
import urllib.parse
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
_NO_BUCKET = b"<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message></Error>"
_BETWEEN_TWO = {"connection", "transfer-encoding"}
"""Headers that speak of one connection, not of what it carries."""


class Gateway(BaseHTTPRequestHandler):
    """One connection of a client, and the one to the server that belongs to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_port = 0

    def setup(self) -> None:
        """Make ready to ask the server."""
        super().setup()
        self.behind = HTTPConnection(HOST, self.server_port, timeout=30)

    def finish(self) -> None:
        """Part from the server too."""
        self.behind.close()
        super().finish()

    def _any(self) -> None:
        """Any request; the log has it before its answer is given."""
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length)
        if len(content) < length:  # who was sending it has died
            self.close_connection = True
            return
        bucket, _, name = urllib.parse.urlsplit(self.path).path.removeprefix("/").partition("/")
        if bucket not in {"storage", "upload"} and not self._is_there(bucket):
            self._answer(404, Message(), _NO_BUCKET)
        elif self.command == "PUT":
            self._answer(*self._put(bucket, urllib.parse.unquote(name), content))
        else:
            self._answer(*self._asked(self.command, self.path, content, dict(self.headers)))

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _any  # noqa: N815 - as http.server calls them

    def _is_there(self, bucket: str) -> bool:
        return self._asked("GET", f"/storage/v1/b/{bucket}", b"", {})[0] == 200

    def _put(self, bucket: str, name: str, content: bytes) -> tuple[int, Message, bytes]:
        """The upload of an object, under the condition of the `PUT` if it has one."""
        condition = self.headers.get("x-goog-if-generation-match")
        query = {"uploadType": "multipart"} | ({"ifGenerationMatch": condition} if condition else {})
        boundary = secrets.token_hex(16)
        parts = [
            f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{json.dumps({'name': name})}\r\n".encode(),
            f"--{boundary}\r\nContent-Type: {self.headers['Content-Type']}\r\n\r\n".encode(),
            content,
            f"\r\n--{boundary}--\r\n".encode(),
        ]
        path = f"/upload/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}"
        headers = {"Content-Type": f"multipart/related; boundary={boundary}"}
        status, said_of, said = self._asked("POST", path, b"".join(parts), headers)
        if status != 200:
            return status, said_of, said
        made, told = json.loads(said), Message()
        told["ETag"] = f'"{made["etag"]}"'
        told["x-goog-generation"] = made["generation"]
        return status, told, b""

    def _asked(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, Message, bytes]:
        """What the server answers."""
        self.behind.request(method, path, content, headers)
        answer = self.behind.getresponse()
        return answer.status, answer.headers, answer.read()

    def _answer(self, status: int, headers: Message, content: bytes) -> None:
        self.log_request(status)
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _BETWEEN_TWO:
                self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def main() -> None:
    """Serve until killed."""
    port, Gateway.server_port = map(int, sys.argv[1:])
    ThreadingHTTPServer((HOST, port), Gateway).serve_forever()


if __name__ == "__main__":
    main()
