"""One link to the mail server of the settings: TLS checked, every wait limited, each answer sorted by who is to act."""

import contextlib
import ipaddress
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

CONNECT_SECONDS, COMMAND_SECONDS = 10.0, 30.0
ROUND_SECONDS = 120.0  # all of one link; a server that sends a byte now and then would never run into the others
LOOK_SECONDS = 0.2
PORTS = {"implicit": 465, "starttls": 587, "none": 25}
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
LONGEST_ADDRESS = 254
ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
SENT, LATER, BOUNCED, FAILED, UNTOUCHED = "sent", "later", "bounced", "failed", "untouched"


@dataclass(frozen=True)
class Mailer:
    """The mail server and who we are there; ``tls`` is implicit, starttls or none."""

    host: str
    port: int
    tls: str
    sender: str
    user: str = ""
    password: str = ""

    @property
    def domain(self) -> str:
        """Return our own domain, for EHLO and Message-ID: nothing about the machine is told."""
        return self.sender.partition("@")[2]


@dataclass(frozen=True)
class Answer:
    """What became of a mail, the server's code without its text, and whether the server itself is in trouble."""

    state: str
    text: str
    is_down: bool = False


def is_address(text: str) -> bool:
    """Tell whether a text is one plain e-mail address; ASCII only, as not every server takes more."""
    return len(text) <= LONGEST_ADDRESS and ADDRESS.fullmatch(text) is not None


def mailer_of(url: str, sender: str, *, plain: bool) -> Mailer:
    """Read the settings; raise ValueError that names the variable and never repeats the password."""
    try:
        parts = urlsplit(url)
        host, port, query = parts.hostname or "", parts.port, parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise ValueError("FANGPIN_SMTP_URL: not an address; smtp://user:password@host:587 or smtps://…") from error
    if parts.scheme not in ("smtp", "smtps") or not host or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("FANGPIN_SMTP_URL: must be smtp://user:password@host:587 or smtps://…")
    allowed = {"smtp": (["starttls"], ["none"]), "smtps": ()}[parts.scheme]
    tls = query.pop("tls", ["starttls"])
    if query or (parts.query and tls not in allowed):
        raise ValueError("FANGPIN_SMTP_URL: after ? only tls=starttls or tls=none, with smtp:// only")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("FANGPIN_SMTP_URL: user and password belong together")
    kind = "implicit" if parts.scheme == "smtps" else tls[0]
    if kind == "none" and not plain and not _is_loopback(host):
        raise ValueError("FANGPIN_SMTP_URL: without TLS only to this machine, or with FANGPIN_SMTP_PLAIN=1")
    if not is_address(sender):
        raise ValueError("FANGPIN_MAIL_FROM: must be one address such as fangpin@county.example")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Mailer(host, port or PORTS[kind], kind, sender, user, password)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- one link for a batch ---
class Link:
    """Connects when the first mail is sent and stays for the batch; cut when told to stop or after its time."""

    def __init__(self, mailer: Mailer, stop: Callable[[], bool], seconds: float = ROUND_SECONDS) -> None:
        self._mailer, self._stop, self._ends = mailer, stop, time.monotonic() + seconds
        self._smtp: smtplib.SMTP | None = None
        self.latest: smtplib.SMTP | None = None
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed.set()
        if self._smtp is not None:
            # What has failed is not waited for again.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._smtp.timeout = LOOK_SECONDS
                self._smtp.quit()
            self._smtp.close()

    def send(self, message: EmailMessage, address: str) -> Answer:
        """Send one mail to one address; nothing of the other side is raised, all of it is an answer."""
        if self._smtp is None:
            try:
                self._smtp = self._connected()
            except (smtplib.SMTPException, OSError) as error:
                return Answer(UNTOUCHED, _said(error), is_down=True)
        try:
            self._smtp.send_message(message, self._mailer.sender, [address])
        except smtplib.SMTPRecipientsRefused as error:
            return of_recipient(*error.recipients[address])
        except smtplib.SMTPSenderRefused as error:
            return Answer(UNTOUCHED, _said(error), is_down=True)
        except smtplib.SMTPDataError as error:
            return of_data(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            # It may have been taken before the link broke: counted as a try, so that one mail blocks no other for ever.
            return Answer(LATER, _said(error), is_down=True)
        return Answer(SENT, "250")

    def _connected(self) -> smtplib.SMTP:
        threading.Thread(target=self._watch, daemon=True).start()
        one, secure = self._mailer, ssl.create_default_context()
        smtp: smtplib.SMTP = _Secure(self, one, secure) if one.tls == "implicit" else _Plain(self, one)
        try:
            smtp.timeout = COMMAND_SECONDS
            _socket(smtp).settimeout(COMMAND_SECONDS)
            if one.tls == "starttls":
                smtp.starttls(context=secure)
            if one.user:
                smtp.login(one.user, one.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _watch(self) -> None:
        """Cut the link from beside it: whoever waits for the server gets an error at once."""
        while not self._closed.wait(LOOK_SECONDS):
            if self.latest is not None and (self._stop() or time.monotonic() > self._ends):
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    _socket(self.latest).shutdown(socket.SHUT_RDWR)


# The library connects while it makes the object; the link must know it before, so as to be able to cut it.
class _Plain(smtplib.SMTP):
    def __init__(self, link: Link, one: Mailer) -> None:
        link.latest = self
        super().__init__(one.host, one.port, one.domain, CONNECT_SECONDS)


class _Secure(smtplib.SMTP_SSL):
    def __init__(self, link: Link, one: Mailer, secure: ssl.SSLContext) -> None:
        link.latest = self
        super().__init__(one.host, one.port, one.domain, timeout=CONNECT_SECONDS, context=secure)


def _socket(smtp: smtplib.SMTP) -> socket.socket:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected
    return smtp.sock


# --- what an answer means ---
def of_recipient(code: int, said: bytes | str) -> Answer:
    """Sort the answer to RCPT: come again, this address is no good, or we are not wanted here at all (530, 5.7.x)."""
    text = brief(code, said)
    if code < 500:
        return Answer(LATER, text)
    if code in (530, 535) or " 5.7." in text:
        return Answer(LATER, text, is_down=True)
    return Answer(BOUNCED, text)


def of_data(code: int, said: bytes | str) -> Answer:
    """Sort the answer to the mail itself: only 5.1.x and 5.2.x speak of the address, other refusals of this mail."""
    text = brief(code, said)
    if code < 500:
        return Answer(LATER, text)
    return Answer(BOUNCED if re.search(r" 5\.[12]\.", text) else FAILED, text)


def brief(code: int, said: bytes | str) -> str:
    """Return code and enhanced code: the server's sentence may repeat the address."""
    found = ENHANCED.match(said.decode("ascii", "replace") if isinstance(said, bytes) else said)
    return f"{code} {found.group()}" if found else str(code)


def _said(error: Exception) -> str:
    name = type(error).__name__
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{name} {brief(error.smtp_code, error.smtp_error)}"
    return name
