"""One request to another system: its address checked and pinned, https, no redirect, a time limit on all of it."""

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from workflows.errors import ForbiddenAddress

LONGEST_URL = 500
LONGEST_ANSWER = 64 * 1024
SECONDS = 10.0  # for everything: finding, connecting, sending, the first line of the answer
HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?|[0-9A-Fa-f:.]{2,45}")
PRINTABLE = re.compile(r"[\x21-\x7e]+")
# Ranges that ``is_global`` of the standard library lets through although they carry an inner address or name a
# service of the machine's own surroundings.
ALSO_CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10", "168.63.129.16/32")
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Finder = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True)
class Allowed:
    """What this site lets through although it is closed to others: hosts or networks, and plain http."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    plain_http: bool = False


CLOSED = Allowed()


@dataclass(frozen=True)
class Target:
    """An address taken apart; nothing of it has been looked up yet."""

    scheme: str
    host: str
    port: int
    path: str


def target_of(url: str, allowed: Allowed) -> Target:
    """Take a URL apart; raise ForbiddenAddress unless it is https (http only where allowed) to a plain host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ForbiddenAddress(reason="malformed") from error
    if len(url) > LONGEST_URL or not PRINTABLE.fullmatch(url) or parts.fragment or not HOST.fullmatch(host):
        raise ForbiddenAddress(reason="malformed")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress(reason="credentials")
    if parts.scheme != "https" and not (parts.scheme == "http" and allowed.plain_http):
        raise ForbiddenAddress(reason="not_https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def ensure_open(target: Target, allowed: Allowed, find: Finder | None = None) -> str:
    """Look the host up and return the one address to use; ForbiddenAddress if any of its addresses is closed.

    Any, not the first: a name that leads both outside and inside is a trap. The caller connects to what is returned
    and never looks up again, so that a second answer of the name server cannot change where it goes.
    """
    found = (find or addresses)(target.host, target.port)
    if not found:
        raise ForbiddenAddress(reason="unknown_host")
    for text in found:
        if target.host not in allowed.hosts and not is_open(ipaddress.ip_address(text), allowed.networks):
            raise ForbiddenAddress(reason="closed_network")
    return found[0]


def addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host; empty when there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(item[4][0]).partition("%")[0] for item in found))


def is_open(address: Address, networks: Sequence[Network] = ()) -> bool:
    """Tell whether an address lies in the open internet or in a network that this site names."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_open(mapped, networks)
    if any(address in network for network in networks):
        return True
    is_closed = any(address in network for network in ALSO_CLOSED)
    return address.is_global and not address.is_multicast and not is_closed


class _Pinned(http.client.HTTPConnection):
    """A connection to an address found before; the name serves for the Host line and the certificate only."""

    def __init__(self, target: Target, address: str, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target, self._address = target, address

    def connect(self) -> None:
        """Connect to the pinned address, with TLS for https."""
        self.sock = socket.create_connection((self._address, self._target.port), self.timeout)
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)

    def cut(self) -> None:
        """End the connection from another thread; whoever waits for an answer gets an error at once."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Allowed,
    seconds: float = SECONDS,
    find: Finder | None = None,
) -> int:
    """Send a body and return the status; redirects are answers like any other, and nothing of the body is read.

    Raises ForbiddenAddress, or OSError/HTTPException when the other side cannot be reached or does not answer in time.
    """
    return ask("POST", url, body, headers, allowed=allowed, seconds=seconds, find=find, most=0)[0]


def ask(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    allowed: Allowed,
    seconds: float = SECONDS,
    find: Finder | None = None,
    most: int = LONGEST_ANSWER,
) -> tuple[int, bytes]:
    """Send a request and return status and at most so many bytes of the answer; otherwise as ``post``."""
    target = target_of(url, allowed)
    connection = _Pinned(target, ensure_open(target, allowed, find), seconds)
    # The time limit of a socket begins anew with each byte: one that sends a byte now and then is cut off by this.
    limit = threading.Timer(seconds, connection.cut)
    limit.daemon = True
    limit.start()
    try:
        connection.request(method, target.path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(most) if most else b""
    finally:
        limit.cancel()
        connection.close()
