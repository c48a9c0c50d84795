"""The witness takes what goes on from what it knows, and refuses all else: smaller, rewritten, unsigned, unproven."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.witness import BadState, Finding, Unreached, read_state, step_at, steps_in, watch, write_state
from app.signing import Signer
from tests.unit.test_tree import Log
from workflows.checkpoint import Checkpoint, Note, Step, signed
from workflows.tree import leaf_hash

SIGNER, ORIGIN = Signer(b"s" * 32), "fangpin/500241/1"
KEYS = [SIGNER.key(ORIGIN)]


def log_of(*words: str) -> Log:
    log = Log()
    log.append([leaf_hash(word.encode()) for word in words])
    return log


def step(log: Log, old: int, size: int, signer: Signer = SIGNER, origin: str = ORIGIN) -> Step:
    point = Checkpoint(origin, size, log.tree(size).root(), (f"at 2026-11-{size:02}T00:00:00Z",))
    return Step(old, tuple(log.tree(size).consistency(old)), signed(point, signer.key(origin), signer.sign))


WORDS = [f"leaf {n}" for n in range(20)]
HONEST = log_of(*WORDS)
# The seventh leaf is another one, and all that follows is consistent in itself.
REWRITTEN = log_of(*WORDS[:6], "another", *WORDS[7:], "more")


def codes(steps: list[Step], state: dict[str, Note]) -> list[tuple[str, int]]:
    return [(found.code, found.exit_code) for found in watch(steps, KEYS, state)]


def test_an_honest_log_is_taken_step_by_step() -> None:
    state: dict[str, Note] = {}
    steps = [step(HONEST, 0, 4), step(HONEST, 4, 4), step(HONEST, 4, 9)]
    assert codes(steps, state) == [("taken", 0)]
    assert state[ORIGIN].checkpoint().size == 9
    assert codes(steps, state) == [("same", 0)]
    assert codes([*steps, step(HONEST, 9, 17)], state) == [("taken", 0)]
    assert codes([step(HONEST, 17, 17)], state) == [("same", 0)]


def test_a_new_witness_believes_the_first_that_it_sees() -> None:
    state: dict[str, Note] = {}
    assert codes([step(HONEST, 0, 4)], state) == [("first", 0)]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([step(HONEST, 0, 8)], "smaller"),
        ([step(HONEST, 0, 4), step(HONEST, 4, 8)], "smaller"),
        ([step(REWRITTEN, 9, 12)], "inconsistent"),
        ([step(REWRITTEN, 0, 9)], "inconsistent"),
        ([step(REWRITTEN, 0, 4), step(REWRITTEN, 4, 9), step(REWRITTEN, 9, 20)], "inconsistent"),
        ([step(REWRITTEN, 0, 5), step(REWRITTEN, 5, 21)], "unproven"),
        ([step(HONEST, 11, 12)], "unproven"),
        ([step(HONEST, 9, 12, Signer(b"t" * 32))], "unsigned"),
        ([step(HONEST, 9, 12, Signer(b"t" * 32), "fangpin/500241/2")], "unknown_log"),
    ],
)
def test_what_is_refused(steps: list[Step], code: str) -> None:
    state = {ORIGIN: step(HONEST, 0, 9).note}
    assert codes(steps, state) == [(code, 2)]
    assert state == {ORIGIN: step(HONEST, 0, 9).note}, "what was refused is not remembered"


def test_after_a_refusal_nothing_later_is_taken() -> None:
    state = {ORIGIN: step(HONEST, 0, 9).note}
    assert codes([step(REWRITTEN, 9, 12), step(HONEST, 9, 13)], state) == [("inconsistent", 2)]
    assert state[ORIGIN].checkpoint().size == 9


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(1, 20), st.integers(0, 19))
def test_no_other_history_is_ever_taken(sizes: list[int], size: int, place: int) -> None:
    """Wherever an honest log was seen, another history is refused once it differs within what is known."""
    state: dict[str, Note] = {}
    before = 0
    for now in sorted(sizes):
        assert codes([step(HONEST, before, now)], state)[0][1] == 0
        before = now
    other = log_of(*WORDS[:place], "another", *WORDS[place + 1 :])
    found = codes([step(other, min(before, size), size)], state)
    is_beginning = size >= before and place >= before
    assert (found[0][1] == 0) is is_beginning


def test_what_it_remembers_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "witness.json"
    assert read_state(path) == {}
    state = {ORIGIN: step(HONEST, 0, 9).note}
    write_state(path, state)
    assert read_state(path) == state
    for broken in ("", "{}", '{"format": "fp-witness-v1", "logs": {"a": {}}}', '{"format": "x", "logs": {}}', "[1]"):
        path.write_text(broken)
        with pytest.raises(BadState):
            read_state(path)


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Unreached):
        steps_in(tmp_path)
    (tmp_path / "500241-1-20261104T000000Z-4.txt").write_text(step(HONEST, 0, 4).text)
    (tmp_path / "500241-1-20261105T000000Z-9.txt").write_bytes(b"\xff\xfe")
    (tmp_path / ".500241-1-x.txt.partial").write_text("half")
    steps, broken = steps_in(tmp_path)
    assert (len(steps), broken) == (1, ["500241-1-20261105T000000Z-9.txt"])


def test_only_the_web_is_asked() -> None:
    for address in ("file:///etc/passwd", "ftp://host/x", "gopher://x"):
        with pytest.raises(Unreached):
            step_at(address, "", {})
    assert Finding("x", "y").exit_code == 2
