"""``check`` finds each kind of damage, and finds nothing where nothing is."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from app.services import check
from app.services.check import Damage
from app.store import append_only, schema
from app.tables import db
from tests import postgres
from tests.factories import START
from tests.world import StoredWalker, World
from workflows.errors import Refused
from workflows.journal import digest

CASE = "500241H0000001-C1"


def build(url: str, folder: Path) -> None:
    """A household that was let in and gets help, and refused attempts in the access ledger."""
    schema.upgrade(url)
    one = World(url, folder)
    with one.app.app_context():
        walker = one.walker().include()
        walker.assist()
        for _ in range(3):
            with pytest.raises(Refused):
                walker.act("county_approve")
    one.close()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build it once for each engine; tests work on copies."""
    made: dict[str, Path] = {}

    def folder_of(engine: str) -> Path:
        if engine not in made:
            folder = made[engine] = tmp_path_factory.mktemp(engine)
            url = f"sqlite:///{folder / 'fangpin.db'}"
            if engine == "sqlite":
                build(url, folder)
            else:
                postgres.ensure_template("walked", partial(build, folder=folder))
        return made[engine]

    return folder_of


@pytest.fixture
def world(engine_name: str, tmp_path: Path, built: Callable[[str], Path]) -> Iterator[World]:
    """A copy of what was built: database and files."""
    source = built(engine_name)
    shutil.copytree(source, tmp_path / "copy")
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path / 'copy' / 'fangpin.db'}"
    else:
        url = postgres.new_database(postgres.ensure_template("walked", lambda _: None))
    one = World(url, tmp_path / "copy", now=START + timedelta(days=30))
    with one.app.app_context():
        yield one
    one.close()
    if engine_name != "sqlite":
        postgres.drop_database(url)


@pytest.fixture
def walked(world: World) -> StoredWalker:
    """The household in the copy."""
    walker = world.walker()
    walker.refresh()
    return walker


def found(county: str = "500241") -> list[Damage]:
    """Check a county and return what is wrong."""
    damages: list[Damage] = []
    check.check([county], report=damages.append)
    return damages


def codes() -> set[str]:
    """The codes of what is wrong."""
    return {damage.code for damage in found()}


def meddle(*statements: str, guarded: bool = False, **params: object) -> None:
    """Change the database behind the program's back; guards are dropped first and put back after."""
    with db.engine.begin() as connection:
        if guarded:
            append_only.remove(connection)
        for statement in statements:
            used = {name: value for name, value in params.items() if f":{name}" in statement}
            connection.execute(text(statement), used)
        if guarded:
            append_only.install(connection)


def replace_in_entry(connection: Connection, seq: int, old: str, new: str) -> None:
    """Change the text of an entry."""
    query = 'UPDATE journal SET text = replace(text, :old, :new) WHERE "case" = :case AND seq = :seq'
    connection.execute(text(query), {"old": old, "new": new, "case": CASE, "seq": seq})


def test_nothing_is_wrong_with_what_was_done_in_order(world: World, walked: StoredWalker) -> None:
    damages: list[Damage] = []
    counted: list[int] = []
    tally = check.check(check.counties(), report=damages.append, progress=counted.append)
    assert damages == []
    assert (tally.cases, tally.damages) == (3, 0)
    assert tally.entries == sum(len(chain) for chain in walked.chains.values())
    assert tally.files > 0
    assert sum(counted) == check.total(["500241"])


def test_an_altered_entry_is_found(world: World, walked: StoredWalker) -> None:
    with db.engine.begin() as connection:
        append_only.remove(connection)
        replace_in_entry(connection, 3, "500241001201", "500241001202")
        append_only.install(connection)
    assert Damage(CASE, 4, "link_broken") in found()
    assert Damage(CASE, 3, "hash_differs") in found()


def test_a_cut_tail_is_found(world: World, walked: StoredWalker) -> None:
    last = walked.case.seq
    meddle('DELETE FROM journal WHERE "case" = :case AND seq = :last', guarded=True, case=CASE, last=last)
    assert codes() == {"head_differs", "length_differs"}


def test_a_hash_that_is_not_the_texts_is_found(world: World, walked: StoredWalker) -> None:
    meddle("UPDATE journal SET hash = '0' WHERE \"case\" = :case AND seq = 2", guarded=True, case=CASE)
    assert found() == [Damage(CASE, 2, "hash_differs")]


def test_a_cut_tail_with_the_head_moved_back_is_found(world: World, walked: StoredWalker) -> None:
    """Whoever also mends the row leaves periods, evidence and waits that no entry explains."""
    last = walked.case.seq
    before = walked.chains[CASE][-2]
    meddle(
        'DELETE FROM journal WHERE "case" = :case AND seq = :last',
        "UPDATE cases SET seq = :last - 1, head = :head WHERE number = :case",
        guarded=True,
        case=CASE,
        last=last,
        head=digest(before),
    )
    assert "row_differs" in codes()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "'clue_open'"),
        ("closed", "(NOT closed)"),
        ("fields", "replace(fields, '900000', '100000')"),
        ("policy_digest", "definition_digest"),
        ("purpose", "'eliminate'"),
        ("due_at", "'2030-01-01T00:00:00Z'"),
        ("village", "'500241001999'"),
        ("opened_at", "'2020-01-01T00:00:00Z'"),
    ],
)
def test_a_changed_case_row_is_found(world: World, walked: StoredWalker, column: str, value: str) -> None:
    meddle(f"UPDATE cases SET {column} = {value} WHERE number = :case", case=CASE)  # noqa: S608
    assert any(d.place == CASE and d.code in ("row_differs", "unreadable") for d in found())


def test_a_case_row_that_is_no_json_is_found(world: World, walked: StoredWalker) -> None:
    meddle("UPDATE cases SET fields = '{' WHERE number = :case", case=CASE)
    assert "unreadable" in codes()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM cases WHERE number = '{case}'", "case_row_missing"),
        ("DELETE FROM waits", "waits_differ"),
        ("UPDATE waits SET role = 'county_lead'", "waits_differ"),
        ("DELETE FROM deadlines WHERE \"case\" = '{case}'", "deadline_differs"),
        ("UPDATE deadlines SET due_at = '2030-01-01T00:00:00Z'", "deadline_differs"),
        ("UPDATE deadlines SET ended_how = 'met' WHERE ended_how IS NULL", "deadline_differs"),
        ("UPDATE disclosures SET value = value || '改'", "value_differs"),
        ("DELETE FROM evidence_uses", "evidence_use_differs"),
        ("UPDATE texts SET text = text || ' '", "rules_text_altered"),
        ("DELETE FROM texts", "rules_text_missing"),
    ],
)
def test_what_hangs_on_the_entries_is_held_against_them(
    world: World, walked: StoredWalker, statement: str, code: str
) -> None:
    meddle(statement.format(case=CASE))
    assert code in codes()


def test_an_erased_value_is_no_damage(world: World, walked: StoredWalker) -> None:
    meddle("DELETE FROM disclosures")
    assert found() == []


def test_a_missing_guard_is_found(world: World, walked: StoredWalker) -> None:
    with db.engine.begin() as connection:
        append_only.remove(connection)
    assert codes() == {"guard_missing"}


# --- files ---
def some_file(world: World, shade: str) -> Path:
    """One of the files on the disk."""
    folder = world.folder / "evidence" / "500241" / shade
    return next(path for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("shade", ["original", "shown"])
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda path: path.unlink(), "file_missing"),
        (lambda path: path.write_bytes(path.read_bytes() + b" "), "file_altered"),
        (lambda path: path.write_bytes(b""), "file_altered"),
    ],
)
def test_missing_and_altered_files_are_found(
    world: World, walked: StoredWalker, shade: str, damage: Callable[[Path], None], code: str
) -> None:
    path = some_file(world, shade)
    damage(path)
    assert [(d.place, d.code) for d in found()] == [(f"evidence/500241/{shade}/{path.name[:16]}", code)]


def test_a_lost_folder_is_found(world: World, walked: StoredWalker) -> None:
    shutil.rmtree(world.folder / "evidence")
    assert codes() == {"file_missing"}


@pytest.mark.parametrize("shade", ["original", "shown"])
def test_an_orphaned_file_is_found_once_it_has_settled(world: World, walked: StoredWalker, shade: str) -> None:
    stray = world.folder / "evidence" / "500241" / shade / "ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"nobody's")
    assert found() == []
    old = time.time() - 2 * check.SETTLED_SECONDS
    os.utime(stray, (old, old))
    assert [(d.code, d.detail) for d in found()] == [("file_orphaned", str(stray))]


def test_an_unregistered_file_is_found(world: World, walked: StoredWalker) -> None:
    meddle("DELETE FROM evidence_files")
    assert "file_row_missing" in codes()


# --- the access ledger ---
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE access_ledger SET text = replace(text, 'refused', 'printed') WHERE seq = 2", "ledger_altered"),
        ("DELETE FROM access_ledger WHERE seq = 2", "ledger_broken"),
        ("DELETE FROM access_ledger WHERE seq = 3", "ledger_head_differs"),
        ("DELETE FROM access_ledger", "ledger_head_differs"),
        ("UPDATE access_ledger SET text = 'x' WHERE seq = 1", "ledger_malformed"),
        ("UPDATE ledger_heads SET seq = 2", "ledger_head_differs"),
        ("DELETE FROM ledger_heads", "ledger_head_differs"),
    ],
)
def test_a_meddled_access_ledger_is_found(world: World, statement: str, code: str) -> None:
    assert found() == []
    meddle(statement, guarded=True)
    assert code in codes()
