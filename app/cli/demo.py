"""``fangpin demo``: makes the demo at the first start, then runs web and scheduler until it is told to stop."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from app import create_app
from app.cli.console import Console, Fault, pass_console
from app.config import Settings, read_settings
from app.places import grid_name
from app.services import areas
from app.services import demo as service
from app.services.setup import close
from workflows.model import ROLE_LEVELS

HOST = "127.0.0.1"
FOLDER = Path("var") / "demo"
START_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.2


def _ensure_fits(_context: click.Context, _parameter: click.Parameter, households: int) -> int:
    """Refuse a year that is too small for every course to happen in it."""
    if 0 < households < service.LEAST:
        raise click.BadParameter(f"0 / >= {service.LEAST}")
    return households


@click.command(help="启动演示系统：首次建立演示数据，然后运行网页和定时进程 / make and run the demo")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), envvar="PORT", show_envvar=True)
@click.option(
    "--households",
    default=service.FULL,
    show_default=True,
    type=click.IntRange(0),
    callback=_ensure_fits,
    help="演示年度的农户数，首次启动时有效；0 只建样例户 / households of the demo year (first start; 0: samples)",
)
@pass_console
def demo(console: Console, port: int, households: int) -> None:
    """Make the demo if it is not there yet and run it."""
    from app.serve import PortInUse, ensure_free

    environ = {**os.environ, "FANGPIN_DATA": os.environ.get("FANGPIN_DATA") or str(FOLDER.resolve())}
    settings = read_settings(environ)
    try:
        ensure_free(HOST, port)
    except PortInUse as error:
        raise Fault("port_in_use", port=port) from error
    _make(console, settings, households)
    stop = _listen()
    with _running(settings, environ, port) as children:
        _wait_for_answer(children, port, stop)
        if not stop.is_set():
            _tell(console, settings, port)
        _watch(children, stop)
    console.tell("demo.stopped")


def _listen() -> threading.Event:
    """Let SIGINT and SIGTERM end the demo in order."""
    stop = threading.Event()

    def ask(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop


def _make(console: Console, settings: Settings, households: int) -> None:
    try:
        if service.is_there(settings, create_app):
            return
    except service.NotDemo as error:
        raise Fault("not_demo", place=settings.data) from error
    console.tell("demo.building" if households else "demo.building_small")
    with console.progress("demo.progress", service.size()) as progress:
        service.make(settings, make_app=create_app, now=datetime.now(UTC), progress=progress, households=households)


@dataclass(frozen=True)
class Child:
    """A process of the demo, by the name that people read."""

    name: str
    process: subprocess.Popen[bytes]


@contextmanager
def _running(settings: Settings, environ: Mapping[str, str], port: int) -> Iterator[list[Child]]:
    """Run web and scheduler; whatever happens, both are gone at the end."""
    logs = settings.data / "log"
    logs.mkdir(parents=True, exist_ok=True)
    commands = {
        "web": ["-m", "app.cli", "serve", "--host", HOST, "--port", str(port), "--quiet"],
        "scheduler": ["-m", "scheduler"],
    }
    children: list[Child] = []
    with ExitStack() as stack:
        stack.callback(_end, children)
        for name, arguments in commands.items():
            log = stack.enter_context((logs / f"{name}.log").open("ab"))
            children.append(Child(name, _start(arguments, environ, log.fileno())))
        yield children


def _start(arguments: list[str], environ: Mapping[str, str], log: int) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C at the terminal reaches the demo alone, which then ends its parts in order.
    return subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, *arguments],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _end(children: list[Child]) -> None:
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    limit = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.process.wait(max(limit - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def _wait_for_answer(children: list[Child], port: int, stop: threading.Event) -> None:
    limit = time.monotonic() + START_SECONDS
    while not stop.is_set() and not _answers(port):
        _ensure_alive(children)
        if time.monotonic() > limit:
            raise Fault("not_answering", seconds=START_SECONDS)
        stop.wait(POLL_SECONDS)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=5) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False


def _ensure_alive(children: list[Child]) -> None:
    for child in children:
        code = child.process.poll()
        if code is not None:
            raise Fault("child_ended", name=child.name, status=code)


def _watch(children: list[Child], stop: threading.Event) -> None:
    while not stop.wait(POLL_SECONDS):
        _ensure_alive(children)


def _tell(console: Console, settings: Settings, port: int) -> None:
    app = create_app(settings)
    with app.app_context():
        speech = console.speech()
        rows = [(a.username, a.name, speech.role(a.role), _place(a)) for a in service.accounts()]
        example = service.village_account()
        close(app)
    click.echo()
    console.table(("username", "name", "role", "area"), rows)
    click.echo()
    if example:
        console.tell("demo.villages", example=example)
    console.tell("demo.password", password=service.password())
    console.tell("demo.ready", address=f"http://{HOST}:{port}/")
    console.tell("demo.stop", data=settings.data)


def _place(account: service.Account) -> str:
    """Return where an account works: a village with its township, a grid with its village."""
    level = ROLE_LEVELS[account.role]
    names = areas.path_names(account.area)
    if level == "grid":
        return grid_name(names[-2], names[-1])
    return "".join(names[-1:] if level in ("county", "township") else names[-2:])


def register(group: click.Group) -> None:
    """Add the command of this file."""
    group.add_command(demo)
