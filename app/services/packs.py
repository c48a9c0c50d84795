"""A site's own packs: carried in a backup, and put back where they hold, never over others of the same name."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.config import Settings
from app.services.archive import BackupFault

FOLDER = "policies"


def site_packs(settings: Settings) -> dict[str, bytes]:
    """Return the files of FANGPIN_POLICIES by name, as the program reads them; nothing where it is not set."""
    found = sorted(settings.policies.glob("*.toml")) if settings.policies else []
    return {path.name: path.read_bytes() for path in found}


def digests(packs: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file by its name."""
    return {name: hashlib.sha256(text).hexdigest() for name, text in packs.items()}


def place_of(settings: Settings) -> Path:
    """Return where packs are put back: FANGPIN_POLICIES, or a folder among the data."""
    return settings.policies or settings.data / FOLDER


def ensure_fit(settings: Settings, wanted: Mapping[str, str]) -> None:
    """Raise BackupFault when a pack is there already with other words: cases would go on by other rules."""
    for name, digest in wanted.items():
        path = place_of(settings) / name
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise BackupFault("policies_differ", path=path)


def read_unpacked(staging: Path, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """Return the packs of an unpacked archive; raise BackupFault unless they are those of its manifest."""
    folder = staging / FOLDER
    found = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
    if digests(found) != dict(wanted):
        raise BackupFault("backup_damaged", what=FOLDER)
    return found


@contextmanager
def placed(settings: Settings, packs: Mapping[str, bytes]) -> Iterator[None]:
    """Put packs in their place; take those away again that were not there when what follows fails."""
    place = place_of(settings)
    is_new = bool(packs) and not place.exists()
    made = [place / name for name in packs if not (place / name).exists()]
    try:
        if packs:
            place.mkdir(parents=True, exist_ok=True)
        for path in made:
            path.write_bytes(packs[path.name])
        yield
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        if is_new and place.exists():
            place.rmdir()
        raise
