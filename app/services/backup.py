"""Backup, restore and move: one snapshot, loaded as it was and proven equal, row by row and chain by chain."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tarfile import TarFile
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, make_url

from app.config import Settings
from app.keys import Keys, keys_of, open_keys, read_keys, seal_keys, write_keys
from app.services import archive, packs
from app.services.archive import BackupFault, Manifest, Part
from app.services.upkeep import TICK
from app.store import dump, schema
from workflows.clock import parse_utc

Progress = Callable[[int], None]
SHORTEST_PASSPHRASE = 12
# The sweep beats every 35 seconds at least: a younger beat than this means that a scheduler is at work.
AT_REST = timedelta(minutes=1)


@dataclass(frozen=True)
class Made:
    """A backup that was made; ``missing`` are the files of evidence that are not there as they were taken in."""

    path: Path
    bytes: int
    manifest: Manifest
    missing: Sequence[str]


# --- backup ---
def back_up(settings: Settings, target: Path, *, passphrase: str | None = None, progress: Progress) -> Made:
    """Write one file that holds everything, while others go on working; a folder gets a file named by the time.

    The keys are in it only by a passphrase. Raises BackupFault (``backup_exists``), OSError or SQLAlchemyError; then
    there is no file.
    """
    keys = read_keys(settings.secrets_file)
    folder = target if target.is_dir() else target.parent
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fangpin-") as name:
        staging = Path(name)
        with dump.snapshot(settings.database_url) as connection:
            drawn = draw(connection, staging, keys)
        path = target / _file_name(drawn) if target.is_dir() else target
        if path.exists():
            raise BackupFault("backup_exists", path=path)
        with archive.written(path) as tar:
            missing = _add_evidence(tar, staging, settings.evidence, progress)
            manifest = _noted(drawn, staging, missing, _add_packs(tar, settings))
            _add_rest(tar, staging, manifest, settings.secrets_file, passphrase)
    return Made(path, path.stat().st_size, manifest, missing)


def _file_name(manifest: Manifest) -> str:
    return f"fangpin-{manifest.made_at.replace('-', '').replace(':', '')}.tar"


def ensure_passphrase(passphrase: str) -> None:
    """Raise BackupFault for a passphrase that is soon guessed."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BackupFault("backup_passphrase_short", least=SHORTEST_PASSPHRASE)


def draw(connection: Connection, folder: Path, keys: Keys) -> Manifest:
    """Write all tables of a snapshot into a folder; return the manifest, its evidence not yet counted."""
    parts = [archive.write_table(folder, shape, dump.lines(connection, shape)) for shape in dump.shapes()]
    return Manifest(
        schema=schema.head(),
        program=version("fangpin"),
        engine=connection.dialect.name,
        made_at=dump.clock(connection),
        keys=keys.fingerprint(),
        chains=dump.chains(connection),
        tables=parts,
        files=0,
        missing=0,
    )


def _noted(drawn: Manifest, staging: Path, missing: Sequence[str], policies: dict[str, str]) -> Manifest:
    files = sum(1 for _ in evidence_names(staging))
    return replace(drawn, files=files - len(missing), missing=len(missing), policies=policies)


def evidence_names(staging: Path) -> Iterator[str]:
    """Return the names in the archive of all files that the dumped rows speak of, each once."""
    table = next(shape for shape in dump.shapes() if shape.name == "evidence_files")
    places = [table.names.index(name) for name in ("county", "sha256", "shown_sha256")]
    seen: set[str] = set()
    for line in archive.read_table(staging, table.name):
        row = json.loads(line)
        county, original, shown = (row[place] for place in places)
        for name in (f"evidence/{county}/original/{original}", f"evidence/{county}/shown/{shown}"):
            if name not in seen:
                seen.add(name)
                yield name


def _add_evidence(tar: TarFile, staging: Path, folder: Path, progress: Progress) -> list[str]:
    """Add the files, each read and compared with its digest; return the names of those that are not as they were."""
    missing = []
    for name in evidence_names(staging):
        _, county, shade, digest = name.split("/")
        path = folder / county / shade / digest[:2] / digest
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() == digest:
            archive.add(tar, name, content)
        else:
            missing.append(name)
        progress(1)
    return missing


def _add_packs(tar: TarFile, settings: Settings) -> dict[str, str]:
    """Add the site's own packs; return their digests."""
    found = packs.site_packs(settings)
    for name, text in found.items():
        archive.add(tar, f"{packs.FOLDER}/{name}", text)
    return packs.digests(found)


def _add_rest(tar: TarFile, staging: Path, manifest: Manifest, secrets_file: Path, passphrase: str | None) -> None:
    for part in manifest.tables:
        archive.add(tar, f"tables/{part.name}.jsonl.gz", archive.table_path(staging, part.name))
    if passphrase is not None:
        archive.add(tar, archive.KEYS, seal_keys(secrets_file.read_bytes(), passphrase))
    archive.add(tar, archive.MANIFEST, manifest.text())


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest backups of a folder, by the time in their names, so that ``keep`` stay; return them."""
    found = sorted(folder.glob("fangpin-[0-9]*T[0-9]*Z.tar"))
    gone = found[: max(0, len(found) - keep)]
    for path in gone:
        path.unlink()
    return gone


# --- restore ---
def restore(
    settings: Settings, source: Path, *, passphrase: str | None = None, secrets: Path | None = None
) -> Manifest:
    """Bring an archive into an empty installation, all of it or nothing; return its manifest.

    The keys come from the archive (by its passphrase), from a file, or lie in the data folder already. Raises
    BackupFault, WrongSchema, LoadFailed, OSError or SQLAlchemyError.
    """
    manifest = archive.peek(source)
    schema.ensure_known(manifest.schema)
    ensure_empty(settings.database_url)
    _ensure_no_evidence(settings)
    packs.ensure_fit(settings, manifest.policies)
    settings.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data, prefix=".restoring-") as name:
        staging = Path(name)
        _unpack(source, staging, manifest)
        keys = _chosen_keys(settings, staging, passphrase, secrets)
        if keys_of(keys).fingerprint() != manifest.keys:
            raise BackupFault("backup_wrong_keys", wanted=manifest.keys, found=keys_of(keys).fingerprint())
        brought = packs.read_unpacked(staging, manifest.policies)
        with _placed(settings, staging, keys), packs.placed(settings, brought):
            _build(settings.database_url, staging, manifest)
    return manifest


def ensure_empty(url: str) -> None:
    """Raise BackupFault when a database holds anything; looking makes no SQLite file."""
    path = _sqlite_file(url)
    if path is not None and not path.exists():
        return
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            schema.ensure_empty(connection)
    except schema.NotEmpty as error:
        raise _not_empty(url, error) from error
    finally:
        engine.dispose()


def _not_empty(url: str, error: schema.NotEmpty) -> BackupFault:
    code = "target_newer" if error.is_newer else "target_not_empty"
    return BackupFault(code, place=shown_url(url), tables=error.tables, revision=error.found or "-")


def shown_url(url: str) -> str:
    """Return a database address without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _sqlite_file(url: str) -> Path | None:
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _ensure_no_evidence(settings: Settings) -> None:
    if settings.evidence.exists() and any(settings.evidence.iterdir()):
        raise BackupFault("evidence_not_empty", path=settings.evidence)


def _unpack(source: Path, staging: Path, manifest: Manifest) -> None:
    counted = archive.unpack(source, staging)
    if counted["evidence"] != manifest.files:
        raise BackupFault("backup_damaged", what=f"evidence {counted['evidence']} / {manifest.files}")
    for part in manifest.tables:
        archive.ensure_whole(staging, part)


def _chosen_keys(settings: Settings, staging: Path, passphrase: str | None, secrets: Path | None) -> bytes:
    if settings.secrets_file.exists():
        return settings.secrets_file.read_bytes()
    if secrets is not None:
        return secrets.read_bytes()
    sealed = staging / archive.KEYS
    if not sealed.exists():
        raise BackupFault("backup_keys_missing", path=settings.secrets_file)
    if passphrase is None:
        raise BackupFault("backup_keys_sealed")
    try:
        return open_keys(sealed.read_bytes(), passphrase)
    except ValueError as error:
        raise BackupFault("backup_wrong_passphrase") from error


@contextmanager
def _placed(settings: Settings, staging: Path, keys: bytes) -> Iterator[None]:
    """Put keys and evidence in their place; take them away again when the database could not be filled."""
    brings_keys = not settings.secrets_file.exists()
    (staging / "evidence").mkdir(exist_ok=True)
    if settings.evidence.exists():
        settings.evidence.rmdir()
    (staging / "evidence").rename(settings.evidence)
    try:
        if brings_keys:
            write_keys(settings.secrets_file, keys)
        yield
    except BaseException:
        settings.evidence.rename(staging / "evidence")
        if brings_keys:
            settings.secrets_file.unlink(missing_ok=True)
        raise


def _build(url: str, staging: Path, manifest: Manifest) -> None:
    try:
        with _new_file(url):
            schema.build(url, manifest.schema, partial(_fill, staging=staging, manifest=manifest))
    except schema.NotEmpty as error:
        raise _not_empty(url, error) from error


def _fill(connection: Connection, *, staging: Path, manifest: Manifest) -> None:
    for part in manifest.tables:
        dump.load(connection, part.shape, archive.read_table(staging, part.name))
    for part in manifest.tables:
        _ensure_equal(connection, part)
    if dump.chains(connection) != manifest.chains:
        raise BackupFault("load_differs", what="chains")


def _ensure_equal(connection: Connection, part: Part) -> None:
    if dump.digest(connection, part.shape) != (part.rows, part.sha256):
        raise BackupFault("load_differs", what=part.name)


# --- move ---
def move(settings: Settings, url: str) -> Manifest:
    """Copy the database into an empty one, of either engine, while nobody may write; return what was proven equal.

    The source is only read, and evidence and keys stay where they are. Raises like ``restore``, and BackupFault
    (``still_running``) while a scheduler is at work.
    """
    keys = read_keys(settings.secrets_file)
    ensure_empty(url)
    with (
        tempfile.TemporaryDirectory(dir=settings.data, prefix=".moving-") as name,
        dump.snapshot(settings.database_url, frozen=True) as connection,
    ):
        _ensure_at_rest(connection)
        manifest = draw(connection, Path(name), keys)
        _build(url, Path(name), manifest)
    return manifest


@contextmanager
def _new_file(url: str) -> Iterator[None]:
    """Leave no SQLite file behind that was not there before and could not be filled."""
    path = _sqlite_file(url)
    is_new = path is not None and not path.exists()
    try:
        yield
    except BaseException:
        if path is not None and is_new:
            for made in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(made).unlink(missing_ok=True)
        raise


def _ensure_at_rest(connection: Connection) -> None:
    last = dump.last_beat(connection, TICK)
    if last and parse_utc(dump.clock(connection)) - parse_utc(last) < AT_REST:
        raise BackupFault("still_running", last=last)


def total_rows(manifest: Manifest) -> dict[str, Any]:
    """Return the figures of an archive for one sentence: cases, entries, lines of the ledger, rows, tables, files."""
    counted = manifest.chains.values()
    return {
        "cases": sum(one["cases"] for one in counted),
        "entries": sum(one["entries"] for one in counted),
        "lines": sum(one["ledger"][0] for one in counted if one["ledger"]),
        "rows": sum(part.rows for part in manifest.tables),
        "tables": len(manifest.tables),
        "files": manifest.files,
    }


def digest_of(manifest: Manifest) -> str:
    """Return the digest of a manifest, to be noted elsewhere: it stands for everything in the archive."""
    return hashlib.sha256(manifest.text()).hexdigest()
