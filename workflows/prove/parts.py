"""The abstract household: of each of its cases what decides which moves are possible, and nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

from workflows.definition import CAME_FROM, Action, Definition, Step
from workflows.guards import WEIGHING
from workflows.income import MEMBERS, PER_HEAD, has_sheet
from workflows.machine import NEW, Compiled
from workflows.policy import Condition, Pack

# The five gates, the notice between review and audit, and help before them: what the checker holds every pack to.
# They are promises of the product (怎么进怎么出), so they stand here and not in the data that is being checked.
CASE, STATUS, ASSIST = "household_case", "monitor_status", "assist"
FIVE_GATES = ("nominate", "verify", "village_review", "township_audit", "county_approve")
SEPARATE = ("verify", "township_audit", "county_approve")
POSTED, NOTICE_STEP, NOTICE_TIMER, NOTICE = "post", "publicize", "publicity_min", "@notice"
EARLY, EARLY_FLAG, EARLY_TIMER = "fast_track", "emergency_assisted", "complete_procedure"
MONITORED = ("active", "active_safety_net")
ELIMINATED = ("eliminated_observing", "eliminated_stable")
AFTERCARE = ("watching", "stable")
HELPER = "helper"

# Phases of a running period. A minimum "run"s until it is "full"; one that began before the notice hung is "loose".
RUN, FULL, LOOSE, LOOSE_FULL, MAX, OPEN, SHUT, FIRES = (
    "run", "full", "loose", "loose_full", "max", "open", "shut", "fires",
)  # fmt: skip
REACHED = {RUN: FULL, LOOSE: LOOSE_FULL}


class Part(NamedTuple):
    """One case in the abstract. ``since``: 0 never included, 1 lately, 2 long enough for the pack's conditions."""

    purpose: str
    state: str
    done: frozenset[str] = frozenset()
    signed: tuple[tuple[str, str], ...] = ()
    facts: frozenset[str] = frozenset()
    counts: frozenset[tuple[str, int]] = frozenset()
    flags: frozenset[str] = frozenset()
    came_from: str = ""
    clocks: frozenset[tuple[str, str]] = frozenset()
    passed: frozenset[str] = frozenset()
    has_helper: bool = False
    since: int = 0

    def phase(self, timer: str) -> str:
        """Return the phase of a running period, or an empty text."""
        return next((phase for name, phase in self.clocks if name == timer), "")

    def count(self, name: str) -> int:
        """Return a counter as far as it is followed."""
        return next((n for key, n in self.counts if key == name), 0)


Node = tuple[Part | None, ...]


class Fired(NamedTuple):
    """One case's share in a move: the action, from where to where, and which periods it started and ended (how)."""

    definition: str
    purpose: str
    action: str
    source: str
    target: str
    started: tuple[str, ...]
    ended: tuple[tuple[str, str], ...]
    passed: frozenset[str]


class Hop(NamedTuple):
    """One move of the household: who may make it, and what it does to each case; ``wait`` when only time passes."""

    roles: tuple[str, ...]
    chain: tuple[Fired, ...]
    wait: str = ""
    opening: bool = False


def name_of(form: Step | Action) -> str:
    """Return the name by which a form is asked for."""
    return form.action if isinstance(form, Step) else form.id


def guards_of(form: Step | Action, purpose: str) -> list[Mapping[str, object]]:
    """Return the guards of a form that hold for a purpose."""
    return [spec for spec in form.guards if purpose in spec.get("purposes", (purpose,))]


def required_steps(compiled: Compiled) -> tuple[Step, ...]:
    """Return the steps that carry the gates, in their order."""
    return tuple(step for step in (*compiled.order, *compiled.alongside.values()) if step.required)


# Facts that help instead of being asked for, each with the field that tells it.
NO_LABOUR, NATURAL = "@no_labour", "@natural"
TOLD_BY = {"labour_members": NO_LABOUR, "elimination_mode": NATURAL}


class Bar(NamedTuple):
    """A condition that bars a decision: facts of the case, a counter elsewhere, or an age of the inclusion.

    ``modes``: the ways of elimination that it holds for; empty: all. ``excuse``: a fact with which it is met.
    """

    fields: frozenset[str] = frozenset()
    counter: tuple[str, str, int] | None = None
    age: bool = False
    modes: tuple[str, ...] = ()
    excuse: str = ""

    def holds_for(self, known: frozenset[str]) -> bool:
        """Tell whether a case with these facts is held to it."""
        mode = "natural" if NATURAL in known else "assisted"
        return (not self.modes or mode in self.modes) and self.excuse not in known


class Facts(NamedTuple):
    """What the conditions that bar a decision look at."""

    bars: tuple[Bar, ...]

    @property
    def fields(self) -> frozenset[str]:
        """Facts of the case that must be good."""
        return frozenset(name for bar in self.bars for name in bar.fields)

    @property
    def recorded(self) -> frozenset[str]:
        """Fields that tell a fact, those with it that only help."""
        helps = {bar.excuse for bar in self.bars} | ({NATURAL} if any(bar.modes for bar in self.bars) else set())
        return self.fields | {field for field, fact in TOLD_BY.items() if fact in helps}

    @property
    def counters(self) -> tuple[tuple[str, str, int], ...]:
        """Counters of other cases, each with the number that is enough."""
        return tuple(bar.counter for bar in self.bars if bar.counter)

    @property
    def needs_age(self) -> bool:
        """Tell whether it matters how long ago the household was included."""
        return any(bar.age for bar in self.bars)


def facts_of(pack: Pack, definition: Definition, purpose: str) -> Facts:
    """Return what the barring conditions of a pack look at, where a definition asks for them."""
    forms: tuple[Step | Action, ...] = (*definition.steps.values(), *pack.steps.values(), *definition.actions.values())
    asked = any(spec["guard"] in WEIGHING for form in forms for spec in guards_of(form, purpose))
    binding = (c for c in pack.conditions if c.effect == "bar" and purpose in c.purposes)
    # Where the system counts income per head, the step that asks who shares it is the one that tells.
    income = MEMBERS if has_sheet(pack) else PER_HEAD
    return Facts(tuple(_bar(c, income) for c in binding if asked and definition.gates))


def _bar(condition: Condition, income: str) -> Bar:
    needs, modes = condition.needs, condition.modes
    if condition.test in ("fields_true", "fields_positive"):
        return Bar(frozenset(needs["fields"]), modes=modes)
    if condition.test == "income_above_line":
        return Bar(frozenset({income}), modes=modes)
    if condition.test == "counted":
        return Bar(counter=(needs["definition"], needs["field"], needs["least"]), modes=modes)
    if condition.test == "included_for":
        return Bar(age=True, modes=modes)
    if condition.test == "developmental_measure":
        # Without labour no developmental measure is needed.
        return Bar(counter=(ASSIST, "developmental_measures", 1), modes=modes, excuse=NO_LABOUR)
    if condition.test in ("household_kind", "any_positive"):
        # Some household meets it, and one that does not is nominated under another category.
        return Bar(modes=modes)
    raise NotImplementedError(f"the proof knows no condition {condition.test!r}")


def live_origins(compiled: Compiled) -> frozenset[str]:
    """Return the states in which it still matters where a case came from (an action may lead back there)."""
    actions = compiled.definition.actions.values()
    arrows: list[tuple[str, tuple[str, ...], Step | Action]]
    arrows = [(state, compiled.targets(a.id, state), a) for a in actions for state in (NEW, *compiled.states)]
    arrows += [(step.state, compiled.targets(step.action, step.state), step) for step in compiled.order]
    live = {s for s, targets, a in arrows if targets and isinstance(a, Action) and a.target.startswith(CAME_FROM)}
    grown = True
    while grown:
        before = {s for s, targets, a in arrows if getattr(a, "records", "") != "came_from" and live & set(targets)}
        grown = not before <= live
        live |= before
    return frozenset(live)
