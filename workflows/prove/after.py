"""What a form leaves of its own case."""

from workflows.definition import Action, Step
from workflows.machine import NEW, REPEATED, Compiled
from workflows.prove.choices import Choice, Form, Watched
from workflows.prove.clocks import passed_after
from workflows.prove.parts import HELPER, MONITORED, TOLD_BY, Part


def part_after(watched: Watched, compiled: Compiled, part: Part | None, form: Form, choice: Choice) -> Part:
    key = (compiled.definition.id, compiled.purpose)
    old = part or Part(compiled.purpose, NEW)
    redone = done_after(compiled, old, form, choice.target)
    facts = watched.facts[key]
    recorded = {n for n in form.fields if n in facts.recorded} if not given(old, form) else set()
    recorded |= {TOLD_BY[name] for name in recorded if name in TOLD_BY}
    origin = old.came_from
    if isinstance(form, Action) and form.records == "came_from":
        origin = "" if old.state == NEW else old.state
    names_helper = HELPER in form.fields and choice.has_helper
    return Part(
        purpose=compiled.purpose,
        state=choice.target,
        done=redone,
        signed=signed(old, form, choice),
        facts=frozenset(old.facts - recorded) | choice.good,
        counts=counts(watched, compiled, old, choice.counted),
        flags=flags(watched, old, form),
        came_from=origin if choice.target in watched.live[key] else "",
        passed=passed_after(compiled, part, form, choice.target, redone) if choice.completes else old.passed,
        has_helper=old.has_helper or names_helper,
        since=since(watched, old, form, choice) if choice.target in MONITORED else 0,
    )


def done_after(compiled: Compiled, old: Part, form: Form, target: str) -> frozenset[str]:
    if isinstance(form, Step):
        return old.done | {form.id} if form.id in compiled.alongside else old.done
    return frozenset(name for name in old.done if not compiled.undoes(target, name))


def counts(watched: Watched, compiled: Compiled, old: Part, counted: frozenset[str]) -> frozenset[tuple[str, int]]:
    caps = {name: most for (definition, name), most in watched.counters.items() if definition == compiled.definition.id}
    found = {name: min(old.count(name) + (name in counted), most) for name, most in caps.items()}
    return frozenset((name, n) for name, n in found.items() if n)


def flags(watched: Watched, old: Part, form: Form) -> frozenset[str]:
    sets = form.sets if isinstance(form, Action) else {}
    kept = old.flags.difference(sets)
    return kept | {name for name, value in sets.items() if value and name in watched.flags}


def since(watched: Watched, old: Part, form: Form, choice: Choice) -> int:
    if choice.since:
        return choice.since
    dated = isinstance(form, Action) and form.dates == "included_on" and watched.needs_age
    return 1 if dated else old.since


def given(part: Part, form: Form) -> int:
    return sum(name == form.id for name, _ in part.signed)


def signed(old: Part, form: Form, choice: Choice) -> tuple[tuple[str, str], ...]:
    if form.sign.get("mode") in REPEATED and not choice.completes:
        return tuple(sorted((*old.signed, (form.id, choice.role))))
    return () if choice.completes and choice.target != old.state else old.signed
