"""The rules in force: definitions and packs from files or kept texts, compiled once for each digest pair."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from workflows.calendar_file import Document
from workflows.calendars import Calendar, composed, kept_calendar, load_calendar
from workflows.checks import check_definition, check_pack
from workflows.clauses import ClauseList, load_clause_lists
from workflows.clock import local_date
from workflows.definition import Definition, parse_definition, read_definition
from workflows.inherit import merge
from workflows.journal import canonical
from workflows.machine import Compiled, compile_machine
from workflows.model import Case, area_root
from workflows.policy import Pack, parse_pack, read_tables
from workflows.tables import BadTable, Mistakes, line_of
from workflows.wordings import ensure_wordings

HERE = Path(__file__).parent
DEFINITIONS = HERE / "definitions"
POLICIES = HERE / "policies"

__all__ = ["Rules", "load_rules", "local_date"]


class _Over(NamedTuple):
    """Documents over the shipped calendar, and the calendars made of them so far, by which of them are in one."""

    stamp: int
    documents: tuple[Document, ...]
    calendars: dict[tuple[int, ...], Calendar]


class Rules:
    """All definitions and packs at hand; machines are compiled when first asked for and shared ever after."""

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        packs: Mapping[str, Pack],
        calendar: Calendar | None = None,
        clauses: Mapping[str, ClauseList] | None = None,
    ) -> None:
        self.definitions = dict(definitions)
        self.packs = dict(packs)
        self.clauses = dict(clauses or {})
        self.calendar = calendar or load_calendar()
        self._definitions = {d.digest: d for d in definitions.values()}
        self._packs = {p.digest: p for p in packs.values()}
        self._machines: dict[tuple[str, str, str], Compiled] = {}
        self._acts: tuple[int, frozenset[str]] = (0, frozenset())
        self.stored_calendars: set[str] = set()  # digests of those that the store is known to hold
        self._over = _Over(0, (), {})
        self._kept_calendars: dict[str, Calendar] = {}

    def of_one_installation(self) -> "Rules":
        """Return the same rules, machines shared, with a calendar of its own: each installation imports documents."""
        own = copy.copy(self)
        own.use_documents((), stamp=0)
        own.stored_calendars = set()
        return own

    @property
    def calendar_stamp(self) -> int:
        """What tells the state of the documents in force from later ones."""
        return self._over.stamp

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents in force over the shipped calendar."""
        return self._over.documents

    def use_documents(self, documents: Sequence[Document], *, stamp: int) -> None:
        """Count by the shipped calendar with these documents over it; other threads see all of it or nothing."""
        self._over = _Over(stamp, tuple(documents), {})

    def calendar_for(self, county: str) -> Calendar:
        """Return the calendar of a county: shipped, notices and amendments in force, and its own closing days.

        An empty code gives that of the nation. Raises BadCalendar where the documents do not fit together.
        """
        over = self._over
        fitting = tuple(n for n, document in enumerate(over.documents) if county.startswith(document.area))
        if fitting not in over.calendars:
            over.calendars[fitting] = composed(self.calendar, [over.documents[n] for n in fitting], county)
        return over.calendars[fitting]

    def calendar_of(self, digest: str) -> Calendar | None:
        """Return the loaded calendar of a digest, None when its text was not loaded."""
        present = (self.calendar, *self._over.calendars.values())
        return next((c for c in present if c.digest == digest), None) or self._kept_calendars.get(digest)

    def pack_for(self, area: str, on: date) -> Pack:
        """Return the pack of the smallest place that holds an area (county before prefecture before nation)."""
        found = self.pack_at(area, on)
        if found is None:
            raise BadTable(f"no pack holds area {area} on {on}")
        return found

    def pack_at(self, area: str, on: date) -> Pack | None:
        """Return the pack of an area on a day, None where there was none yet."""
        fitting = [p for p in self.packs.values() if area.startswith(area_root(p.area)) and p.effective <= on]
        return max(fitting, key=lambda p: (len(area_root(p.area)), p.effective), default=None)

    def pack_of(self, digest: str) -> Pack | None:
        """Return the loaded pack of a digest, None when its text was not loaded."""
        return self._packs.get(digest)

    def current(self, definition: str, area: str, purpose: str, on: date) -> Compiled:
        """Return the machine for a case that opens in an area on a day; the default purpose is the first one."""
        chosen = self.definitions[definition]
        purpose = purpose or next(iter(chosen.purposes))
        if purpose not in chosen.purposes:
            raise BadTable(f"{definition} has no purpose {purpose!r}")
        return self._machine(chosen, self.pack_for(area, on), purpose)

    def machine_of(self, case: Case) -> Compiled:
        """Return the machine that a case is pinned to; raise KeyError when its texts were not loaded."""
        return self._machine(self._definitions[case.definition_digest], self._packs[case.policy_digest], case.purpose)

    def machine(self, definition: Definition, pack: Pack, purpose: str) -> Compiled:
        """Return the machine of a definition under a pack, whether it is in force or kept from before."""
        return self._machine(definition, pack, purpose)

    def pack_named(self, name: str) -> Pack | None:
        """Return a pack by its id, or any loaded one by its digest."""
        return self.packs.get(name) or self._packs.get(name)

    def definition_named(self, name: str) -> Definition | None:
        """Return a definition by its id, or any loaded one by its digest."""
        return self.definitions.get(name) or self._definitions.get(name)

    def machine_by(self, definition: str, pack: str, purpose: str) -> Compiled | None:
        """Return the machine of two digests, None when a text of them was not loaded."""
        if definition not in self._definitions or pack not in self._packs:
            return None
        return self._machine(self._definitions[definition], self._packs[pack], purpose)

    def acts_of_duties(self) -> frozenset[str]:
        """Return the acts of cases that begin or fulfil a duty of any loaded pack; counted anew when one was added."""
        if self._acts[0] != len(self._packs):
            rows = [row for pack in self._packs.values() for row in pack.duties if row.is_run]
            self._acts = len(self._packs), frozenset(act for row in rows for act in (*row.acts, *row.events))
        return self._acts[1]

    def knows(self, digest: str) -> bool:
        """Tell whether the text of a digest is loaded."""
        return digest in self._definitions or digest in self._packs or self.calendar_of(digest) is not None

    def add_text(self, kind: str, text: str) -> None:
        """Load a kept text (kind definition, pack or calendar), so that cases pinned to it run on."""
        if kind == "calendar":
            calendar = kept_calendar(text)
            self._kept_calendars[calendar.digest] = calendar
        elif kind == "definition":
            definition = parse_definition(text)
            self._definitions[definition.digest] = definition
        else:
            pack = parse_pack(text)
            self._packs[pack.digest] = pack

    def texts(self) -> Iterable[tuple[str, str, str]]:
        """All loaded texts as (digest, kind, text)."""
        yield from ((d.digest, "definition", d.text) for d in self._definitions.values())
        yield from ((p.digest, "pack", p.text) for p in self._packs.values())

    def _machine(self, definition: Definition, pack: Pack, purpose: str) -> Compiled:
        key = (definition.digest, pack.digest, purpose)
        if key not in self._machines:
            self._machines[key] = compile_machine(definition, pack, purpose)
        return self._machines[key]

    def check(self) -> None:
        """Compile every definition with every pack; raise BadTable with all that do not fit, one a line."""
        found = Mistakes()
        for pack in self.packs.values():
            for definition in self.definitions.values():
                for purpose in definition.purposes:
                    with found.noting():
                        self._machine(definition, pack, purpose)
        found.ensure_none()


def load_rules(*policy_folders: Path, definitions: Path = DEFINITIONS) -> Rules:
    """Load the shipped definitions and packs and a site's own (later folders win); check them all.

    Raises BadTable with file, line (where it is known), place and reason: of definitions for the first mistake, of
    packs for all of them, one a line.
    """
    found = {}
    for path in sorted(definitions.glob("*.toml")):
        definition = read_definition(path)
        with _naming(path.name):
            check_definition(definition)
        found[definition.id] = definition
    mistakes = Mistakes()
    tables: dict[str, dict[str, Any]] = {}
    files: dict[str, Path] = {}
    for folder in (POLICIES, *policy_folders):
        for path in sorted(folder.glob("*.toml")):
            with mistakes.noting():
                row = read_tables(path)
                tables[row["id"]], files[row["id"]] = row, path
    mistakes.ensure_none()
    rules = _checked(found, tables, files)
    lists = [folder / "clauses" for folder in (POLICIES, *policy_folders)]
    rules.clauses = load_clause_lists(lists, rules.packs, rules.definitions)
    return rules


def _checked(
    definitions: Mapping[str, Definition],
    tables: Mapping[str, dict[str, Any]],
    files: Mapping[str, Path],
) -> Rules:
    mistakes = Mistakes()
    lines: dict[str, tuple[str, ...]] = {}
    for name in tables:
        with mistakes.noting(), _naming_lines(files[name]):
            lines[name] = _lineage(name, tables)
    packs: dict[str, Pack] = {}
    # Parents first, so that a parent's mistake is reported with the parent's file, and not again with every child's.
    for name in sorted(lines, key=lambda name: len(lines[name])):
        if all(parent in packs for parent in lines[name][1:]):
            with mistakes.noting(), _naming_lines(files[name]):
                packs[name] = _read(lines[name], tables, definitions)
                _ensure_alone(packs[name], packs.values())
    mistakes.ensure_none()
    return Rules(definitions, packs)


def _read(line: tuple[str, ...], tables: Mapping[str, dict[str, Any]], definitions: Mapping[str, Definition]) -> Pack:
    mistakes = Mistakes()
    with mistakes.noting():
        ensure_wordings(tables[line[0]])
    mistakes.ensure_none()  # a pack with broken wordings can't be parsed
    pack = parse_pack(canonical(_resolved(line, tables)))
    with mistakes.noting():
        _ensure_later(line, tables)
    with mistakes.noting():
        check_pack(pack, definitions)
    with mistakes.noting():
        Rules(definitions, {pack.id: pack}).check()
    mistakes.ensure_none()
    return pack


def _ensure_alone(pack: Pack, packs: Iterable[Pack]) -> None:
    """Of two packs of one place from one day on, nobody could say which holds."""
    for other in packs:
        if other is not pack and (area_root(other.area), other.effective) == (area_root(pack.area), pack.effective):
            raise BadTable(f"pack {pack.id}: pack {other.id} is for the same place from the same day, {pack.effective}")


def _ensure_later(line: tuple[str, ...], tables: Mapping[str, dict[str, Any]]) -> None:
    """A pack may not rely on rules that were not in force yet when it begins."""
    for parent in line[1:]:
        if tables[parent]["effective"] > tables[line[0]]["effective"]:
            raise BadTable(f"pack {line[0]}: extends {parent!r}, which is effective only from later")


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """Name the file in which a mistake was found."""
    try:
        yield
    except ValueError as error:
        raise BadTable(f"{file}: {error}") from error


@contextmanager
def _naming_lines(path: Path) -> Iterator[None]:
    """Name file and, where the mistake names a row of it, line for each mistake."""
    try:
        yield
    except ValueError as error:
        text = path.read_text(encoding="utf-8")
        said = (f"{path.name}: {line_of(text, reason)}{reason}" for reason in str(error).splitlines())
        raise BadTable("\n".join(said)) from error


def _lineage(name: str, tables: Mapping[str, dict[str, Any]]) -> tuple[str, ...]:
    """Return a pack and its parents; a circle or a missing parent is a mistake."""
    line = [name]
    while parent := tables[line[-1]].get("extends"):
        if parent in line:
            raise BadTable(f"pack {name}: extends itself by way of {' → '.join(line)}")
        if parent not in tables:
            raise BadTable(f"pack {line[-1]}: extends {parent!r}, which is not there")
        line.append(parent)
    return tuple(line)


def _resolved(line: tuple[str, ...], tables: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = dict(tables[line[-1]])
    for name in reversed(line[:-1]):
        merged = merge(merged, tables[name])
    return merged
