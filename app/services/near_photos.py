"""Photos of different households that look the same: by hashes noted when a photo was taken in, or computed now."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app import pictures
from app.runtime import runtime
from app.store import exceptions as store
from app.store.exceptions import Cut, Row
from app.store.lists import Scope

AT_A_LOOK = 100  # photos of before that one look at the list computes


def file_of(county: str) -> Path:
    """Return the file of a county's hashes."""
    return runtime().settings.pictures / f"{county}.txt"


def rows(scope: Scope, cut: Cut) -> list[Row]:
    """Return each use of a photo that looks like one of another household, with the nearest; newest first."""
    uses = store.photo_uses(scope, cut.options["kinds"])
    hashes = _hashes(uses, AT_A_LOOK)
    by_photo: dict[str, list[Any]] = {}
    for use in uses:
        by_photo.setdefault(use.sha256, []).append(use)
    best: dict[tuple[str, int, str], tuple[int, str]] = {}
    for one, other, bits in _pairs(hashes, by_photo, cut.numbers["bits"]):
        for a, b in ((one, other), (other, one)):
            _keep_nearest(best, by_photo[a], by_photo[b], bits)
    found = [_row(use, *best[_key(use)]) for use in uses if _key(use) in best and _is_asked(use, cut)]
    return sorted(found, key=lambda row: row.key, reverse=True)


def _pairs(
    hashes: Mapping[str, int], by_photo: Mapping[str, Sequence[Any]], most: int
) -> Iterable[tuple[str, str, int]]:
    """The same file twice is a pair as well."""
    known = {digest: hashes[digest] for digest in by_photo if digest in hashes}
    yield from ((digest, digest, 0) for digest, uses in by_photo.items() if len(uses) > 1)
    yield from pictures.near_pairs(known, most)


def _key(use: Any) -> tuple[str, int, str]:
    return use.case, use.seq, use.sha256


def _house(use: Any) -> str:
    return str(use.case).rpartition("-")[0]


def _keep_nearest(
    best: dict[tuple[str, int, str], tuple[int, str]], uses: Iterable[Any], others: Sequence[Any], bits: int
) -> None:
    for use in uses:
        other = next((o for o in others if _house(o) != _house(use)), None)
        if other is not None and best.get(_key(use), (99, ""))[0] > bits:
            best[_key(use)] = (bits, other.case)


def _row(use: Any, bits: int, other: str) -> Row:
    return Row(use.county, use.case, use.seq, use.at, use.sha256, {"bits": bits, "other": other})


def _is_asked(use: Any, cut: Cut) -> bool:
    is_in = use.village.startswith(cut.area.rstrip("0")) if cut.area else True
    return is_in and cut.since <= use.at and (not cut.until or use.at < cut.until)


def _hashes(uses: Sequence[Any], most: int) -> dict[str, int]:
    """Return the hashes of some photos; those that nobody noted are computed now, so many at most."""
    found: dict[str, int] = {}
    for county in {use.county for use in uses}:
        found |= pictures.noted(file_of(county))
    missing = {use.sha256: use for use in uses if use.sha256 not in found}
    for use in list(missing.values())[:most]:
        bits = _computed(use)
        if bits is not None:
            found[use.sha256] = bits
    return found


def _computed(use: Any) -> int | None:
    """Compute the hash of a photo from its shown copy and note it; None where the file is gone or can't be read."""
    folder = runtime().settings.evidence / use.county / "shown"
    try:
        bits = pictures.hash_of_file((folder / use.shown[:2] / use.shown).read_bytes())
    except OSError:
        return None
    pictures.note(file_of(use.county), use.sha256, bits)
    return bits


def complete(scope: Scope, kinds: Sequence[str]) -> tuple[int, int]:
    """Compute all hashes that are missing; return how many were computed, and of how many the file can't be read."""
    uses = store.photo_uses(scope, kinds)
    known = {digest for county in {use.county for use in uses} for digest in pictures.noted(file_of(county))}
    wanted = {use.sha256 for use in uses} - known
    found = _hashes(uses, len(wanted)).keys() & wanted
    return len(found), len(wanted - found)
