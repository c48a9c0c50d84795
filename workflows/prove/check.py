"""The whole proof: each pack on each day on which its rules change, with everything that was found."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import product
from pathlib import Path

from workflows.definition import Action, Definition, Step
from workflows.limits import SELECTORS, Facts, Limit
from workflows.policy import Pack, Parameter
from workflows.prove.findings import Finding
from workflows.prove.hands import area_of, hands
from workflows.prove.model import Model
from workflows.prove.parts import CASE
from workflows.prove.pauses import check_pauses
from workflows.prove.reach import Graph, check_reach
from workflows.prove.space import explore
from workflows.prove.texts import check_texts
from workflows.prove.timers import Inside, check_limits, check_timers, insides
from workflows.registry import Rules

SOURCES = Path(__file__).parents[1]


@dataclass(frozen=True)
class Explored:
    """What the space of one shape of pack showed: findings, size, ways for which limits leave room."""

    findings: tuple[Finding, ...]
    states: int
    moves: int
    ways: tuple[Inside, ...]


@dataclass(frozen=True)
class Proof:
    """What the proof of one pack came to. ``people``: how many persons a case needs, by purpose (0: too many)."""

    pack: str
    states: int
    moves: int
    days: tuple[date, ...]
    people: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings


class Prover:
    """Proves packs; those that order the same steps and run the same periods share one exploration.

    Without ``imports`` what a roster brings is left out, without ``people`` nobody tries to carry a case: quicker.
    """

    def __init__(self, rules: Rules, *, imports: bool = True, people: bool = True) -> None:
        self.rules, self.imports, self.people = rules, imports, people
        self._explored: dict[str, Explored] = {}
        self._hands: dict[str, tuple[dict[str, int], list[Finding]]] = {}

    def prove(self, pack: Pack) -> Proof:
        """Return the proof of one pack against all definitions."""
        found: dict[Finding | str, Finding] = {}
        states = moves = 0
        people: dict[str, int] = {}
        days, households = days_of(pack), households_of(pack)
        for day, household in product(days, households):
            for group in groups(self.rules.definitions):
                model = Model(group, pack, day, household)
                explored = self._explore(model)
                states, moves = max(states, explored.states), max(moves, explored.moves)
                limits = check_limits(model, explored.ways, self.rules.calendar)
                people, alone = self._count_people(model) if CASE in group and self.people else (people, [])
                for finding in (*explored.findings, *limits, *alone, *check_pauses(model.compiled)):
                    found.setdefault(_name(finding), finding)
        for finding in check_texts(pack, self.rules.definitions):
            found.setdefault(_name(finding), finding)
        return Proof(pack.id, states, moves, days, people, tuple(f.under(pack.id) for f in found.values()))

    def _explore(self, model: Model) -> Explored:
        key = shape_of(model)
        if key not in self._explored:
            graph = Graph(explore(model, imports=self.imports))
            findings = (*check_reach(graph), *check_timers(graph))
            self._explored[key] = Explored(findings, *graph.space.size, insides(graph))
        return self._explored[key]

    def _count_people(self, model: Model) -> tuple[dict[str, int], list[Finding]]:
        key = shape_of(model)
        if key not in self._hands:
            rules = Rules(self.rules.definitions, {model.pack.id: model.pack}, self.rules.calendar)
            counted = {p: hands(rules, area_of(model.pack.area), model.on, p)
                       for (name, p) in model.compiled if name == CASE}  # fmt: skip
            self._hands[key] = {p: n for p, (n, _) in counted.items()}, [f for _, f in counted.values() if f]
        return self._hands[key]


def _name(finding: Finding) -> str:
    return f"{finding.code} {finding.definition} {finding.key} {sorted(map(str, finding.params.items()))}"


def prove(rules: Rules, packs: Iterable[str] = ()) -> Iterator[Proof]:
    """Prove the packs named, or all; one after the other."""
    prover = Prover(rules)
    for name in packs or rules.packs:
        yield prover.prove(rules.packs[name])


def days_of(pack: Pack) -> tuple[date, ...]:
    """Return the days on which a pack's rules change: the first, and each on which a row begins or ends."""
    rows: tuple[Limit | Parameter, ...] = (*pack.limits, *pack.parameters)
    changes = {day for row in rows for day in (row.begins, row.ends) if pack.effective < day < date.max}
    return (pack.effective, *sorted(changes))


def households_of(pack: Pack) -> tuple[Facts, ...]:
    """Return one household for each way in which rows of limits tell households apart, the plain one first."""
    told = {key: {"", *(value for row in pack.limits for value in row.selectors.get(key, ()))} for key in SELECTORS}
    facts = [SELECTORS[key] for key in told if key != "purposes"]
    values = [sorted(told[key]) for key in told if key != "purposes"]
    return tuple(Facts(**dict(zip(facts, chosen, strict=True))) for chosen in product(*values))


def groups(definitions: Mapping[str, Definition]) -> list[dict[str, Definition]]:
    """Return the definitions that move or look at each other, together; strangers are explored apart."""
    found: list[dict[str, Definition]] = []
    for name, definition in definitions.items():
        linked = {name, *(e.definition for e in definition.effects)} | _looked_at(definition)
        joined = {name: definition}
        for group in [g for g in found if linked & g.keys() or any(name in _links(d) for d in g.values())]:
            joined |= group
            found.remove(group)
        found.append(joined)
    return found


def _links(definition: Definition) -> set[str]:
    return {e.definition for e in definition.effects} | _looked_at(definition)


def _looked_at(definition: Definition) -> set[str]:
    forms: tuple[Step | Action, ...] = (*definition.steps.values(), *definition.actions.values())
    specs = [spec for form in forms for spec in form.guards]
    status = {"monitor_status"} if any(spec["guard"] == "status_in" for spec in specs) else set()
    return status | {str(spec["definition"]) for spec in specs if spec["guard"] == "nothing_open"}


def shape_of(model: Model) -> str:
    """Return a digest of what the space depends on: machines, bounds of limits, what bars a decision."""
    machines = [(key, c.definition.digest, c.order, c.alongside, c.timers, sorted(c.machine.events))
                for key, c in model.compiled.items()]  # fmt: skip
    bounds = sorted((key, sorted(b.items())) for key, b in model.bounds.items())
    text = repr((machines, bounds, sorted(model.facts.items())))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def checker_version() -> str:
    """Return a digest of the code that decides and proves: another one may come to another result."""
    files = sorted((*SOURCES.glob("*.py"), *SOURCES.glob("prove/*.py"), SOURCES / "terms.toml"))
    joined = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(joined).hexdigest()
