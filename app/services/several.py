"""One action on several cases: for each the very same decision as alone; one that is refused stops no other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.opened import opened_at
from app.services.cases import (
    Done,
    county_of,
    ensure_rules,
    judge,
    loaded_rules,
    make_command,
    note_refusal,
    own_key,
)
from app.store import cases as store
from app.store.transaction import committing, writing
from workflows.definition import Step
from workflows.errors import BadValue, NotFound, Refused
from workflows.inputs import CASE_NUMBER
from workflows.journal import canonical, digest
from workflows.machine import Compiled
from workflows.model import Actor, Command, Evidence

MOST = 500  # in a request
LONGEST_KEY = 64
BATCH = 200  # in a transaction: long enough to be cheap, short enough that nobody waits long for a lock
SHARED = frozenset({"opinion", "reason"})  # what may be said of several cases in the same words


@dataclass(frozen=True)
class Wanted:
    """A case with the version that the person's page showed."""

    case: str
    version: int | None = None


@dataclass(frozen=True)
class Answer:
    """What became of one case: done, or refused and why."""

    case: str
    done: Done | None = None
    refusal: Refused | None = None


def act_on_several(
    actor: Actor,
    *,
    action: str,
    wanted: Sequence[Wanted],
    data: Mapping[str, Any],
    key: str,
    evidence: Sequence[Evidence] = (),
) -> list[Answer]:
    """Carry out an action on several cases and return what became of each, in the order asked for.

    Some hundred cases are one transaction; what breaks a later one leaves the earlier ones done, and the same request
    sent again goes on where it broke, as each case has an idempotency key of its own, derived from the request's.
    """
    own_key(actor, key)
    ensure_several(wanted)
    commands = {one.case: _command(actor, one, action, data, key, evidence) for one in wanted}
    answers: dict[str, Answer] = {}
    for batch in batches(commands):
        answers |= _carry_out(actor, [commands[case] for case in batch])
    return [answers[one.case] for one in wanted]


def ensure_several(wanted: Sequence[Wanted]) -> None:
    """Raise BadValue unless there are some cases, not too many, each once and with a number that a case may have."""
    numbers = {one.case for one in wanted}
    if not 0 < len(wanted) <= MOST or len(numbers) != len(wanted):
        raise BadValue(field="cases", value="")
    for number in numbers:
        if not CASE_NUMBER.fullmatch(number):
            raise BadValue(field="cases", value="")


def _command(
    actor: Actor, one: Wanted, action: str, data: Mapping[str, Any], key: str, evidence: Sequence[Evidence]
) -> Command:
    # When the page was opened stays to be seen in the key of each case.
    derived = own_key(actor, f"{opened_at(key)}{digest(canonical([key, one.case]))}"[:LONGEST_KEY])
    return make_command(action, data, evidence, derived, case=one.case, version=one.version)


def batches(cases: Iterable[str]) -> Iterator[list[str]]:
    """Group cases into transactions: one county each, of each household one case, as a move changes its others too."""
    rounds: dict[tuple[int, str], list[str]] = {}
    seen: Counter[str] = Counter()
    for case in sorted(cases):
        household = store.household_of(case)
        rounds.setdefault((seen[household], county_of(case)), []).append(case)
        seen[household] += 1
    for found in rounds.values():
        yield from (found[start : start + BATCH] for start in range(0, len(found), BATCH))


def _carry_out(actor: Actor, commands: Sequence[Command]) -> dict[str, Answer]:
    """Decide and record the commands of one transaction; the refused ones are noted after it, as alone."""
    answers: dict[str, Answer] = {}
    with committing():
        decided = []
        for case, found in _judged(actor, commands):
            answers[case] = _answer(case, found)
            if isinstance(found, store.Decided):
                decided.append(found)
        if decided:
            store.record(loaded_rules(), *decided)
    _note(actor, commands[0].action, answers.values())
    return answers


def _judged(actor: Actor, commands: Sequence[Command]) -> Iterator[tuple[str, Done | store.Decided | Refused]]:
    county = county_of(str(commands[0].case))
    households = {str(command.case): store.household_of(str(command.case)) for command in commands}
    locked = store.lock_dossiers(county, sorted(households.values()))
    earlier = store.earlier_commands(county, [command.key for command in commands])
    for command in commands:
        case = str(command.case)
        try:
            if households[case] not in locked:
                raise NotFound(case=case)
            found = locked[households[case]]
            if command.key in earlier:
                found = replace(found, earlier=earlier[command.key])
            ensure_known(found, command)
            yield case, judge(actor, found, command)
        except Refused as refusal:
            yield case, refusal


def _answer(case: str, found: Done | store.Decided | Refused) -> Answer:
    if isinstance(found, Refused):
        return Answer(case, refusal=found)
    return Answer(case, found if isinstance(found, Done) else Done(case, found.outcome.case.seq, repeated=False))


def ensure_known(locked: store.Locked, command: Command) -> None:
    """Raise BadValue for a field that the form does not have: a misspelt one must not be lost in silence."""
    rules, case = loaded_rules(), locked.dossier.by_number(str(command.case))
    if case is None:
        return
    ensure_rules(rules, locked.dossier)
    compiled = rules.machine_of(case)
    form = compiled.step_of(command.action) or compiled.definition.actions.get(command.action)
    for name in command.data if form else ():
        if form and name not in (*form.fields, "target"):
            raise BadValue(field=name[:60], value="")


def _note(actor: Actor, action: str, answers: Iterable[Answer]) -> None:
    """In the case's county if the person holds an office there, else in the own one: a number may be anybody's."""
    refused = [(one.case, one.refusal) for one in answers if one.refusal]
    if not refused:
        return
    held = sorted({office.area[:6] for office in actor.offices})
    with writing() as now:
        for case, refusal in refused:
            county = county_of(case) if county_of(case) in held else held[0]
            note_refusal(county, actor, case, action, refusal, now)


def step_for_several(compiled: Compiled, state: str) -> Step | None:
    """Return the step that a state waits for if it asks nothing that differs from case to case."""
    step = compiled.step_at(state)
    needed = {name for name in step.fields if name not in step.optional} if step else set()
    return step if step and not step.evidence and needed <= SHARED else None
