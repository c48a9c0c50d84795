"""Guards in the abstract: what each looks at, for a person who had no hand in the case."""

from collections.abc import Callable, Mapping
from typing import Protocol

from workflows.machine import Compiled
from workflows.prove.parts import REACHED, SHUT, STATUS, Bar, Facts, Node, Part


class Household(Protocol):
    """What a guard asks of the model."""

    index: dict[str, int]
    facts: dict[tuple[str, str], Facts]

    def is_closed(self, name: str, part: Part) -> bool:
        """Tell whether a case is closed."""


Spec = Mapping[str, object]
GuardModel = Callable[[Household, Node, Compiled, Part | None, Spec], bool]


def _minimum_elapsed(model: Household, node: Node, compiled: Compiled, part: Part | None, spec: Spec) -> bool:
    return part is None or part.phase(str(spec["timer"])) not in REACHED


def _still_running(model: Household, node: Node, compiled: Compiled, part: Part | None, spec: Spec) -> bool:
    return part is not None and part.phase(str(spec["timer"])) not in ("", SHUT)


def _status_in(model: Household, node: Node, compiled: Compiled, part: Part | None, spec: Spec) -> bool:
    name = compiled.definition.id
    other = node[model.index[name]]
    if other is not None and other is not part and not model.is_closed(name, other):
        return False
    status = node[model.index[STATUS]] if STATUS in model.index else None
    states = spec["states"]
    return isinstance(states, tuple) and (status.state if status else "none") in states


def _once(model: Household, node: Node, compiled: Compiled, part: Part | None, spec: Spec) -> bool:
    return part is None or str(spec["field"]) not in part.flags


def _nothing_open(model: Household, node: Node, compiled: Compiled, part: Part | None, spec: Spec) -> bool:
    name = str(spec["definition"])
    other = node[model.index[name]] if name in model.index else None
    return other is None or model.is_closed(name, other)


def _elimination_conditions(model: Household, node: Node, compiled: Compiled, part: Part | None, spec: Spec) -> bool:
    facts = model.facts[compiled.definition.id, compiled.purpose]
    known = part.facts if part else frozenset()
    status = node[model.index[STATUS]] if STATUS in model.index else None
    is_old = status is not None and status.since == 2
    for bar in facts.bars:
        if bar.holds_for(known) and not (
            _is_counted(model, node, bar) and bar.fields <= known and (is_old or not bar.age)
        ):
            return False
    return True


def _is_counted(model: Household, node: Node, bar: Bar) -> bool:
    if bar.counter is None:
        return True
    definition, name, least = bar.counter
    other = node[model.index[definition]]
    return other is not None and other.count(name) >= least


def always(model: Household, node: Node, compiled: Compiled, part: Part | None, spec: Spec) -> bool:
    """A guard about the person: somebody with clean hands is always at hand here (``hands`` tries the others)."""
    return True


GUARDS: Mapping[str, GuardModel] = {
    "minimum_elapsed": _minimum_elapsed,
    "still_running": _still_running,
    "status_in": _status_in,
    "once": _once,
    "fresh_hand": always,
    "outsider": always,
    "nothing_open": _nothing_open,
    "elimination_conditions": _elimination_conditions,
    "entry_conditions": _elimination_conditions,
}
