"""Mail servers on loopback as a test needs them: real SMTP, with or without TLS, that take, refuse, hang or break."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.smtp import Mailer
from tests.world import World

SENDER = "fangpin@county.example"


@dataclass
class Office:
    """What a server does and what it got; ``answers`` are given by recipient, or for the mail itself."""

    recipient: dict[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    got: list[EmailMessage] = field(default_factory=list)
    links: int = 0
    on_data: Callable[[], None] = lambda: None

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.links += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        answer = self.recipient.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.on_data()
        if self.data == "close":
            assert server.transport is not None
            server.transport.close()
        if self.data.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.got.append(message_from_bytes(content, policy=policy.default))
        return "250 late" if self.data == "close" else self.data

    @property
    def marks(self) -> list[str]:
        """The Message-IDs of what was taken."""
        return [str(message["Message-ID"]) for message in self.got]


def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """One user is known."""
    return AuthResult(handled=False, success=(data.login, data.password) == (b"fangpin", b"p@ss word"))


@contextmanager
def serving(office: Office, *, tls: str = "none", cert: tuple[Path, Path] | None = None) -> Iterator[Mailer]:
    """Run a server and return how to reach it."""
    context = None
    if cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*cert)
    more: dict[str, Any] = {"ssl_context": context} if tls == "implicit" else {}
    if tls == "starttls":
        more = {"tls_context": context, "require_starttls": True, "authenticator": login, "auth_required": True}
    controller = Controller(office, hostname="127.0.0.1", port=free_port(), **more)
    controller.start()
    try:
        yield Mailer("127.0.0.1", controller.port, tls, SENDER)
    finally:
        controller.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def hanging() -> Iterator[Mailer]:
    """A server that takes the link and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []
        stop = threading.Event()

        def take() -> None:
            listening.settimeout(0.1)
            while not stop.is_set():
                try:
                    held.append(listening.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield Mailer("127.0.0.1", listening.getsockname()[1], "none", SENDER)
        finally:
            stop.set()
            thread.join()
            for one in held:
                one.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, private


def use(world: World, mailer: Mailer | None, **more: Any) -> None:
    """Let a world's application send its mails there."""
    held = world.app.extensions["fangpin"]
    held.settings = replace(held.settings, mail=mailer, **more)
