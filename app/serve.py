"""The web under gunicorn, started from Python: sync workers, one a core and at least two."""

import multiprocessing
import socket
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from werkzeug.middleware.proxy_fix import ProxyFix

from app import create_app
from app.config import Settings

LEAST_WORKERS = 2
REQUEST_SECONDS = 120
GRACE_SECONDS = 10
# Workers are renewed now and then, not all at the same time, so that no leak lasts.
MOST_REQUESTS, JITTER = 5_000, 500


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
        return web_app(self._settings)


def web_app(settings: Settings) -> Flask:
    """Return the application with its pages; behind proxies it takes address and scheme from the trusted ones."""
    from app.views import init_views

    app = create_app(settings)
    if not app.blueprints:
        init_views(app)
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


def serve(settings: Settings, *, host: str, port: int, quiet: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; raises PortInUse."""
    ensure_free(host, port)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = {
        "bind": address,
        "workers": worker_count(),
        "worker_class": "sync",
        "timeout": REQUEST_SECONDS,
        "graceful_timeout": GRACE_SECONDS,
        "max_requests": MOST_REQUESTS,
        "max_requests_jitter": JITTER,
        "proc_name": "fangpin",
        "loglevel": "warning" if quiet else "info",
        "control_socket_disable": True,
        "worker_tmp_dir": None,
    }
    Server(settings, options).run()
