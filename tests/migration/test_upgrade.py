"""What each former revision wrote goes on under this program: open cases, periods, evidence, ledger, messages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import app.migrations
from app.keys import open_keys, write_keys
from app.services import archive
from app.services.deliver import deliver
from app.services.sweep import sweep
from app.store import dump, schema
from tests import postgres
from tests.cli.conftest import Machine, environment
from tests.cli.test_cases import CASE, INCLUDE, act, walk
from tests.migration.databases import rows
from tests.migration.golden import FOLDER, PASSPHRASE, STEPS

REVISIONS = sorted(path.stem for path in FOLDER.glob("*.tar"))
SOUND = "发现问题 0"
DAYS = 40
ENTRIES = 'SELECT "case", seq, text, hash FROM journal ORDER BY "case", seq'


@pytest.fixture(params=REVISIONS)
def golden(request: pytest.FixtureRequest) -> Path:
    """An archive that the program of a revision wrote."""
    return FOLDER / f"{request.param}.tar"


@pytest.fixture
def empty(engine_name: str, tmp_path: Path) -> Iterator[Machine]:
    """A machine with nothing on it."""
    folder = tmp_path / "new"
    folder.mkdir()
    url = f"sqlite:///{folder / 'fangpin.db'}" if engine_name == "sqlite" else postgres.new_database()
    machine = Machine(environment(url, folder), folder)
    machine.environ["FANGPIN_BACKUP_PASSPHRASE"] = PASSPHRASE
    yield machine
    if engine_name != "sqlite":
        postgres.drop_database(url)


def test_each_former_revision_has_its_golden_archive() -> None:
    """Made once, by the program of that revision, before the next one came (see golden.py)."""
    former = {path.stem[1:5] for path in Path(app.migrations.__file__).parent.glob("versions/v*.py")}
    assert former - {schema.head()} <= set(REVISIONS)


def test_an_archive_of_a_former_revision_is_restored_and_goes_on(empty: Machine, golden: Path) -> None:
    assert SOUND in empty.run("restore", golden).output
    ensure_it_goes_on(empty)


def test_a_database_of_a_former_revision_is_upgraded_and_goes_on(empty: Machine, golden: Path, tmp_path: Path) -> None:
    """The database as that program left it, then ``fangpin upgrade``; before it nothing else is done."""
    url = empty.environ["FANGPIN_DATABASE_URL"]
    manifest = archive.peek(golden)
    as_it_was(url, manifest, golden, tmp_path / "unpacked", empty)
    before = rows(url, ENTRIES)
    if manifest.schema != schema.head():
        empty.fails("check", reason="wrong_schema")
    assert schema.head() in empty.run("upgrade").output
    assert rows(url, ENTRIES) == before
    assert SOUND in empty.run("check").output
    assert schema.head() in empty.run("upgrade").output
    ensure_it_goes_on(empty)


def as_it_was(url: str, manifest: archive.Manifest, golden: Path, staging: Path, machine: Machine) -> None:
    """Fill an empty database at the revision of the archive; files and keys beside it."""
    staging.mkdir()
    archive.unpack(golden, staging)
    schema.upgrade(url)
    schema.downgrade(url, manifest.schema)
    with schema._migrating(url) as connection:
        for part in manifest.tables:
            dump.load(connection, part.shape, archive.read_table(staging, part.name))
    data = machine.folder / "data"
    data.mkdir()
    (staging / "evidence").rename(data / "evidence")
    sealed = (staging / archive.KEYS).read_bytes()
    write_keys(data / "secrets.json", open_keys(sealed, PASSPHRASE))


def ensure_it_goes_on(machine: Machine) -> None:
    """Periods end once and in time, messages arrive, the case takes its next step, and all is sound."""
    url = machine.environ["FANGPIN_DATABASE_URL"]
    opened = rows(url, "SELECT count(*) FROM deadlines WHERE next_at IS NOT NULL")
    assert opened != [(0,)]
    machine.now = machine.now.replace(month=3, day=3)
    act(machine, CASE, *INCLUDE[STEPS])
    machine.now = machine.now.replace(month=4, day=20)
    first = swept(machine)
    assert first["done"] > 0
    assert first["failed"] == 0
    lapsed = rows(url, ENTRIES)
    assert swept(machine)["done"] == 0
    assert rows(url, ENTRIES) == lapsed
    assert rows(url, "SELECT count(*) FROM outbox WHERE delivered_at IS NULL") == [(0,)]
    walk(machine, CASE, INCLUDE[STEPS + 1 : STEPS + 3])
    assert SOUND in machine.run("check").output


def swept(machine: Machine) -> dict[str, int]:
    """One run of the scheduler's two main jobs."""
    with machine.application():
        counted = sweep()
        deliver()
    return {"done": 0, "failed": 0} | dict(counted)
