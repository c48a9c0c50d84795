"""Processes that typeset: the same bytes as here, limits that hold, deaths that take nobody along."""

import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest

from reports import renderer
from reports.bundle_index import LINES, pages_of, wrapped
from reports.pool import Order, Pool, Printed
from reports.render import render_trail
from tests.bench.trails import trail_of
from tests.factories import included

pytestmark = pytest.mark.timeout(300)
PARENT = """
import sys
from reports.pool import Order, Pool
with Pool(2) as pool:
    orders = (Order("trail", {"trail_text": sys.stdin.readline().strip(), "signed": False}) for _ in range(50))
    for printed in pool.run(orders):
        print([slot.process.pid for slot in pool._slots], flush=True)
"""


def order(text: str, name: str = "", seconds: int = 60) -> Order:
    return Order("trail", {"trail_text": text, "signed": False}, name, seconds=seconds)


@pytest.fixture(scope="module")
def long() -> str:
    """A trail whose pages take seconds."""
    return trail_of(300, included())


def test_what_comes_out_is_what_would_come_here(honest: str, printed: bytes) -> None:
    asked = list[str]()

    def sign(body: str) -> str:
        asked.append(body)
        return "signed\n"

    with Pool(2) as pool:
        found = list(pool.run(order(honest, str(n)) for n in range(3)))
        (signed,) = pool.run([Order("trail", {"trail_text": honest, "signed": True}, sign=sign)])
    assert [one.pdf for one in found] == [printed] * 3
    assert {one.order.name for one in found} == {"0", "1", "2"}
    assert all(0 < one.peak < 300 << 20 for one in found)
    assert signed.pdf == render_trail(honest, seal=lambda _: "signed\n")
    assert len(asked) == 1


def test_a_child_is_changed_for_a_fresh_one(honest: str, printed: bytes) -> None:
    with Pool(1, documents=1) as pool:
        assert [one.pdf for one in pool.run(order(honest) for _ in range(3))] == [printed] * 3


def reasons(found: list[Printed]) -> list[str]:
    return [one.reason for one in found]


def test_who_takes_too_long_or_too_much_stops_and_the_next_goes_on(honest: str, long: str, printed: bytes) -> None:
    with Pool(1) as pool:
        found = list(pool.run([order(long, seconds=1), order(honest)]))
    assert reasons(found) == ["time", ""]
    assert found[1].pdf == printed
    with Pool(1, memory=24 << 20) as pool:
        found = list(pool.run([order(long), order(honest)]))
    assert found[0].reason in ("memory", "crashed")
    assert not found[0].pdf


@pytest.mark.parametrize("error", [MemoryError, SystemError])
def test_a_child_that_got_no_memory_sets_nothing_more(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """Libraries in C may say it in two ways, and may be in any state after it."""

    def starved(values: object, sign: object) -> bytes:
        raise error

    monkeypatch.setattr(renderer, "KINDS", {"trail": starved})
    asked, answered = BytesIO(), BytesIO()
    for _ in range(2):
        renderer.write_frame(asked, {"kind": "trail", "seconds": 5}, b"{}")
    asked.seek(0)
    assert renderer.serve(asked, answered, 9) == renderer.ENOUGH
    answered.seek(0)
    said = renderer.read_frame(answered)
    assert said is not None
    assert (said[0]["kind"], said[0]["reason"]) == ("failed", "memory")
    assert renderer.read_frame(answered) is None


def test_a_document_that_is_none_is_told_without_its_words(honest: str) -> None:
    with Pool(1) as pool:
        found = list(pool.run([order('{"name":"张三"}'), order(honest)]))
    assert reasons(found) == ["error", ""]
    assert found[0].detail == "MalformedTrail"


def children(number: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_text().split()]


@pytest.mark.parametrize("who", ["child", "process"])
def test_who_is_killed_costs_its_own_document(honest: str, long: str, printed: bytes, who: str) -> None:
    with Pool(1) as pool:
        list(pool.run([order(honest)]))
        keeper = pool._slots[0].process.pid
        kill = ["sh", "-c", f"sleep 0.4; kill -9 {children(keeper)[0] if who == 'child' else keeper}"]
        killer = subprocess.Popen(kill)
        found = list(pool.run([order(long), order(honest)]))
        killer.wait()
    # The child outlives who forked it until nobody asks any more.
    assert reasons(found) == ["crashed" if who == "child" else "", ""]
    assert found[1].pdf == printed


def test_who_gives_up_leaves_nobody_behind(honest: str, long: str) -> None:
    with Pool(1) as pool:
        list(pool.run([order(honest)]))
        keeper = pool._slots[0].process.pid
        (child,) = children(keeper)
        for _ in pool.run([order(honest), order(long)]):
            break
    assert not is_alive(keeper)
    assert not is_alive(child)


def test_nobody_stays_when_who_asked_is_killed(honest: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    said = tmp_path / "stderr"
    with said.open("wb") as file:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": file}
        asker = subprocess.Popen([sys.executable, "-c", PARENT], env=env, **pipes)  # type: ignore[call-overload]
    assert asker.stdin is not None
    assert asker.stdout is not None
    for _ in range(3):
        asker.stdin.write(f"{honest}\n".encode())
        asker.stdin.flush()
    pids = [int(word) for word in asker.stdout.readline().decode().strip("[]\n").split(",")]
    asker.send_signal(signal.SIGKILL)
    asker.wait()
    asker.stdin.close()
    asker.stdout.close()
    until = time.monotonic() + 60
    while any(is_alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(is_alive(pid) for pid in pids)
    assert "Traceback" not in said.read_text()  # they share the log of whoever was killed


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_index_cuts_nothing_and_counts_its_pages() -> None:
    name = "买买提·阿不都热依木·吐尔逊江·艾山"
    assert "".join(wrapped(name, 9.0)) == name
    rows = [[str(n), "500241H0000001-C1", name if n % 7 == 0 else "张三", "平所村", "12", str(n)] for n in range(300)]
    pages = pages_of(rows)
    assert all(len(page) <= LINES for page in pages)
    lines = [line for page in pages for line in page]
    assert "".join(line[2] for line in lines) == "".join(row[2] for row in rows)
    assert [line[0] for line in lines if line[0]] == [row[0] for row in rows]
