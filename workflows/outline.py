"""What a compiled machine says of itself, for people: who may do what where, by when, and who may not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from workflows.definition import Action, Step, Timer
from workflows.limits import Limit
from workflows.machine import NEW, Compiled
from workflows.recount import ACTION as RECOUNT
from workflows.repin import ACTION as CHANGE_RULES

Form = Step | Action


@dataclass(frozen=True)
class Bar:
    """One rule by which a person may not do something that the role allows.

    code: own (household of one's own, or recused), gate (signed one of ``gates``), aside (the pack's own rule on
    ``gates``), helper (is or was the household's helper), fresh (signed anything in the case), twice (the same act).
    """

    code: str
    gates: tuple[str, ...] = ()
    clause: str = ""


@dataclass(frozen=True)
class Deed:
    """One action of a machine: from which states to which others, and who may do it in which of them."""

    id: str
    form: Form
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    bars: tuple[Bar, ...]

    @property
    def everybody(self) -> tuple[str, ...]:
        """The roles that may do it somewhere, in the order in which they first appear."""
        return tuple(self.roles)

    def is_everywhere(self, role: str) -> bool:
        """Tell whether a role may do it from every state that it starts from."""
        return set(self.roles.get(role, ())) == set(self.sources)

    @property
    def asker(self) -> str:
        """Who asks for it: people, the system, another case, only a change of rules or calendar, or only a roster."""
        if isinstance(self.form, Step):
            return "people"
        if self.form.id in (CHANGE_RULES, RECOUNT):
            return "rules"
        if self.form.opening:
            return "opening"
        return "system" if self.form.system else "case" if self.form.internal else "people"


def deeds(compiled: Compiled, on: date) -> tuple[Deed, ...]:
    """Return every action of a machine: the steps in their order with those alongside, then the others as defined."""
    steps = (s for step in compiled.order for s in (step, *compiled.beside(step.state)))
    forms: list[Form] = [*steps, *compiled.definition.actions.values()]
    found = (_deed(compiled, form, on) for form in forms)
    return tuple(deed for deed in found if deed.sources)


def deed_names(compiled: Compiled) -> frozenset[str]:
    """Return the names of all actions that move the machine; an action with choices has one name for all of them."""
    return frozenset(name.partition(">")[0] for name in compiled.machine.events)


def _deed(compiled: Compiled, form: Form, on: date) -> Deed:
    name = form.action if isinstance(form, Step) else form.id
    sources = tuple(s for s in compiled.states if compiled.targets(name, s)) if name in deed_names(compiled) else ()
    targets = dict.fromkeys(t for s in sources for t in compiled.targets(name, s) if t != s)
    roles: dict[str, tuple[str, ...]] = {}
    for source in sources:
        for role in roles_at(compiled, form, source, on):
            roles[role] = (*roles.get(role, ()), source)
    return Deed(name, form, sources, tuple(targets), roles, tuple(_bars(compiled, form, sources, on)))


def roles_at(compiled: Compiled, form: Form, state: str, on: date) -> tuple[str, ...]:
    """Return the roles that may act from a state on a day (as ``guards.roles_of`` decides it)."""
    if isinstance(form, Action) and form.who == "current":
        return compiled.current_roles(state)
    return compiled.pack.roles_of(form, on)


def _bars(compiled: Compiled, form: Form, sources: Iterable[str], on: date) -> Iterable[Bar]:
    """The rules of ``guards.ensure_clean_hands`` that can ever stop this action."""
    guards = {g["guard"] for g in form.guards if compiled.purpose in g.get("purposes", (compiled.purpose,))}
    decides = isinstance(form, Step) or form.decides
    if decides or "outsider" in guards:
        yield Bar("own")
    if decides:
        signed = {gate for state in sources if (gate := _signed_gate(compiled, form, state))}
        yield from _bars_of_gates(compiled, signed)
        if _helper_steps_aside(compiled, form, signed, on):
            yield Bar("helper")
    if "fresh_hand" in guards:
        yield Bar("fresh")
    if form.sign.get("mode") in ("any", "all"):
        yield Bar("twice")


def _signed_gate(compiled: Compiled, form: Form, state: str) -> str:
    step = form if isinstance(form, Step) else compiled.step_at(state)
    if step is None:
        return compiled.gate_of(state)
    return step.gate if step.required else ""


def _bars_of_gates(compiled: Compiled, signed: set[str]) -> Iterable[Bar]:
    separate = compiled.definition.separate_hands
    others = tuple(g for g in separate if signed & set(separate) and (g not in signed or len(signed) > 1))
    if others:
        yield Bar("gate", others)
    for row in compiled.pack.aside:
        if signed & set(row.at):
            yield Bar("aside", (row.signed,), row.clause)


def _helper_steps_aside(compiled: Compiled, form: Form, signed: set[str], on: date) -> bool:
    if not compiled.definition.gates:
        return False
    steps = set(compiled.pack.parameter("helper_steps_aside", on).value)
    step = form.id if isinstance(form, Step) else ""
    gates = {s.gate for s in compiled.order if s.id in steps} if isinstance(form, Action) else set()
    return bool(signed & (set(compiled.definition.helpers_step_aside) | gates)) or step in steps


@dataclass(frozen=True)
class Period:
    """A timer with the rows of the pack that hold on a day, the general row first.

    ``states`` are those in which it runs and waits to be answered there; empty for one that spans several steps.
    ``step`` names the step alongside that it belongs to.
    """

    timer: Timer
    limits: tuple[Limit, ...]
    states: tuple[str, ...]
    step: str = ""


def periods(compiled: Compiled, on: date) -> tuple[Period, ...]:
    """Return the periods that can run in a machine on a day, with limits; a timer without a limit does not run."""
    beside = {step.timer: step.id for step in compiled.alongside.values() if step.timer}
    found = []
    for timer in compiled.timers:
        limits = limits_on(compiled, timer, on)
        begins = not timer.starts_on or deed_names(compiled) & set(timer.starts_on)
        if limits and begins:
            found.append(Period(timer, limits, _stands_in(compiled, timer), beside.get(timer.id, "")))
    return tuple(found)


def limits_on(compiled: Compiled, timer: Timer, on: date) -> tuple[Limit, ...]:
    """Return the rows of a timer that can count on a day for the machine's purpose, the most general one first."""
    rows = compiled.pack.limits_of(f"{compiled.definition.id}.{timer.id}")
    held = [r for r in rows if r.begins <= on < r.ends and (not r.purposes or compiled.purpose in r.purposes)]
    best: dict[object, Limit] = {}
    for row in sorted(held, key=lambda r: (bool(r.purposes), r.begins)):
        # Of rows for the same households the one for this purpose counts, then the latest.
        best[tuple(sorted((k, v) for k, v in row.selectors.items() if k != "purposes"))] = row
    return tuple(sorted(best.values(), key=lambda r: len(set(r.selectors) - {"purposes"})))


def _stands_in(compiled: Compiled, timer: Timer) -> tuple[str, ...]:
    """The states in which a period runs from its start to its answer; none when it spans several steps."""
    states = [s for s in compiled.states if s != NEW]
    if timer.runs_in:
        return tuple(s for s in states if s in timer.runs_in)
    begun = {t for s in (*states, NEW) for action in timer.starts_on for t in compiled.targets(action, s)}
    answered = [s for s in begun if any(compiled.targets(a, s) for a in timer.ends_on)]
    return tuple(s for s in states if s in begun) if begun and len(answered) == len(begun) == 1 else ()
