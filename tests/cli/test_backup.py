"""Backup, restore and move as an operator does them: on both engines, under writers, with all that may be wrong."""

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.store import dump, ledger
from app.store.transaction import writing
from tests import postgres
from tests.cli.conftest import Machine, environment
from tests.cli.test_cases import CASE, INCLUDE, act, clue, walk
from tests.migration.databases import rows, run
from workflows.clock import utc_text

PASSPHRASE = "a long and quiet word"
OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
SOUND = "发现问题 0"
PACK = Path(__file__).parents[1] / "packs" / "seven-steps.toml"


@contextmanager
def empty(engine: str, folder: Path) -> Iterator[Machine]:
    """A machine with nothing on it: no keys, no files, an empty database."""
    folder.mkdir()
    if engine == "sqlite":
        yield Machine(environment(f"sqlite:///{folder / 'fangpin.db'}", folder), folder)
        return
    url = postgres.new_database()
    yield Machine(environment(url, folder), folder)
    postgres.drop_database(url)


@pytest.fixture
def worked(machine: Machine) -> Machine:
    """A machine with a case in the middle of its way: entries, evidence, running periods, a look of the auditor."""
    clue(machine)
    walk(machine, CASE, INCLUDE[:3])
    machine.run("case", "show", CASE, "--as", "shen")
    return machine


def back_up(machine: Machine, *arguments: object) -> Path:
    """Back up into a file."""
    path = machine.folder / "backup.tar"
    machine.run("backup", path, *arguments)
    return path


def secrets_of(machine: Machine) -> Path:
    return machine.folder / "data" / "secrets.json"


def passphrase(machine: Machine, text: str = PASSPHRASE) -> Path:
    path = machine.folder / "passphrase"
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def everything(machine: Machine) -> dict[str, tuple[int, str]]:
    """The digest of each table."""
    with dump.snapshot(machine.environ["FANGPIN_DATABASE_URL"]) as connection:
        return {shape.name: dump.digest(connection, shape) for shape in dump.shapes()}


def ensure_nothing(machine: Machine) -> None:
    """Nothing was made: no table, no key, no file."""
    url = machine.environ["FANGPIN_DATABASE_URL"]
    if url.startswith("sqlite"):
        assert not Path(url.removeprefix("sqlite:///")).exists()
    else:
        assert rows(url, "SELECT 1 FROM information_schema.tables WHERE table_schema = 'public'") == []
    data = machine.folder / "data"
    assert not data.exists() or list(data.iterdir()) == []


def rewrite(source: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """A copy of an archive with its parts changed; None leaves one out."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for entry in old:
            held = old.extractfile(entry)
            made = change(entry.name, held.read() if held else b"")
            if made:
                info = tarfile.TarInfo(made[0])
                info.size = len(made[1])
                new.addfile(info, io.BytesIO(made[1]))
    return target


@pytest.mark.parametrize("to", ["same", "other"])
def test_a_backup_comes_back_on_either_engine(worked: Machine, engine_name: str, to: str, tmp_path: Path) -> None:
    """Destroyed and restored: every row equal, the check sound, and work goes on where it stood."""
    path = back_up(worked, "--with-keys", "--passphrase-file", passphrase(worked))
    assert path.stat().st_mode & 0o777 == 0o600
    before = everything(worked)
    with empty(engine_name if to == "same" else OTHER[engine_name], tmp_path / "new") as new:
        said = new.run("restore", path, "--passphrase-file", passphrase(new)).output
        assert SOUND in said
        assert everything(new) == before
        assert secrets_of(new).read_bytes() == secrets_of(worked).read_bytes()
        assert secrets_of(new).stat().st_mode & 0o777 == 0o600
        new.now = worked.now
        walk(new, CASE, INCLUDE[3:5])
        new.add("spaeter", "auditor@500241")
        assert SOUND in new.run("check").output
        assert not list((new.folder / "data").glob(".*"))


def test_what_comes_back_is_guarded_and_counts_on(worked: Machine, engine_name: str, tmp_path: Path) -> None:
    path = back_up(worked)
    with empty(OTHER[engine_name], tmp_path / "new") as new:
        new.run("restore", path, "--secrets", secrets_of(worked))
        url = new.environ["FANGPIN_DATABASE_URL"]
        for statement in ("UPDATE journal SET text = text", "DELETE FROM access_ledger"):
            with pytest.raises(Exception, match="append-only"):
                run(url, statement)
        assert rows(url, "SELECT count(*) FROM login_sessions") == [(0,)]
        highest = int(str(rows(url, "SELECT max(id) FROM users")[0][0]))
        assert f"u{highest + 1}" in new.add("neu", "auditor@500241").output


def test_the_database_moves_by_one_command(worked: Machine, engine_name: str, tmp_path: Path) -> None:
    """The source stays as it is; keys and files stay where they are."""
    before = everything(worked)
    with empty(OTHER[engine_name], tmp_path / "new") as new:
        target = new.environ["FANGPIN_DATABASE_URL"]
        beaten = f"INSERT INTO heartbeats VALUES ('sweep', '{utc_text(datetime.now(UTC))}', '')"  # noqa: S608 - ours
        run(worked.environ["FANGPIN_DATABASE_URL"], beaten)
        worked.fails("move", "--to", target, reason="still_running")
        run(worked.environ["FANGPIN_DATABASE_URL"], "DELETE FROM heartbeats")
        said = worked.run("move", "--to", target).output
        assert SOUND in said
        assert "FANGPIN_DATABASE_URL" in said
        assert everything(new) == everything(worked) == before
        worked.fails("move", "--to", target, reason="target_not_empty")
        worked.environ["FANGPIN_DATABASE_URL"] = target
        walk(worked, CASE, INCLUDE[3:5])
        assert SOUND in worked.run("check").output


def test_a_backup_is_one_moment_while_others_write(worked: Machine, tmp_path: Path) -> None:
    """Writers go on during the backup, and what comes back fits together."""
    stop, failed = threading.Event(), []

    def write() -> None:
        with worked.application():
            while not stop.is_set():
                try:
                    append()
                except Exception as error:  # noqa: BLE001 - told by the test
                    failed.append(error)
                    return

    def append() -> None:
        with writing() as now:
            ledger.append("500241", user="u1", kind="file_read", subject="x", now=now, detail={})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        paths = [worked.folder / f"{n}.tar" for n in range(3)]
        for path in paths:
            worked.run("backup", path)
    finally:
        stop.set()
        writer.join()
    assert failed == []
    for n, path in enumerate(paths):
        with empty("sqlite", tmp_path / f"new{n}") as new:
            assert SOUND in new.run("restore", path, "--secrets", secrets_of(worked)).output


def test_wrong_archives_are_named_and_leave_nothing(worked: Machine, engine_name: str, tmp_path: Path) -> None:
    path = back_up(worked)
    whole = path.read_bytes()
    cut, tail, noise = (tmp_path / name for name in ("cut", "tail", "noise"))
    cut.write_bytes(whole[: len(whole) // 2])
    tail.write_bytes(whole[:-12_000])
    noise.write_bytes(b"no archive at all" * 99)

    def damaged(name: str, content: bytes) -> tuple[str, bytes]:
        return name, content[:-20] + b"x" * 20 if name == "tables/journal.jsonl.gz" else content

    def swapped(name: str, content: bytes) -> tuple[str, bytes]:
        return name, content + b" " if name.startswith("evidence/") else content

    def without(name: str, content: bytes) -> tuple[str, bytes] | None:
        return None if name == "tables/users.jsonl.gz" else (name, content)

    def climbing(name: str, content: bytes) -> tuple[str, bytes]:
        return ("../evil" if name == "tables/users.jsonl.gz" else name), content

    def newer(name: str, content: bytes) -> tuple[str, bytes]:
        return name, json.dumps(
            json.loads(content) | {"schema": "9999"}
        ).encode() if name == "manifest.json" else content

    wrong = {
        cut: "backup_cut|backup_unreadable",
        tail: "backup_cut|backup_unreadable",
        noise: "backup_unreadable",
        rewrite(path, tmp_path / "damaged", damaged): "backup_damaged",
        rewrite(path, tmp_path / "swapped", swapped): "backup_damaged",
        rewrite(path, tmp_path / "without", without): "backup_damaged",
        rewrite(path, tmp_path / "climbing", climbing): "backup_foreign",
        rewrite(path, tmp_path / "newer", newer): "wrong_schema",
    }
    with empty(engine_name, tmp_path / "new") as new:
        for archive, codes in wrong.items():
            said = new.run("restore", archive, "--secrets", secrets_of(worked), code=1).stderr
            assert any(f"[{code}]" in said for code in codes.split("|")), (archive.name, said)
            ensure_nothing(new)
        assert not (tmp_path / "evil").exists()


def test_wrong_keys_and_passphrases_are_named_and_leave_nothing(
    worked: Machine, engine_name: str, tmp_path: Path
) -> None:
    open_one = back_up(worked)
    sealed = worked.folder / "sealed.tar"
    worked.run("backup", sealed, "--with-keys", "--passphrase-file", passphrase(worked))
    other = worked.folder / "other.json"
    other.write_text(json.dumps(dict.fromkeys(("cookie", "person", "cipher"), "ab" * 32)), encoding="utf-8")
    with empty(engine_name, tmp_path / "new") as new:
        new.fails("restore", open_one, reason="backup_keys_missing")
        new.fails("restore", sealed, reason="backup_keys_sealed")
        new.fails("restore", open_one, "--secrets", other, reason="backup_wrong_keys")
        new.fails(
            "restore", sealed, "--passphrase-file", passphrase(new, "another word"), reason="backup_wrong_passphrase"
        )
        ensure_nothing(new)
    worked.fails("backup", worked.folder / "x", "--with-keys", "--passphrase-file", passphrase(worked, "short"),
                 reason="backup_passphrase_short")  # fmt: skip


def test_the_keys_are_not_in_the_file_unless_asked_for_and_then_sealed(worked: Machine) -> None:
    secret = json.loads(secrets_of(worked).read_text())
    sealed = worked.folder / "sealed.tar"
    worked.run("backup", sealed, "--with-keys", "--passphrase-file", passphrase(worked))
    for path in (back_up(worked), sealed):
        content = path.read_bytes()
        assert not any(key.encode() in content or bytes.fromhex(key) in content for key in secret.values())


def test_the_electronic_seal_is_in_no_backup_and_both_ways_say_so(
    worked: Machine, engine_name: str, tmp_path: Path
) -> None:
    """Its keys can set the office's seal: they do not travel, whoever restores is told, and it can be put back."""
    assert "机关电子印章" not in worked.run("backup", worked.folder / "bare.tar").output
    worked.run("office-seal", "init", "--name", "测试县农业农村局")
    path, folder = worked.folder / "x.tar", worked.folder / "data" / "office-seal"
    said = worked.run("backup", path, "--with-keys", "--passphrase-file", passphrase(worked)).output
    assert "备份中没有机关电子印章" in said
    keys = [file.read_bytes().splitlines()[1] for file in folder.glob("*.key")]
    assert len(keys) == 3
    with tarfile.open(path) as held:
        assert not [name for name in held.getnames() if "seal" in name and not name.startswith("tables/")]
    assert not any(key in path.read_bytes() for key in keys)
    with empty(engine_name, tmp_path / "new") as new:
        assert "这里没有机关电子印章" in new.run("restore", path, "--passphrase-file", passphrase(new)).output
    with empty(engine_name, tmp_path / "other") as new:
        shutil.copytree(folder, new.folder / "data" / "office-seal")
        assert "这里没有机关电子印章" not in new.run("restore", path, "--passphrase-file", passphrase(new)).output
        new.run("office-seal", "show")


def test_nothing_is_restored_over_an_installation(worked: Machine) -> None:
    """The same, and one that a newer program made: named, and not a row of it changed."""
    path, before = back_up(worked), everything(worked)
    assert "未作改动" in worked.fails("restore", path, reason="target_not_empty")
    url = worked.environ["FANGPIN_DATABASE_URL"]
    run(url, "UPDATE alembic_version SET version_num = '9999'")
    assert "9999" in worked.fails("restore", path, reason="target_newer")
    assert everything(worked) == before


def test_evidence_already_there_is_not_mixed_with_another(worked: Machine, engine_name: str, tmp_path: Path) -> None:
    path = back_up(worked)
    with empty(engine_name, tmp_path / "new") as new:
        shutil.copytree(worked.folder / "data" / "evidence", new.folder / "data" / "evidence")
        new.fails("restore", path, "--secrets", secrets_of(worked), reason="evidence_not_empty")


def test_a_failure_in_the_middle_undoes_everything(
    worked: Machine, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = back_up(worked)
    with empty(engine_name, tmp_path / "new") as new, monkeypatch.context() as patch:
        patch.setattr(dump, "digest", lambda connection, shape: (0, "other"))
        new.fails("restore", path, "--secrets", secrets_of(worked), reason="load_differs")
        ensure_nothing(new)


def test_a_backup_says_which_files_it_lacks(worked: Machine) -> None:
    lost = sorted((worked.folder / "data" / "evidence").rglob("*"))[-1]
    lost.write_bytes(b"other")
    said = worked.run("backup", worked.folder / "backup.tar", code=2)
    assert lost.name in said.stderr
    assert (worked.folder / "backup.tar").exists()


def test_a_sites_own_packs_come_back(worked: Machine, engine_name: str, tmp_path: Path) -> None:
    """Into FANGPIN_POLICIES where it is set, else among the data, and the check runs by them."""
    own = tmp_path / "own"
    own.mkdir()
    text = PACK.read_bytes()
    (own / "七步.toml").write_bytes(text)
    worked.environ["FANGPIN_POLICIES"] = str(own)
    path = worked.folder / "backup.tar"
    assert "规则包 1 个" in worked.run("backup", path).output
    with empty(engine_name, tmp_path / "new") as new:
        said = new.run("restore", path, "--secrets", secrets_of(worked)).output
        assert "FANGPIN_POLICIES" in said
        assert SOUND in said
        assert (new.folder / "data" / "policies" / "七步.toml").read_bytes() == text
    with empty(engine_name, tmp_path / "set") as new:
        there = tmp_path / "there"
        there.mkdir()
        new.environ["FANGPIN_POLICIES"] = str(there)
        new.run("restore", path, "--secrets", secrets_of(worked))
        assert (there / "七步.toml").read_bytes() == text
        assert not (new.folder / "data" / "policies").exists()


def test_packs_are_not_put_over_others_nor_left_behind(
    worked: Machine, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "own.toml").write_bytes(PACK.read_bytes())
    worked.environ["FANGPIN_POLICIES"] = str(own)
    path = back_up(worked)

    def swapped(name: str, content: bytes) -> tuple[str, bytes]:
        return name, content + b"# more" if name.startswith("policies/") else content

    def climbing(name: str, content: bytes) -> tuple[str, bytes]:
        return ("policies/../evil.toml" if name.startswith("policies/") else name), content

    with empty(engine_name, tmp_path / "new") as new:
        bad, evil = (rewrite(path, tmp_path / change.__name__, change) for change in (swapped, climbing))
        new.fails("restore", bad, "--secrets", secrets_of(worked), reason="backup_damaged")
        new.fails("restore", evil, "--secrets", secrets_of(worked), reason="backup_foreign")
        with monkeypatch.context() as patch:
            patch.setattr(dump, "digest", lambda connection, shape: (0, "other"))
            new.fails("restore", path, "--secrets", secrets_of(worked), reason="load_differs")
        ensure_nothing(new)
        other = tmp_path / "other"
        other.mkdir()
        new.environ["FANGPIN_POLICIES"] = str(other)
        (other / "own.toml").write_bytes(PACK.read_bytes() + b"\n")
        assert "未作改动" in new.fails("restore", path, "--secrets", secrets_of(worked), reason="policies_differ")
        ensure_nothing(new)


def test_a_backup_of_the_first_format_is_still_read(worked: Machine, engine_name: str, tmp_path: Path) -> None:
    def first(name: str, content: bytes) -> tuple[str, bytes]:
        if name != "manifest.json":
            return name, content
        known = {key: value for key, value in json.loads(content).items() if key != "policies"}
        return name, json.dumps(known | {"format": "fp-backup-v1"}).encode()

    path = rewrite(back_up(worked), tmp_path / "first", first)
    with empty(engine_name, tmp_path / "new") as new:
        assert SOUND in new.run("restore", path, "--secrets", secrets_of(worked)).output


def test_backups_are_named_by_time_and_old_ones_go(worked: Machine) -> None:
    folder = worked.folder / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"fangpin-2026010{day}T000000Z.tar").write_bytes(b"")
    (folder / "notes.txt").write_text("kept")
    worked.run("backup", folder, "--keep", 2)
    found = sorted(path.name for path in folder.iterdir())
    assert len(found) == 3
    assert found[0] == "fangpin-20260103T000000Z.tar"
    assert "notes.txt" in found
    worked.fails("backup", folder / found[0], reason="backup_exists")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_row_that_the_target_refuses_is_told_without_its_values(
    machine: Machine, engine_name: str, tmp_path: Path
) -> None:
    """SQLite holds no lengths; PostgreSQL does, and names table and rule, never the value."""
    name = "很长" * 60
    run(machine.environ["FANGPIN_DATABASE_URL"], f"UPDATE users SET name = '{name}' WHERE id = 2")  # noqa: S608 - ours
    with empty("postgresql", tmp_path / "new") as new:
        line = machine.fails("move", "--to", new.environ["FANGPIN_DATABASE_URL"], reason="load_failed")
        assert "users" in line
        assert "很长" not in line
        ensure_nothing(new)


def test_acting_goes_on_after_a_refused_backup(worked: Machine) -> None:
    worked.run("backup", worked.folder / "nowhere" / "x.tar", code=1)
    act(worked, CASE, *INCLUDE[3])
