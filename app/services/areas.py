"""Areas: import of division files, the tree, and the name paths by which a roster names a village."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from app.places import is_grouping
from app.store import areas as store
from app.store import ledger
from app.store.transaction import reading, writing
from app.tables import Area
from workflows.errors import BadValue, NotFound
from workflows.model import LEVEL_DIGITS, area_prefix, area_root

COLUMNS = ("code", "name", "level", "parent_code")
LONGEST_NAME = 100
MOST_LINES = 500_000
DIVISIONS = Path(__file__).parents[1] / "data" / "divisions"


class BadAreas(ValueError):
    """A file of areas cannot be taken: ``line`` (1 is the header) and a stable code; nothing was changed."""

    def __init__(self, line: int, code: str, value: str = "") -> None:
        super().__init__(f"line {line}: {code} {value}".rstrip())
        self.line, self.code, self.value = line, code, value


@dataclass(frozen=True)
class AreaLine:
    """One area of a file; ``parent`` is empty for a province."""

    line: int
    code: str
    name: str
    level: str
    parent: str

    @property
    def county(self) -> str:
        """The key under which the area is kept."""
        return self.code[:6]


@dataclass(frozen=True)
class Taken:
    """What an import of areas did."""

    added: int
    changed: int
    unchanged: int


def import_areas(data: bytes) -> Taken:
    """Take a CSV (code,name,level,parent_code) into the tree: all or nothing; raises BadAreas.

    The same file again changes nothing. No area is ever removed: households and entries name it. What changes in a
    county stands in its access ledger.
    """
    lines = read_lines(data)
    with writing() as now:
        known = store.with_codes([*(a.code for a in lines), *(a.parent for a in lines if a.parent)])
        _ensure_tree(lines, known)
        fresh = [a for a in lines if a.code not in known]
        changed = [a for a in lines if a.code in known and not _is_same(a, known[a.code])]
        _take(fresh, changed)
        _note(fresh, changed, hashlib.sha256(data).hexdigest(), now)
    return Taken(len(fresh), len(changed), len(lines) - len(fresh) - len(changed))


def read_lines(data: bytes) -> list[AreaLine]:
    """Read and check a file's lines, each for itself; raises BadAreas."""
    reader = csv.DictReader(io.StringIO(_decoded(data)))
    if any(name not in (reader.fieldnames or ()) for name in COLUMNS):
        raise BadAreas(1, "areas_columns", ",".join(COLUMNS))
    lines: dict[str, AreaLine] = {}
    for number, row in enumerate(reader, start=2):
        line = AreaLine(number, *((row[name] or "").strip() for name in COLUMNS))
        _ensure_line(line)
        if line.code in lines or number > MOST_LINES:
            raise BadAreas(number, "areas_twice" if line.code in lines else "areas_too_many", line.code)
        lines[line.code] = line
    return list(lines.values())


def _decoded(data: bytes) -> str:
    """UTF-8 with or without a mark, else GB18030, as Excel in China saves CSV."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise BadAreas(1, "areas_encoding") from error


def _ensure_line(line: AreaLine) -> None:
    digits = LEVEL_DIGITS.get(line.level, 0)
    if not digits:
        raise BadAreas(line.line, "areas_level", line.level[:20])
    length = max(digits, 12)
    if len(line.code) != length or not line.code.isascii() or not line.code.isdigit() or line.code[digits:].strip("0"):
        raise BadAreas(line.line, "areas_code", line.code[:20])
    if not line.name or len(line.name) > LONGEST_NAME or not line.name.isprintable():
        raise BadAreas(line.line, "areas_name", line.name[:20])
    if bool(line.parent) != (line.level != "province") or not line.code.startswith(area_root(line.parent)):
        raise BadAreas(line.line, "areas_parent", line.parent[:20])


def _ensure_tree(lines: Sequence[AreaLine], known: Mapping[str, Area]) -> None:
    levels = {**{code: area.level for code, area in known.items()}, **{a.code: a.level for a in lines}}
    order = list(LEVEL_DIGITS)
    for line in lines:
        above = levels.get(line.parent, "") if line.parent else None
        if above == "" or (above and order.index(above) >= order.index(line.level)):
            raise BadAreas(line.line, "areas_parent", line.parent)
        if line.code in known and known[line.code].level != line.level:
            raise BadAreas(line.line, "areas_level", line.level)


def _take(fresh: Sequence[AreaLine], changed: Sequence[AreaLine]) -> None:
    store.add([row_of(a) for a in fresh])
    for line in changed:
        store.rename(line.code, line.name, line.parent or None)


def _note(fresh: Sequence[AreaLine], changed: Sequence[AreaLine], file: str, now: datetime) -> None:
    """One line for each county touched; provinces and prefectures have no ledger of their own."""
    added, renamed = (Counter(a.county for a in lines) for lines in (fresh, changed))
    for county in sorted(c for c in {*added, *renamed} if not c.endswith("00")):
        detail = {"file": file, "areas_added": added[county], "areas_changed": renamed[county]}
        ledger.append(county, user=ledger.OPERATOR, kind="areas_imported", subject=county, now=now, detail=detail)


def _is_same(line: AreaLine, area: Area) -> bool:
    return (line.name, line.parent or None) == (area.name, area.parent)


def row_of(line: AreaLine) -> dict[str, str | None]:
    """Return an area as its table holds it."""
    return {
        "code": line.code,
        "name": line.name,
        "level": line.level,
        "parent": line.parent or None,
        "county": line.county,
    }


def add_grid(code: str, name: str) -> None:
    """Add a grid (15 digits) to its village; raises BadValue (code or name) or NotFound (village)."""
    line = AreaLine(0, code.strip(), name.strip(), "grid", code.strip()[:12])
    ensure_grid(line)
    with writing():
        if store.find(line.parent) is None:
            raise NotFound(area=line.parent)
        if store.find(line.code) is not None:
            raise BadValue(field="area", value=line.code)
        store.add([row_of(line)])


def ensure_grid(line: AreaLine) -> None:
    """Raise BadValue unless a grid's code and name can be taken."""
    try:
        _ensure_line(line)
    except BadAreas as error:
        raise BadValue(field="area", value=(line.name if error.code == "areas_name" else line.code)[:20]) from error


def inside(code: str) -> list[tuple[str, str, str]]:
    """Return (code, name, level) of the areas directly inside an area."""
    with reading():
        return [(a.code, a.name, a.level) for a in store.children(code)]


def path_names(code: str) -> list[str]:
    """Return the names of an area and those that hold it, outermost first; levels of statistics alone left out."""
    codes = [area_prefix(code, level).ljust(12, "0") for level in LEVEL_DIGITS if level != "grid"]
    wanted = list(dict.fromkeys([*codes, code]))
    with reading():
        found = store.with_codes(wanted)
    return [found[c].name for c in wanted if c in found and not is_grouping(found[c].name)]


def name_paths(county: str) -> dict[str, str]:
    """Return "code/county/township/village" → village code, as the roster reader takes them; inside a transaction.

    The code in front keeps two villages of one name apart; the reader looks at the last three parts.
    """
    areas = store.names_down_to_villages(county)
    return dict(_village_paths(areas))


def _village_paths(areas: Mapping[str, tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    for code, name, parent in areas.values():
        if code[9:].strip("0") and parent in areas:
            _, township, above = areas[parent]
            yield f"{code}/{areas[above][1] if above in areas else ''}/{township}/{name}", code


@cache
def shipped_divisions() -> Mapping[str, Path]:
    """Return the division files that come with the program, by each county that they hold."""
    found: dict[str, Path] = {}
    for path in sorted(DIVISIONS.glob("*.csv")):
        found.update({a.county: path for a in read_lines(path.read_bytes()) if a.level == "county"})
    return found


def import_shipped(county: str) -> Taken:
    """Import the county's divisions from the files that come with the program; raises KeyError when there are none."""
    return import_areas(shipped_divisions()[county].read_bytes())
