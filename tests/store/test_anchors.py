"""What was given out, held against the log: files never overwritten, forks found and accepted by a person."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.keys import Keys
from app.runtime import runtime
from app.services import anchors, seals, upkeep, witness
from app.services.health import health
from app.store import seals as store
from app.store.transaction import reading
from app.tables import db
from tests.store.test_seals import COUNTY, codes, damages, go_on, meddle
from tests.world import KEYS, World
from workflows.checkpoint import read_step
from workflows.errors import BadValue, NotAllowed, SealForked, SealWhole

REASON = "硬盘损坏，恢复了十一月的备份"


@pytest.fixture
def world(migrated_url: str, tmp_path: Path) -> Iterator[World]:
    """A household on its way, and a folder outside."""
    one = World(migrated_url, tmp_path / "data")
    (tmp_path / "anchors").mkdir()
    held = one.app.extensions["fangpin"]
    held.settings = replace(held.settings, anchor_folder=tmp_path / "anchors")
    one.folder.mkdir(exist_ok=True)
    with one.app.app_context():
        one.walker().act("report_clue")
        yield one
    one.close()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


def restore_as_of(size: int, checkpoints: int) -> None:
    """What a backup of then leaves: the log ends there (cases are not what is looked at here)."""
    meddle(
        f"DELETE FROM seal_leaves WHERE seq > {size}",  # noqa: S608 - numbers of ours
        f"DELETE FROM seal_checkpoints WHERE seq > {checkpoints}",  # noqa: S608
        "DELETE FROM sealed_cases",
        f"UPDATE seal_heads SET size = {size}, checkpoints = {checkpoints}",  # noqa: S608
    )


# --- the folder ---
def test_each_checkpoint_lies_outside_once(world: World, outside: Path) -> None:
    seals.seal(COUNTY)
    go_on(world, 2)
    seals.seal(COUNTY)
    files = sorted(outside.iterdir())
    assert [path.name.split("-")[:2] for path in files] == [[COUNTY, "1"]] * 2
    steps = [read_step(path.read_text()) for path in files]
    assert steps[0].old == 0
    assert steps[1].old == steps[0].note.checkpoint().size
    before = {path: path.stat().st_mtime_ns for path in files}
    assert anchors.export(COUNTY) == 0
    assert {path: path.stat().st_mtime_ns for path in sorted(outside.iterdir())} == before
    with pytest.raises(FileExistsError):
        anchors.write_once(files[0], b"other")
    assert sorted(outside.iterdir()) == files
    assert damages() == []
    found, broken = witness.steps_in(outside)
    assert [f.code for f in witness.watch(found, [seals.key_of(COUNTY)], {})] == ["taken"]
    assert broken == []


def test_a_folder_that_cannot_be_written_stops_nothing(world: World, outside: Path) -> None:
    outside.rmdir()
    done = seals.seal(COUNTY)
    assert (done.checkpoint, done.is_exported) == (1, False)
    assert dict(seals.work()) == {"unwritten": 1}
    outside.mkdir()
    assert not seals.work()
    assert len(list(outside.iterdir())) == 1, "written when the folder is there again"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("\n\n— ", "\n\n- ", "anchor_malformed"),
        ("at 2026", "at 2025", "anchor_key"),
        ("fangpin/500241/1", "fangpin/500241/7", "anchor_era"),
    ],
)
def test_a_wrong_earlier_file_is_found(world: World, outside: Path, old: str, new: str, code: str) -> None:
    seals.seal(COUNTY)
    path = next(outside.iterdir())
    go_on(world, 2)
    seals.seal(COUNTY)
    path.write_text(path.read_text().replace(old, new))
    assert codes() == {code}


# --- after a restore ---
def test_a_restored_backup_is_found_and_nothing_is_sealed(world: World, outside: Path) -> None:
    first = seals.seal(COUNTY)
    go_on(world, 2)
    second = seals.seal(COUNTY)
    restore_as_of(first.size, 1)
    fork = anchors.fork_of(COUNTY)
    assert fork == anchors.Fork(COUNTY, "smaller", str(second.size), first.size)
    with pytest.raises(SealForked) as refused:
        seals.seal(COUNTY)
    assert refused.value.params["how"] == "smaller"
    assert "anchor_smaller" in codes()
    assert seals.look_outside() == 1
    assert "seal" in health().failing
    assert dict(seals.work()) == {"forks": 1}
    with reading():
        assert len(store.checkpoints_after(COUNTY, 0, 9)) == 1


def test_another_history_of_the_same_length_is_found(world: World, outside: Path) -> None:
    """Leaves, tree and checkpoint written anew with the server's own key: only the file outside speaks against it."""
    go_on(world, 2)
    seals.seal(COUNTY)
    kept = {path: path.read_bytes() for path in outside.iterdir()}
    meddle("DELETE FROM seal_leaves", "DELETE FROM seal_nodes", "DELETE FROM seal_checkpoints")
    meddle("DELETE FROM sealed_cases")
    meddle("UPDATE seal_heads SET size = 0, checkpoints = 0")
    for path in kept:
        path.unlink()
    world.now += timedelta(days=1)
    seals.seal(COUNTY)
    assert codes() == set(), "in itself it is whole"
    for path in outside.iterdir():
        path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)
    assert codes() == {"anchor_differs"}
    with pytest.raises(SealForked):
        seals.seal(COUNTY)


def test_keys_that_were_lost_are_a_fork(world: World) -> None:
    seals.seal(COUNTY)
    runtime().keys = Keys(KEYS.cookie, KEYS.person, KEYS.cipher, b"another key of 32 bytes is this!")
    with pytest.raises(SealForked) as refused:
        seals.seal(COUNTY)
    assert refused.value.params["how"] == "key"
    assert "checkpoint_unsigned" in codes()


def test_a_fork_is_accepted_with_a_reason(world: World, outside: Path) -> None:
    lead, cadre = world.person("county_lead"), world.person("village_cadre")
    first = seals.seal(COUNTY)
    with pytest.raises(SealWhole):
        anchors.accept(lead, COUNTY, REASON)
    go_on(world, 2)
    seals.seal(COUNTY)
    restore_as_of(first.size, 1)
    for actor, reason, error in ((cadre, REASON, NotAllowed), (lead, " x ", BadValue)):
        with pytest.raises(error):
            anchors.accept(actor, COUNTY, reason)
    assert anchors.accept(lead, COUNTY, REASON) == 2
    world.now += timedelta(days=1)
    done = seals.seal(COUNTY)
    assert done.is_new
    assert seals.key_of(COUNTY).name == "fangpin/500241/2"
    assert damages() == []
    newest = "SELECT text FROM access_ledger ORDER BY seq DESC LIMIT 1"
    line = json.loads(db.session.execute(text(newest)).scalar_one())
    assert (line["kind"], line["detail"]["reason"], line["detail"]["era"]) == ("seal_accepted", REASON, 2)
    steps, _ = witness.steps_in(outside)
    found = {f.origin: f.code for f in witness.watch(steps, [seals.key_of(COUNTY)], {})}
    assert found["fangpin/500241/2"] == "first"
    # The same backup restored once more: the second log is outside too.
    meddle("UPDATE seal_heads SET era = 1")
    fork = anchors.fork_of(COUNTY)
    assert fork is not None
    assert fork.how == "era"
    assert anchors.accept(lead, COUNTY, REASON) == 3


# --- every day ---
def test_the_job_seals_each_day_once(world: World) -> None:
    assert seals.work()["checkpoints"] == 1
    go_on(world, 2)
    assert not seals.work(), "the day is sealed"
    world.now += timedelta(days=1)
    assert seals.work()["checkpoints"] == 1
    world.now += timedelta(days=1)
    assert dict(seals.work()) == {"checkpoints": 1}, "a day without change"
    assert damages() == []


def test_health_knows_when_sealing_stands_still(world: World) -> None:
    upkeep.beat(upkeep.SEAL, seals.work())
    assert "seal" not in health().failing
    world.now += timedelta(hours=27)
    assert "seal" in health().failing


def test_what_somebody_kept_is_compared(world: World, outside: Path, tmp_path: Path) -> None:
    seals.seal(COUNTY)
    steps, _ = witness.steps_in(outside)
    state = {step.note.checkpoint().origin: step.note for step in steps}
    witness.write_state(tmp_path / "w.json", state)
    (tmp_path / "note.txt").write_text(steps[0].note.text)
    for path in (tmp_path / "w.json", tmp_path / "note.txt", *outside.iterdir()):
        assert anchors.read_state(path) == [steps[0].note]
        assert anchors.against(COUNTY, steps[0].note) is None
