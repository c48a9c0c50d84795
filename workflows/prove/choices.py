"""What people, or the order of things, decide within one form: who signs, where to, which facts, which counters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from workflows.definition import CAME_FROM, Action, Step
from workflows.machine import NEW, REPEATED, Compiled
from workflows.prove.parts import HELPER, NO_LABOUR, TOLD_BY, Facts, Part, name_of

Form = Step | Action


@dataclass(frozen=True)
class Watched:
    """What of a case anything reads: facts by (definition, purpose), counters with how far, flags, ages, origins."""

    facts: Mapping[tuple[str, str], Facts]
    counters: Mapping[tuple[str, str], int]
    flags: frozenset[str]
    needs_age: bool
    live: Mapping[tuple[str, str], frozenset[str]]


@dataclass(frozen=True)
class Choice:
    """What a person, or the order of things, decides within one form."""

    target: str
    completes: bool
    role: str = ""
    good: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    has_helper: bool = False
    since: int = 0
    timer: str = ""


def choices(
    watched: Watched, compiled: Compiled, form: Form, part: Part | None, roles: tuple[str, ...]
) -> Iterator[Choice]:
    state = part.state if part else NEW
    targets = list(compiled.targets(name_of(form), state))
    mode = form.sign.get("mode", "one")
    if mode in REPEATED and len(targets) > 1:
        targets.remove(state)
    given = [role for name, role in part.signed if name == form.id] if part else []
    facts = fact_choices(watched, compiled, form) if not given else (part.facts if part else frozenset(),)
    for role, completes in signing(form, given, roles):
        wanted = targets_of(compiled, form, part, targets) if completes else [state]
        for target, good, rest in product(wanted, facts, other_choices(watched, compiled, form)):
            yield Choice(target, completes, role, good, *rest)


def targets_of(compiled: Compiled, form: Form, part: Part | None, targets: list[str]) -> list[str]:
    if isinstance(form, Action) and form.target.startswith(CAME_FROM):
        origin = (part.came_from if part else "") or form.target.removeprefix(CAME_FROM)
        return [origin] if origin in targets else []
    return targets


def fact_choices(watched: Watched, compiled: Compiled, form: Form) -> Sequence[frozenset[str]]:
    """The facts that a form may leave: all that it records good, or none; each that only helps by itself."""
    facts = watched.facts[compiled.definition.id, compiled.purpose]
    recorded = [name for name in form.fields if name in facts.recorded and asks(watched, compiled, name)]
    good = frozenset(name for name in recorded if name in facts.fields)
    found = [frozenset[str](), good] if good else [frozenset[str]()]
    for field, fact in TOLD_BY.items():
        if field in recorded:
            found = [*found, *(some | {fact} for some in found if fact != NO_LABOUR or field not in some)]
    return found


def asks(watched: Watched, compiled: Compiled, name: str) -> bool:
    purposes = compiled.fields[name].purposes
    return not purposes or compiled.purpose in purposes


def other_choices(watched: Watched, compiled: Compiled, form: Form) -> list[tuple[frozenset[str], bool, int]]:
    """Which counters go up, whether a helper is named, how long ago a household was included that is imported."""
    if not isinstance(form, Action):
        return [(frozenset(), False, 0)]
    followed = {name for definition, name in watched.counters if definition == compiled.definition.id}
    counted = [frozenset({form.counts} & followed)]
    if form.records == "measure" and "developmental_measures" in followed:
        counted = [counted[0], counted[0] | {"developmental_measures"}]
    if form.records == "opening" and "measures_before" in form.fields:
        counted = [frozenset(), frozenset({"measures_delivered", "developmental_measures"} & followed)]
    names = HELPER in form.fields
    helpers = [False, True] if names and HELPER in form.optional else [names]
    ages = [1, 2] if "included_on" in form.fields and watched.needs_age else [0]
    return list(product(dict.fromkeys(counted), helpers, ages))


def signing(form: Form, given: list[str], roles: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Who signs next and whether that completes the form; the role matters only where every role must sign."""
    mode = form.sign.get("mode", "one")
    if mode == "any":
        return [("", len(given) + 1 >= int(form.sign.get("count", 1)))]
    if mode == "all":
        return [(role, {*given, role} >= set(form.roles)) for role in roles if role not in given]
    return [("", True)]
