"""Pauses and extensions: none without a reason and a document, and no pause from which nothing leads on."""

from collections.abc import Iterator, Mapping

from workflows.definition import Action
from workflows.machine import Compiled
from workflows.pauses import ACTS, PAUSE, PERIOD, RESUME
from workflows.prove.findings import Finding

Machines = Mapping[tuple[str, str], Compiled]


def check_pauses(machines: Machines) -> Iterator[Finding]:
    """Each act on a period of each machine: a paused one can be resumed wherever it may be paused.

    In the moves that the space knows a pause is only more waiting: whatever waits for a period waits longer. So a case
    is parked for ever by a pause just where nobody can resume it.
    """
    for compiled in machines.values():
        for form in compiled.definition.actions.values():
            if form.records in ACTS and not _is_founded(form):
                yield _finding("pause_unfounded", compiled, form)
        yield from _stuck(compiled)


def _is_founded(form: Action) -> bool:
    asked = {PERIOD, "reason"}
    return asked <= set(form.fields) - set(form.optional) and bool(form.evidence)


def _stuck(compiled: Compiled) -> Iterator[Finding]:
    actions = compiled.definition.actions.values()
    back = {state for a in actions if a.records == RESUME for state in compiled.states if compiled.targets(a.id, state)}
    for form in actions:
        if form.records == PAUSE:
            there = {state for state in compiled.states if compiled.targets(form.id, state)}
            if there - back:
                yield _finding("pause_no_resume", compiled, form, state=min(there - back))


def _finding(code: str, compiled: Compiled, form: Action, *, state: str = "") -> Finding:
    definition = compiled.definition
    params = {"action": form.label, "state": compiled.state_label(state) if state else ""}
    return Finding(code, definition.id, key=("action", form.id), params=params)
