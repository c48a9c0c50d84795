"""The web as a process: TLS with a certificate of one's own, health and metrics over all workers, its log."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.serve import MEMORY, METRICS_FOLDER, counting
from tests.cli.conftest import Machine

START_SECONDS = 40


def certificate(folder: Path, name: str = "site") -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_path.write_bytes(key.private_bytes(*form))
    return cert_path, key_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(machine: Machine, *arguments: object) -> Iterator[int]:
    """The web as a process of its own; yields its port."""
    port = free_port()
    words = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *map(str, arguments)]
    environ = {**os.environ, **machine.environ}
    with (machine.folder / "web.log").open("wb") as log:
        process = subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def get(port: int, path: str, *, context: ssl.SSLContext | None = None) -> tuple[int, dict[str, str], str]:
    """Ask until the web is up; return status, headers and text."""
    limit = time.monotonic() + START_SECONDS
    while True:
        connection = (
            http.client.HTTPSConnection("localhost", port, context=context, timeout=20)
            if context
            else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        )
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        except (ConnectionRefusedError, ConnectionResetError):
            if time.monotonic() > limit:
                raise
            time.sleep(0.2)
        finally:
            connection.close()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_tls_with_a_certificate_of_ones_own(machine: Machine) -> None:
    """Cookies go by HTTPS only, browsers are told to stay with it, and a held connection holds no worker."""
    cert, key = certificate(machine.folder)
    trusting = ssl.create_default_context(cafile=str(cert))
    with serving(machine, "--cert", cert, "--key", key) as port:
        status, headers, _ = get(port, "/login", context=trusting)
        assert status == 200
        assert "Secure" in headers["Set-Cookie"]
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(6)]
        assert get(port, "/livez", context=trusting)[0] == 200
        for one in idle:
            one.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            get(port, "/login", context=ssl.create_default_context())


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_what_cannot_be_a_certificate_is_named_at_start(machine: Machine) -> None:
    cert, key = certificate(machine.folder)
    _, other = certificate(machine.folder, "other")
    noise = machine.folder / "noise.pem"
    noise.write_text("no certificate")
    for wrong in ((cert, other), (noise, key), (cert, noise)):
        line = machine.fails("serve", "--cert", wrong[0], "--key", wrong[1], reason="bad_certificate")
        assert str(wrong[1]) in line
    assert "--key" in machine.run("serve", "--cert", cert, code=2).stderr
    machine.run("serve", "--cert", machine.folder / "nowhere", "--key", key, code=2)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_metrics_are_those_of_all_workers_and_the_log_is_json(machine: Machine) -> None:
    with serving(machine) as port:
        for _ in range(12):
            assert get(port, "/livez")[0] == 200
        status, _, health = get(port, "/healthz")
        assert (status, json.loads(health)["failing"][:2]) == (503, ["sweep", "deliver"])
        text = get(port, "/metrics")[2]
    found = re.search(r'fangpin_requests_total\{endpoint="health.alive",method="GET",status="200"\} ([\d.]+)', text)
    assert found is not None
    assert float(found.group(1)) == 12
    lines = [json.loads(line) for line in (machine.folder / "web.log").read_text().splitlines()]
    assert sum(line.get("endpoint") == "health.alive" for line in lines) == 12
    assert any(str(line["event"]).startswith("Listening at") for line in lines)


def test_workers_count_in_memory_so_that_a_full_disk_ends_none() -> None:
    """Their counters are maps of files: on a full disk a write to one is the end of the process."""
    with counting():
        folder = Path(os.environ[METRICS_FOLDER])
        assert folder.parent == MEMORY
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
