"""Sealing on both engines: what gets a leaf, who may seal, what ``check`` finds of a log that somebody meddled with."""

import errno
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from app.services import check, seal_desk, seal_keys, seals
from app.services.check import Damage
from app.signing import holds
from app.store import append_only, cases
from app.store import seals as store
from app.store.transaction import reading, writing
from app.tables import db
from tests.world import World
from workflows.checkpoint import read_note, read_proof
from workflows.errors import NoSigningKey, NotFound, SealBusy, SealStale
from workflows.leaves import LEDGER, read_leaf
from workflows.tree import is_consistent, is_included, leaf_hash

COUNTY, CASE = "500241", "500241H0000001-C1"


@pytest.fixture
def world(migrated_url: str, tmp_path: Path) -> Iterator[World]:
    """A household on its way."""
    one = World(migrated_url, tmp_path)
    with one.app.app_context():
        walker = one.walker()
        walker.act("report_clue")
        yield one
    one.close()


def go_on(world: World, serial: int = 1) -> str:
    """One more entry somewhere: another household is reported."""
    world.now += timedelta(hours=1)
    walker = world.walker(serial)
    walker.act("report_clue")
    return walker.case.number


def leaves() -> list[tuple[str, int, str]]:
    """All leaves in order, each read strictly."""
    with reading():
        rows = store.leaves_after(COUNTY, 0, 1000)
        found = [read_leaf(row.text) for row in rows]
        assert [leaf_hash(row.text.encode()).hex() for row in rows] == [row.hash for row in rows]
    return [(leaf.case, leaf.seq, leaf.head) for leaf in found]


def heads() -> dict[str, tuple[int, str]]:
    """The present heads of all cases and of the access ledger."""
    with reading():
        rows = db.session.execute(text("SELECT number, seq, head FROM cases")).all()
        lines = db.session.execute(text("SELECT seq, head FROM ledger_heads")).all()
    return {row[0]: (row[1], row[2]) for row in rows} | dict.fromkeys([LEDGER] * len(lines), tuple(*lines))


def damages() -> list[Damage]:
    found: list[Damage] = []
    check.check([COUNTY], report=found.append)
    return found


def codes() -> set[str]:
    return {damage.code for damage in damages()}


def meddle(*statements: str) -> None:
    """Change the database behind the program's back."""
    with db.engine.begin() as connection:
        append_only.remove(connection)
        for statement in statements:
            connection.execute(text(statement))
        append_only.install(connection)


# --- what gets a leaf ---
def test_every_changed_head_gets_a_leaf_and_nothing_else(world: World) -> None:
    first = seals.seal(COUNTY)
    assert {case: (seq, head) for case, seq, head in leaves()} == heads()
    assert (first.checkpoint, first.size, first.is_new) == (1, len(leaves()), True)
    again = seals.seal(COUNTY)
    assert (again.leaves, again.checkpoint, again.is_new) == (0, 1, False)
    new = go_on(world, 2)
    third = seals.seal(COUNTY)
    added = leaves()[first.size :]
    assert new in {case for case, _, _ in added}
    assert len(added) == third.leaves
    assert not {case for case, _, _ in added} & {CASE}
    newest = {case: (seq, head) for case, seq, head in leaves()}
    assert newest == heads()
    assert damages() == []


def test_a_checkpoint_is_signed_and_goes_on_from_the_one_before(world: World) -> None:
    seals.seal(COUNTY)
    go_on(world, 2)
    seals.seal(COUNTY)
    key = seals.key_of(COUNTY)
    with reading():
        one, two = store.checkpoints_after(COUNTY, 0, 10)
        notes = [read_note(row.text) for row in (one, two)]
        path = store.tree(COUNTY, two.size).consistency(one.size)
    assert all(note.is_signed_by(key, holds) for note in notes)
    old, new = (note.checkpoint() for note in notes)
    assert (old.origin, new.told("at")) == ("fangpin/500241/1", two.at)
    assert old.size < new.size
    assert is_consistent(old.size, old.root, new.size, new.root, path)


def test_a_day_without_change_gets_one_checkpoint(world: World) -> None:
    assert seals.seal(COUNTY, daily=True).is_new
    assert not seals.seal(COUNTY, daily=True).is_new
    world.now += timedelta(days=1)
    assert not seals.seal(COUNTY).is_new
    daily = seals.seal(COUNTY, daily=True)
    assert (daily.is_new, daily.leaves, daily.checkpoint) == (True, 0, 2)
    assert not seals.seal(COUNTY, daily=True).is_new
    assert damages() == []


def test_portions_give_the_same_tree(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for serial in range(2, 6):
        go_on(world, serial)
    monkeypatch.setattr(seals, "PAGE", 2)
    monkeypatch.setattr(seals, "LOOK", 4)
    done = seals.seal(COUNTY)
    assert done.leaves == done.size == len(heads())
    assert {case: (seq, head) for case, seq, head in leaves()} == heads()
    assert damages() == []


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_what_is_committed_late_comes_into_the_next_seal(world: World, migrated_url: str) -> None:
    """A transaction that began earlier, with an earlier time and number, is committed after the seal."""
    new = go_on(world, 2)
    address = migrated_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address) as late:
        late.execute("UPDATE cases SET seq = seq + 1, head = repeat('a', 64) WHERE number = %s", (CASE,))
        first = seals.seal(COUNTY)
        assert (CASE, "a" * 64) not in {(case, head) for case, _, head in leaves()}
        assert new in {case for case, _, _ in leaves()}
        late.commit()
    second = seals.seal(COUNTY)
    assert second.leaves == 1
    assert leaves()[first.size][0::2] == (CASE, "a" * 64)


# --- one sealer ---
def test_a_second_sealer_steps_back_and_one_that_stood_still_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for serial in range(2, 5):
        go_on(world, serial)
    monkeypatch.setattr(seals, "PAGE", 2)
    slow = seals._Work(COUNTY)
    with writing() as now:
        slow.go_on(now, daily=False)
    assert not slow.is_done
    with pytest.raises(SealBusy):
        seals.seal(COUNTY)
    world.now += timedelta(minutes=2)
    other = seals.seal(COUNTY)
    before = leaves()
    with pytest.raises(SealStale), writing() as now:
        slow.go_on(now, daily=False)
    assert leaves() == before
    assert len(before) == other.size == len({case for case, _, _ in before}) == len(heads())
    assert damages() == []


# --- proofs ---
def test_the_proof_of_a_case(world: World) -> None:
    with pytest.raises(NotFound):
        seal_desk.proof_of(COUNTY, CASE)
    seals.seal(COUNTY)
    found = seal_desk.proof_of(COUNTY, CASE)
    proof = read_proof(found.text)
    point = proof.note.checkpoint()
    assert is_included(leaf_hash(found.leaf.text.encode()), proof.index, point.size, proof.path, point.root)
    assert (found.is_proven, found.later, found.leaf.case) == (True, 0, CASE)
    with reading():
        assert found.leaf.head == cases.entries_of(COUNTY, CASE)[-1].hash


def test_who_may_look(world: World) -> None:
    seals.seal(COUNTY)
    auditor = world.person("auditor")
    assert [line.number for line in seal_desk.checkpoints(auditor).rows] == [1]
    assert seal_desk.checkpoint(auditor, COUNTY, 1).text.startswith("fangpin/500241/1\n")
    for county, number in ((COUNTY, 2), ("500230", 1)):
        with pytest.raises(NotFound):
            seal_desk.checkpoint(auditor, county, number)
    stranger = world.person("auditor", "500230001001")
    assert seal_desk.checkpoints(stranger).rows == []
    with pytest.raises(NotFound):
        seal_desk.proof(stranger, CASE)


# --- meddling ---
MEDDLED = {
    "leaf": ("UPDATE seal_leaves SET text = replace(text, 'fp-leaf-v1', 'fp-leaf-v2') WHERE seq = 1", "seal_altered"),
    "hash": ("UPDATE seal_leaves SET hash = replace(hash, '1', '2')", "seal_altered"),
    "leaf gone": ("DELETE FROM seal_leaves WHERE seq = 1", "seal_broken"),
    "last leaf gone": ("DELETE FROM seal_leaves WHERE seq = (SELECT max(seq) FROM seal_leaves)", "seal_head_differs"),
    "leaf swapped": ("UPDATE seal_leaves SET \"case\" = '500241H0000009-C1' WHERE seq = 1", "seal_altered"),
    "sealed head moved": ("UPDATE sealed_cases SET leaf = 77", "seal_noted_differs"),
    "sealed head gone": ("DELETE FROM sealed_cases", "seal_noted_differs"),
    "checkpoint": ("UPDATE seal_checkpoints SET text = replace(text, 'at 2026', 'at 2025')", "checkpoint_differs"),
    "signature": ("UPDATE seal_checkpoints SET text = replace(text, '\n\n', '\nx y\n\n')", "checkpoint_unsigned"),
    "garbage": ("UPDATE seal_checkpoints SET text = 'x'", "checkpoint_malformed"),
    "checkpoint gone": ("DELETE FROM seal_checkpoints", "seal_head_differs"),
    "log forgotten": ("DELETE FROM seal_heads", "seal_head_differs"),
}  # fmt: skip


@pytest.mark.parametrize("how", MEDDLED)
def test_a_log_that_was_meddled_with_is_found(world: World, how: str) -> None:
    go_on(world, 2)
    seals.seal(COUNTY)
    assert damages() == []
    statement, code = MEDDLED[how]
    meddle(statement)
    assert code in codes(), damages()


def test_a_head_older_than_its_leaf_gets_no_leaf_and_is_found(world: World) -> None:
    """Entry and head cut off by somebody who knows how: every chain is whole, only the leaf knows of more."""
    go_on(world, 2)
    seals.seal(COUNTY)
    meddle(
        "DELETE FROM journal WHERE \"case\" = '500241H0000002-C1'",
        "DELETE FROM cases WHERE number = '500241H0000002-C1'",
        "UPDATE cases SET seq = 0 WHERE number = '500241H0000001-C1'",
    )
    assert "seal_unfounded" in codes()
    done = seals.seal(COUNTY)
    assert (done.leaves, done.older) == (0, (CASE,))


def test_a_history_written_anew_is_found(world: World) -> None:
    """The entry is another one, chained anew and with its head: only the leaf says what it was."""
    seals.seal(COUNTY)
    with db.engine.begin() as connection:
        append_only.remove(connection)
        query = "UPDATE journal SET hash = replace(hash, 'a', 'b') WHERE \"case\" = :case"
        connection.execute(text(query), {"case": CASE})
        append_only.install(connection)
    assert "seal_unfounded" in codes()


def test_nodes_of_a_large_log_are_made_anew(world: World) -> None:
    with writing() as now:
        store.lock(COUNTY)
        many = [store.Change(f"500241H{n:07}-C1", 1, f"{n:064x}", 0) for n in range(9, 9 + 600)]
        size = store.append(COUNTY, 0, many, now)
        store.save(COUNTY, size=size)
    seals.seal(COUNTY)
    assert codes() == {"seal_unfounded"}
    meddle("UPDATE seal_nodes SET hash = replace(hash, '1', '2') WHERE seq = 2")
    assert {"seal_tree_differs", "checkpoint_root_differs"} <= codes()


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(errno.EROFS, "read-only")])
def test_a_key_that_can_not_be_made_is_said(world: World, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """A mounted secret of an older installation: nothing is sealed or printed, and the job fails instead of silence."""

    def denied(_: Path) -> bytes:
        raise error

    held = world.app.extensions["fangpin"]
    held.keys = replace(held.keys, signing=b"")
    monkeypatch.setattr("app.services.seal_keys.ensure_signing_key", denied)
    for ask in (lambda: seals.seal(COUNTY), seals.work, lambda: seal_keys.print_seal(COUNTY)):
        with pytest.raises(NoSigningKey):
            ask()
    assert (leaves(), seals.look_outside()) == ([], 0)
