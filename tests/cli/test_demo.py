"""The demo as a user starts it: made once, answered by web and scheduler, stopped without a trace."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.services import demo as service
from tests.cli.conftest import Machine

FIRST_START, SECOND_START, STOP = 110, 40, 25


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    """A demo that runs, and what it has printed."""

    process: subprocess.Popen[str]
    port: int
    output: Path

    def text(self) -> str:
        """What was printed so far."""
        return self.output.read_text(encoding="utf-8")

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until it says that it runs."""
        limit = time.monotonic() + seconds
        while f"http://127.0.0.1:{self.port}/" not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < limit, self.text()
            time.sleep(0.1)

    def children(self) -> list[int]:
        """The processes that belong to it, grandchildren too."""
        found, parents = [], {self.process.pid}
        rows = subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True).split("\n")
        pairs = [tuple(map(int, row.split())) for row in rows if row.strip()]
        while parents:
            parents = {pid for pid, parent in pairs if parent in parents}
            found += sorted(parents)
        return found


@contextmanager
def started(folder: Path, port: int) -> Iterator[Running]:
    """Start the demo as a process; whatever happens, it is gone at the end."""
    environ = {**os.environ, "FANGPIN_DATA": str(folder), "LANG": "C.UTF-8", "PORT": str(port)}
    environ.pop("FANGPIN_DATABASE_URL", None)
    output = folder.with_name("output.txt")
    with output.open("w", encoding="utf-8") as out:
        # The year has tests of its own: tests/store/test_demo_year.py.
        command = [sys.executable, "-m", "app.cli", "demo", "--households", "0"]
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out, text=True, start_new_session=True)
        try:
            yield Running(process, port, output)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(STOP)


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def stop(running: Running, number: signal.Signals) -> None:
    """Stop it by a signal: exit code 0, no traceback, no process left."""
    children = running.children()
    assert len(children) >= 4, "web with its workers, and the scheduler"
    running.process.send_signal(number)
    assert running.process.wait(STOP) == 0, running.text()
    assert "已停止" in running.text()
    assert "Traceback" not in running.text()
    assert [pid for pid in children if is_alive(pid)] == []


@pytest.mark.timeout(300)
def test_the_demo_starts_answers_and_stops(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with started(folder, free_port()) as running:
        running.wait_until_ready(FIRST_START)
        said = running.text()
        assert "xs-village" in said
        assert re.search(r"密码：\S{10,}", said)
        with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/") as answer:
            assert answer.status == 200
        stop(running, signal.SIGINT)
    for log in (folder / "log").iterdir():
        assert "Traceback" not in log.read_text(encoding="utf-8"), log
    _look_around(Machine({"FANGPIN_DATA": str(folder)}, tmp_path))
    with started(folder, free_port()) as again:
        again.wait_until_ready(SECOND_START)
        assert "首次启动" not in again.text()
        stop(again, signal.SIGTERM)


def _look_around(machine: Machine) -> None:
    """Everything is in order, and households wait at every gate."""
    machine.run("check")
    states = {
        "500241H0000001-C1": "线索待提名",
        "500241H0000002-C1": "待入户核实",
        "500241H0000003-C1": "待信息比对",
        "500241H0000004-C1": "待村级评议",
        "500241H0000005-C1": "村内公示中",
        "500241H0000006-C1": "待乡镇联合审核",
        "500241H0000007-C1": "异议核查中",
        "500241H0000008-C1": "不予认定，待告知",
        "500241H0000009-C1": "待县审定",
        "500241H0000010-C1": "待公告",
        "500241H0000011-A1": "帮扶中",
        "500241H0000012-S1": "风险消除（观察期）",
        "500230H0000002-C1": "村内公示中",
        "500230H0000005-S1": "风险未消除",
    }
    for case, state in states.items():
        as_whom = "xs-village" if case.startswith("500241") else "fd-village"
        title = machine.run("case", "show", case, "--as", as_whom).output.splitlines()[0]
        assert f"  {state}  " in title, title


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        machine = Machine({"FANGPIN_DATA": str(tmp_path / "demo"), "PORT": str(port)}, tmp_path)
        assert str(port) in machine.fails("demo", reason="port_in_use")
    assert not (tmp_path / "demo").exists()


def test_a_year_too_small_for_its_courses_is_refused(machine: Machine) -> None:
    machine.environ["PORT"] = str(free_port())
    said = machine.run("demo", "--households", service.LEAST - 1, code=2).output
    assert f">= {service.LEAST}" in said


def test_serve_says_when_its_port_is_taken(machine: Machine) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        machine.fails("serve", "--port", port, reason="port_in_use")


def test_the_demo_is_not_started_on_another_installation(machine: Machine) -> None:
    machine.environ["PORT"] = str(free_port())
    machine.fails("demo", reason="not_demo")


def test_the_scheduler_runs_once_as_a_process(machine: Machine) -> None:
    command = [sys.executable, "-m", "app.cli", "scheduler", "--once"]
    done = subprocess.run(command, env={**os.environ, **machine.environ}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
