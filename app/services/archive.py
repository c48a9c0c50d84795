"""The file of a backup (fp-backup-v2): a plain tar of packed tables, evidence and site packs, the manifest last.

Pictures do not pack, so only the tables are packed. The manifest stands last: a file that was cut off has none.
"""

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from app.store.dump import Shape

FORMAT = "fp-backup-v2"
READABLE = ("fp-backup-v1", FORMAT)  # the first had no packs
MANIFEST, KEYS = "manifest.json", "keys.json"
TABLE = re.compile(r"tables/[a-z_]{1,60}\.jsonl\.gz")
PACK = re.compile(r"policies/[^/\\\0]{1,200}\.toml")
FILE = re.compile(r"evidence/[0-9]{6}/(original|shown)/([0-9a-f]{64})")
CHUNK = 1 << 20
PACKING = 6
BROKEN = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


class BackupFault(RuntimeError):
    """A backup, restore or move that cannot be done; a code with parameters. Nothing was changed."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(f"{code}: {params}")
        self.code, self.params = code, params


@dataclass(frozen=True)
class Part:
    """A table in an archive: its shape, the number of its rows, and the SHA-256 of its lines."""

    name: str
    columns: list[list[str]]
    key: list[str]
    rows: int
    sha256: str

    @property
    def shape(self) -> Shape:
        """The table's shape as of the revision of the archive."""
        return Shape(self.name, tuple((name, kind) for name, kind in self.columns), tuple(self.key))


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself.

    ``keys`` is the fingerprint of the keys that reading it needs; ``policies`` are the digests of the site's packs.
    """

    schema: str
    program: str
    engine: str
    made_at: str
    keys: str
    chains: dict[str, dict[str, Any]]
    tables: list[Part]
    files: int
    missing: int
    policies: dict[str, str] = field(default_factory=dict)
    format: str = FORMAT

    def text(self) -> bytes:
        """Return the manifest as it is written."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, indent=1).encode()


def read_manifest(text: bytes) -> Manifest:
    """Return the manifest of an archive; raise BackupFault when it is none of ours."""
    try:
        values = json.loads(text)
        if values["format"] not in READABLE:
            raise BackupFault("backup_foreign", what=values["format"])
        parts = [Part(**part) for part in values.pop("tables")]
        return Manifest(tables=parts, **values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupFault("backup_damaged", what=MANIFEST) from error


# --- tables in a folder ---
def table_path(folder: Path, table: str) -> Path:
    """Return where the lines of a table lie in a folder."""
    return folder / "tables" / f"{table}.jsonl.gz"


def write_table(folder: Path, shape: Shape, lines: Iterator[bytes]) -> Part:
    """Write the lines of a table into a folder."""
    path, found, count = table_path(folder, shape.name), hashlib.sha256(), 0
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=PACKING, mtime=0) as file:
        for line in lines:
            found.update(line)
            file.write(line)
            count += 1
    return Part(shape.name, [list(pair) for pair in shape.columns], list(shape.key), count, found.hexdigest())


def read_table(folder: Path, table: str) -> Iterator[bytes]:
    """Return the lines of a table."""
    with gzip.open(table_path(folder, table), "rb") as file:
        yield from file


def ensure_whole(folder: Path, part: Part) -> None:
    """Raise BackupFault unless a table is there as the manifest says."""
    found, count = hashlib.sha256(), 0
    try:
        for line in read_table(folder, part.name):
            found.update(line)
            count += 1
    except (OSError, *BROKEN) as error:
        raise BackupFault("backup_damaged", what=f"tables/{part.name}") from error
    if (count, found.hexdigest()) != (part.rows, part.sha256):
        raise BackupFault("backup_damaged", what=f"tables/{part.name}")


# --- the tar ---
@contextmanager
def written(target: Path) -> Iterator[tarfile.TarFile]:
    """Write an archive beside its place and move it there when it is whole and on the disk; else leave nothing."""
    unready = target.with_name(f".{target.name}.partial")
    try:
        with os.fdopen(os.open(unready, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
                yield tar
            raw.flush()
            os.fsync(raw.fileno())
        unready.replace(target)
        _sync_folder(target.parent)
    finally:
        unready.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def add(tar: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    """Add a file to an archive; it tells nothing of the machine it comes from."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o600
    if isinstance(content, bytes):
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
        return
    entry.size = content.stat().st_size
    with content.open("rb") as file:
        tar.addfile(entry, file)


def peek(source: Path) -> Manifest:
    """Return the manifest of an archive without unpacking it; raise BackupFault when it is none, or cut off."""
    try:
        with tarfile.open(source, "r:") as tar:
            held = tar.extractfile(MANIFEST)
            return read_manifest(held.read() if held else b"")
    except KeyError as error:
        raise BackupFault("backup_cut", path=source) from error
    except BROKEN as error:
        raise BackupFault("backup_unreadable", path=source) from error


def unpack(source: Path, folder: Path) -> Mapping[str, int]:
    """Unpack an archive into an empty folder, each file of evidence checked by its name; return how many of each kind.

    Only what an archive of ours holds is taken: plain files under the names that we give.
    """
    counted = {"tables": 0, "evidence": 0}
    try:
        with tarfile.open(source, "r:") as tar:
            for entry in tar:
                _unpack_one(tar, entry, folder, counted)
    except BROKEN as error:
        raise BackupFault("backup_unreadable", path=source) from error
    return counted


def _unpack_one(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, counted: dict[str, int]) -> None:
    table, file, pack = (kind.fullmatch(entry.name) for kind in (TABLE, FILE, PACK))
    held = tar.extractfile(entry) if entry.isreg() else None
    if held is None or not (table or file or pack or entry.name in (MANIFEST, KEYS)):
        raise BackupFault("backup_foreign", what=entry.name[:80])
    place = folder / entry.name
    if file:
        place = place.parent / place.name[:2] / place.name
    place.parent.mkdir(parents=True, exist_ok=True)
    found = _write(held, place)
    if file and found != file[2]:
        raise BackupFault("backup_damaged", what=entry.name)
    if table or file:
        counted["tables" if table else "evidence"] += 1


def _write(held: IO[bytes], place: Path) -> str:
    found = hashlib.sha256()
    with place.open("wb") as file:
        while chunk := held.read(CHUNK):
            found.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return found.hexdigest()
