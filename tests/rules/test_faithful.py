"""The checker's abstraction is faithful: real random walks stay inside the explored space, and its moves are real."""

import random
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from tests.factories import FENGDU, SEVEN, START, XIUSHAN, helper_value, rules, subject
from workflows.clock import local_date, parse_utc
from workflows.decide import apply
from workflows.definition import Action, Step
from workflows.errors import Refused
from workflows.machine import NEW
from workflows.model import ROLE_LEVELS, Actor, Case, Command, Dossier, Evidence, Office, system_actor
from workflows.prove.check import groups
from workflows.prove.hands import _data, _kinds
from workflows.prove.model import Model
from workflows.prove.parts import FULL, MONITORED, Node, Part, name_of
from workflows.prove.space import Space, explore

PLACES = {"500241-xiushan": XIUSHAN, "500230-fengdu": FENGDU, "520999-seven-steps": SEVEN}
LEVELS = {"province": 2, "prefecture": 4, "county": 6, "township": 9, "village": 12, "grid": 15}
WALKS, STEPS = 25, 60
FORGOTTEN = ("household_case", "rectification")
# Definitions that do not touch each other are explored apart: the household through the gates, and findings of audits.
SPACES = [*((pack, "household_case") for pack in PLACES), ("500241-xiushan", "rectification")]


@cache
def space(pack: str, about: str) -> Space:
    """The explored space of a definition with those it touches, on the day on which walks begin, without imports."""
    chosen = rules().packs[pack]
    group = next(found for found in groups(rules().definitions) if about in found)
    return explore(Model(group, chosen, local_date(START)), imports=False)


class Walk:
    """One household that real commands move; each person acts once, so that no hand is ever the same."""

    def __init__(self, pack: str, about: str, seed: int) -> None:
        self.area, self.random = PLACES[pack], random.Random(seed)
        self.space = space(pack, about)
        self.model = self.space.model
        self.dossier = Dossier(subject(self.area))
        self.now, self.count = START, 0
        self.passed: dict[str, frozenset[str]] = {}
        self.helper: Actor | None = None

    def person(self, role: str) -> Actor:
        """Somebody new with one office; a helper is the one who was named."""
        if role == "helper" and self.helper:
            return self.helper
        self.count += 1
        area = self.area[: LEVELS[ROLE_LEVELS[role]]].ljust(12, "0")
        name = f"p{self.count}"
        return Actor(name, name, name, (Office(role, area),))

    def act(
        self, definition: str, case: Case | None, form: Step | Action, role: str, target: str, purpose: str
    ) -> bool:
        """Try a real command with good or with bad facts; tell whether it was done."""
        compiled = self.model.compiled[definition, purpose]
        data: dict[str, Any] = _data(compiled, form, self.now)
        helper = self.person("helper") if "helper" in form.fields and form.id != "open_watched" else None
        if helper:
            helper = Actor(f"h{self.count}", "h", f"h{self.count}", (Office("helper", self.area[:6].ljust(12, "0")),))
            data["helper"] = helper_value(helper)
        bad = self.random.random() < 0.3
        data |= {n: False for n in self.model.facts[definition, purpose].fields if bad and n in data}
        data |= {"target": target} if target else {}
        who = system_actor(self.area[:6]) if role == "system" else self.person(role)
        command = Command(
            action=name_of(form), key=f"k{self.count}", salt_seed=self.count.to_bytes(32, "big"), definition=definition,
            case=case.number if case else None, purpose="" if case else purpose, data=data,
            evidence=tuple(Evidence(kind, "0" * 64, 1, "image/png") for kind in _kinds(compiled, form)),
        )  # fmt: skip
        try:
            outcome = apply(rules(), self.dossier, command, who, self.now)
        except Refused:
            return False
        for move in outcome.moves:
            self.dossier = self.dossier.with_case(move.case)
        self.helper = helper or self.helper
        return True

    def tries(self) -> list[tuple[str, Case | None, Step | Action, str, str, str]]:
        """Everything that anybody could ask for, allowed or not."""
        found: list[tuple[str, Case | None, Step | Action, str, str, str]] = []
        for (definition, purpose), compiled in self.model.compiled.items():
            latest = self.dossier.latest(definition)
            cases = [None, latest] if latest is None or latest.closed else [latest]
            for case in cases:
                if case and case.purpose != purpose:
                    continue
                forms: list[Step | Action] = [*compiled.order, *compiled.alongside.values()]
                for form in [*forms, *compiled.definition.actions.values()]:
                    if isinstance(form, Action) and (form.internal or form.system or form.opening):
                        continue
                    if isinstance(form, Action) and form.records in ("correction", "recusal"):
                        continue
                    targets = compiled.targets(name_of(form), case.state if case else NEW)
                    roles = form.roles or (compiled.current_roles(case.state) if case else ())
                    asked = targets if isinstance(form, Action) and form.target == "@earlier_gate" else ("",)
                    found += [(definition, case, form, role, target, purpose) for role in roles for target in asked]
        return found

    def likely(self) -> tuple[str, Case | None, Step | Action, str, str, str] | None:
        """One try, mostly of what starts from where the cases stand."""
        tries = self.tries()
        able = [t for t in tries if self.model.compiled[t[0], t[5]].targets(name_of(t[2]), t[1].state if t[1] else NEW)]
        forward = [t for t in able if isinstance(t[2], Step)]
        pool = forward if forward and self.random.random() < 0.6 else able if self.random.random() < 0.9 else tries
        return self.random.choice(pool) if pool else None


def seen(walk: Walk, node: Node) -> list[tuple[object, ...]]:
    """What a node and a dossier have in common: state, progress, periods, and what conditions look at."""
    rows: list[tuple[object, ...]] = []
    for name, part in zip(walk.model.names, node, strict=True):
        rows.append(_row(name, part))
    return rows


def _row(name: str, part: Part | None) -> tuple[object, ...]:
    if part is None:
        return (name, None)
    return (name, part.purpose, part.state, tuple(sorted(part.done)), tuple(sorted(form for form, _ in part.signed)),
            tuple(sorted(part.facts)), tuple(sorted(part.counts)), tuple(sorted(part.flags)), part.has_helper,
            part.since, tuple(sorted((timer, phase == FULL) for timer, phase in part.clocks)))  # fmt: skip


def rows_of(walk: Walk, dossier: Dossier | None = None) -> tuple[object, ...]:
    """All rows of the walk's dossier, or of another one."""
    return _together([row_of(walk, name, dossier) for name in walk.model.names])


def row_of(walk: Walk, name: str, dossier: Dossier | None = None) -> tuple[object, ...]:
    """The same of a real case."""
    case = (dossier or walk.dossier).latest(name)
    if case is None:
        return (name, None)
    facts = walk.model.facts[name, case.purpose]
    fields = case.fields
    good = {n for n in facts.fields if fields.get(n) is True or (n == "income_per_head" and fields.get(n, 0) > 10**9)}
    counts = {(n, min(fields.get(n, 0), most)) for (d, n), most in walk.model.counters.items() if d == name}
    signed = [form for form, given in fields.get("_signatures", {}).items() for _ in given]
    return (name, case.purpose, case.state, tuple(sorted(fields.get("_done", []))), tuple(sorted(signed)),
            tuple(sorted(good)), tuple(sorted((n, c) for n, c in counts if c)),
            tuple(sorted(n for n in walk.model.flags if fields.get(n))), "helper" in fields,
            int(walk.model.needs_age and case.state in MONITORED),
            tuple(sorted((c.kind, c.bound == "min" and parse_utc(c.due) <= walk.now)
                         for c in case.clocks.values())))  # fmt: skip


@pytest.mark.parametrize(("pack", "about"), SPACES)
def test_real_walks_stay_inside_the_explored_space(pack: str, about: str) -> None:
    """Each state that real commands reach was explored, case by case and together; almost all of it is met."""
    whole = space(pack, about)
    explored = {_together(seen_of(whole, node)) for node in whole.nodes}
    acts = 0
    for seed in range(WALKS):
        walk = Walk(pack, about, seed)
        for _ in range(STEPS):
            chosen = walk.likely()
            if chosen is None or not walk.act(*chosen):
                walk.now = _later(walk)
                continue
            acts += 1
            together = rows_of(walk)
            assert together in explored, together
    assert acts > WALKS * 10


def seen_of(explored: Space, node: Node) -> list[tuple[object, ...]]:
    """The rows of a node."""
    return [_row(name, part) for name, part in zip(explored.model.names, node, strict=True)]


def _together(rows: list[tuple[object, ...]]) -> tuple[object, ...]:
    """A case through the gates, or a finding, that is closed for good is forgotten by the checker."""
    gates = ("concluded", "clue_closed_no_risk", "closed_ineligible", "closed_final", "withdrawn", "merged")
    return tuple(_kept(row, (*gates, "rectified")) for row in rows)


def _kept(row: tuple[object, ...], closed: tuple[str, ...]) -> tuple[object, ...]:
    forgotten = len(row) > 2 and row[0] in FORGOTTEN and row[2] in closed and not row[-1]
    return (row[0], None) if forgotten else row


def _later(walk: Walk) -> datetime:
    """Mostly a minute, at times the end of a minimum period."""
    minimums = [parse_utc(c.due) for case in walk.dossier.cases for c in case.clocks.values() if c.bound == "min"]
    return max([walk.now + timedelta(minutes=1), *minimums]) if walk.random.random() < 0.5 else walk.now


@pytest.mark.parametrize(("pack", "about"), SPACES)
def test_what_the_space_forbids_is_refused(pack: str, about: str) -> None:
    """Where the space has no such move, nobody with whatever office succeeds; where it has one, somebody does."""
    model = space(pack, about).model
    for seed in range(3):
        walk = Walk(pack, about, 100 + seed)
        for _ in range(30):
            before, helper = walk.dossier, walk.helper
            node = node_of(walk)
            if node is not None:
                moves = {(f.definition, f.action) for hop, _ in model.moves(node, openings=False) if not hop.wait
                         for f in hop.chain[:1]}  # fmt: skip
                met = set()
                for chosen in walk.tries():
                    walk.dossier, walk.helper = before, helper
                    if walk.act(*chosen):
                        key = (chosen[0], name_of(chosen[2]))
                        met.add(key)
                        changed = rows_of(walk) != rows_of(walk, before)
                        assert key in moves or not changed, key
                assert moves <= met, moves - met
            walk.dossier, walk.helper = before, helper
            step = walk.likely()
            if step is None or not walk.act(*step):
                walk.now = _later(walk)


def node_of(walk: Walk) -> Node | None:
    """An explored node that looks like the walk's dossier."""
    wanted = rows_of(walk)
    return _nodes(walk.space).get(wanted)


_KNOWN: dict[int, dict[tuple[object, ...], Node]] = {}


def _nodes(explored: Space) -> dict[tuple[object, ...], Node]:
    if id(explored) not in _KNOWN:
        _KNOWN[id(explored)] = {_together(seen_of(explored, node)): node for node in explored.nodes}
    return _KNOWN[id(explored)]
