"""Who may ask: nothing is answered that did not come through the address that was opened, from the page itself.

- The `Host` header must name the server: a page of the web that points its own name at this machine (DNS rebinding)
  gets nothing.
- On any address but the loopback a token is needed, once in the link, from then on in a cookie.
- Edits must be JSON and come from the page's own origin: a form on another page sends neither.
- Every answer forbids the browser to load or send anything anywhere else (Content Security Policy).
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)
_COOKIE = "ictal_review"
_HTTP_PORT = "80"


@dataclass(frozen=True, kw_only=True)
class Door:
    """The address that a server was opened at.

    Args:
        host: As it was bound: an address or a name.
        port: Of the socket.
        token: What has to be known to come in; empty for nothing.
    """

    host: str
    port: int
    token: str

    @property
    def url(self) -> str:
        """The link that opens the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/{f'?token={self.token}' if self.token else ''}"

    @property
    def cookie(self) -> str:
        """Name of the cookie: browsers keep one jar for all ports of a machine."""
        return f"{_COOKIE}_{self.port}"

    def names(self, host: str) -> bool:
        """Whether a `Host` header means this server; browsers leave HTTP's own port out.

        Bound to every address of the machine, any address will do: rebinding needs a name.
        """
        name, port = host.rsplit(":", 1) if ":" in host and not host.endswith("]") else (host, "")
        name = name.strip("[]").lower()
        if (port or _HTTP_PORT) != str(self.port):
            return False
        if is_loopback(self.host):
            return is_loopback(name)
        return name == self.host.lower() or (_is_any(self.host) and _address(name) is not None)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _is_any(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_unspecified


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


class Access:
    """Lets requests through to an application, or answers them itself.

    Args:
        app: The application.
        door: Where it is served.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self.app)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """What is answered in place of the application; None lets the request through."""
        if not self.door.names(request.headers.get("host", "")):
            return PlainTextResponse("This server has another name.", 421)
        if self.door.token and not self._known(request.cookies.get(self.door.cookie, "")):
            if request.url.path == "/" and self._known(request.query_params.get("token", "")):
                return self._welcome()
            return PlainTextResponse("Open the link with its token that `ictal review` has printed.", 401)
        if request.method not in {"GET", "HEAD"} and not _from_own_page(request.headers):
            return PlainTextResponse("Edits are taken from the page alone.", 403)
        return None

    def _known(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self.door.token.encode())

    def _welcome(self) -> Response:
        """To the page without the token in its address, with it in a cookie that no script can read."""
        response = RedirectResponse("/", 303)
        response.set_cookie(self.door.cookie, self.door.token, httponly=True, samesite="strict")
        return response


def _from_own_page(headers: Headers) -> bool:
    origin = headers.get("origin")
    own = origin is None or origin.removeprefix("http://") == headers["host"]
    return (
        own
        and headers.get("sec-fetch-site", "same-origin") == "same-origin"
        and headers.get("content-type", "").partition(";")[0] == "application/json"
    )
