"""The web under gunicorn, started from Python: one worker a core, at least two; TLS where a certificate is given."""

import gc
import logging
import multiprocessing
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from werkzeug.middleware.proxy_fix import ProxyFix

from app import create_app
from app.config import Settings
from app.logs import configure_logs, formatter
from app.services.alarm import start_watching
from app.services.isolated import attempt
from app.services.seals import look_outside

LEAST_WORKERS = 2
REQUEST_SECONDS = 120
GRACE_SECONDS = 10
# Workers are renewed now and then, not all at the same time, so that no leak lasts.
MOST_REQUESTS, JITTER = 5_000, 500
# Without a proxy that buffers, a browser that only holds a connection open must not hold a worker.
TLS_THREADS = 8
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Workers count through maps of files: where a disk is full, that is no error but the end of the worker (SIGBUS).
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it


@dataclass(frozen=True)
class Tls:
    """A certificate (with its chain) and its key, both PEM files."""

    cert: Path
    key: Path


class BadCertificate(RuntimeError):
    """Certificate and key cannot be used; says why."""


class ServerLog(Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's own lines, in the form of ours."""

    def setup(self, cfg: Any) -> None:
        """Take gunicorn's settings, then our form."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter())


class PortInUse(RuntimeError):
    """Another program listens at the address."""


class Server(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn with the application of this installation; each worker makes its own, with its own connections."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings, self._options = settings, options
        super().__init__()

    def load_config(self) -> None:
        """Take the options over into gunicorn's settings."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the worker."""
        app = web_app(self._settings)
        with app.app_context():
            attempt(look_outside)
        start_watching(app)
        settle_memory()
        return app


def settle_memory() -> None:
    """Leave what was loaded for good (rules, words, code) out of garbage collections: each went over all of it.

    Hundreds of cases in a request met one or two of those (measured: up to a fifth of the time).
    """
    gc.collect()
    gc.freeze()


def web_app(settings: Settings) -> Flask:
    """Return the application with its pages; behind proxies it takes address and scheme from the trusted ones."""
    from app.api import init_api
    from app.views import init_views

    app = create_app(settings)
    if not app.blueprints:
        init_views(app)
        init_api(app)
    count = settings.proxies
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]
    return app


def worker_count() -> int:
    """Return one worker a core, at least two: a long print must not stop the desk."""
    return max(LEAST_WORKERS, multiprocessing.cpu_count())


def ensure_free(host: str, port: int) -> None:
    """Raise PortInUse when nothing could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(f"{host}:{port}") from error


def ensure_certificate(tls: Tls) -> None:
    """Raise BadCertificate unless certificate and key can be read and belong together."""
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise BadCertificate(f"{tls.cert}, {tls.key}: {error}") from error


def serve(settings: Settings, *, host: str, port: int, quiet: bool = False, tls: Tls | None = None) -> None:
    """Serve until SIGTERM or SIGINT; raises PortInUse or BadCertificate. With TLS cookies go by HTTPS only."""
    ensure_free(host, port)
    if tls:
        ensure_certificate(tls)
        settings = replace(settings, secure_cookies=True)
    configure_logs(logging.WARNING if quiet else logging.INFO)
    with counting():
        Server(settings, options_for(host, port, quiet=quiet, tls=tls)).run()


@contextmanager
def counting() -> Iterator[None]:
    """Give the workers a folder in which they count together for /metrics; a fresh one each time."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    owner, folder = os.getpid(), tempfile.mkdtemp(prefix="fangpin-metrics-", dir=place)
    os.environ[METRICS_FOLDER] = folder
    try:
        yield
    finally:
        os.environ.pop(METRICS_FOLDER, None)
        # A worker leaves by this way too; the folder is the first process's.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def options_for(host: str, port: int, *, quiet: bool, tls: Tls | None) -> dict[str, Any]:
    """Return gunicorn's settings."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    secured: dict[str, Any] = (
        {"certfile": str(tls.cert), "keyfile": str(tls.key), "worker_class": "gthread", "threads": TLS_THREADS}
        if tls
        else {"worker_class": "sync"}
    )
    return {
        **secured,
        "bind": address,
        "workers": worker_count(),
        "logger_class": ServerLog,
        "timeout": REQUEST_SECONDS,
        "graceful_timeout": GRACE_SECONDS,
        "max_requests": MOST_REQUESTS,
        "max_requests_jitter": JITTER,
        "proc_name": "fangpin",
        "loglevel": "warning" if quiet else "info",
        "control_socket_disable": True,
        "worker_tmp_dir": None,
    }
