"""How many people a case needs: the real decision function, tried by a few persons who hold every office."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from workflows.clock import local_date, local_midnight, parse_utc
from workflows.decide import apply
from workflows.definition import Action, Field, Label, Step
from workflows.errors import Refused
from workflows.machine import NEW, Compiled
from workflows.model import (
    LEVEL_DIGITS,
    ROLE_LEVELS,
    Actor,
    Behalf,
    Case,
    Command,
    Dossier,
    Evidence,
    Office,
    Subject,
)
from workflows.prove.findings import Finding
from workflows.prove.parts import CASE, MONITORED, STATUS, name_of
from workflows.registry import Rules

Form = Step | Action
MOST_TRIED = 6
LONG = timedelta(days=400)
MUCH = 10**11
OTHERS = ("setup-a", "setup-b", "setup-c", "setup-d", "setup-e", "setup-f")
PEOPLE = tuple("甲乙丙丁戊己")
FOR = "代"
# Whoever must not carry a case: one person; one person who also stands in for all others; one whom all others stand
# in for. Substitution gives nobody a second gate, neither the substitute nor the absent.
ALONE = (
    PEOPLE[:1],
    (PEOPLE[0], *(f"{PEOPLE[0]}{FOR}{absent}" for absent in PEOPLE[1:])),
    (PEOPLE[0], *(f"{substitute}{FOR}{PEOPLE[0]}" for substitute in PEOPLE[1:])),
)


@dataclass(frozen=True)
class Standing:
    """A household in the real sense, the moment, and the acts (label, person) that led here."""

    dossier: Dossier
    now: datetime
    path: tuple[tuple[Label, str, Label], ...] = field(default=())


def person(name: str, area: str) -> Actor:
    """Return somebody who holds every office over a household; "甲代乙" (甲 for 乙) holds all of them for another."""
    roles = [role for role in ROLE_LEVELS if role not in ("system", "admin")]
    who, _, absent = name.partition(FOR)
    behalf = Behalf(absent, absent, absent) if absent else None
    offices = (Office(r, area[: LEVEL_DIGITS[ROLE_LEVELS[r]]].ljust(12, "0"), behalf=behalf) for r in roles)
    return Actor(who, who, who, tuple(offices))


def hands(rules: Rules, area: str, on: date, purpose: str) -> tuple[int, Finding | None]:
    """Return how many persons a case needs from clue to decision (0 when more than MOST_TRIED), and a finding for one.

    A hand once given only ever bars, so that going back never needs fewer people: more than one person try the way
    forward only, substitutes too; one alone tries everything.
    """
    begin = _begin(rules, area, on, purpose)
    if begin is None:
        return 0, None
    for people in ALONE:
        alone = _carry(rules, begin, purpose, people, is_free=len(people) == 1)
        if alone:
            return 1, _finding(purpose, alone)
    for count in range(2, MOST_TRIED + 1):
        if _carry(rules, begin, purpose, PEOPLE[:count], is_free=False):
            return count, None
    return 0, None


def _finding(purpose: str, standing: Standing) -> Finding:
    path = {lang: "".join([standing.path[0][2][lang], *(_step_text(step, lang) for step in standing.path[1:])])
            for lang in ("zh", "en")}  # fmt: skip
    return Finding("one_person_alone", CASE, key=("step", ""), params={"purpose": purpose}, path=path)


def _step_text(step: tuple[Label, str, Label], lang: str) -> str:
    label, who, state = step
    return f" —{label[lang]}（{who}）→ {state[lang]}"


def _begin(rules: Rules, area: str, on: date, purpose: str) -> Standing | None:
    """A household as it is before the clue: new, or included long ago by other people and helped since."""
    county = area[:6]
    subject = Subject("household", f"{county}H0000001", county, area, "户", people=frozenset({"head"}))
    begin = Standing(Dossier(subject), local_midnight(on) + timedelta(hours=9))
    if purpose == "include":
        return begin
    included = _carry(rules, begin, "include", OTHERS, is_free=False)
    if included is None:
        return None
    at = replace(included, now=included.now + LONG, path=())
    for _ in range(MOST_TRIED * 4):
        at = next((s for s in _acts(rules, at, "include", OTHERS, is_free=False)), at)
    for _ in range(3):
        for case in at.dossier.cases:
            at = _helped(rules, at, case)
    return replace(at, path=())


def _helped(rules: Rules, at: Standing, case: Case) -> Standing:
    """Do whatever else can be done for an included household once, such as naming a helper and delivering a measure."""
    if case.definition in (CASE, STATUS):
        return at
    for form in rules.machine_of(case).definition.actions.values():
        present = at.dossier.by_number(case.number)
        if present and not form.internal and not form.system and not form.opening and form.records != "correction":
            at = _done(rules, at, present, form, OTHERS[0], "") or at
    return at


def _carry(rules: Rules, begin: Standing, purpose: str, people: tuple[str, ...], *, is_free: bool) -> Standing | None:
    """Search for a way from the clue to the decision; depth first, each standing once."""
    waiting, seen = [begin], set()
    while waiting:
        at = waiting.pop()
        if _is_decided(at.dossier, purpose) and at.path:
            return at
        for reached in _acts(rules, at, purpose, people, is_free=is_free):
            key = _key(reached.dossier)
            if key not in seen:
                seen.add(key)
                waiting.append(reached)
    return None


def _is_decided(dossier: Dossier, purpose: str) -> bool:
    status = dossier.latest(STATUS)
    return bool(status and (status.state in MONITORED) == (purpose == "include") and status.state != "candidate")


def _key(dossier: Dossier) -> str:
    """What hands and state decide; everything else of the dossier is alike for this question."""
    names = ("_done", "_signatures", "_hands", "_barred", "_refused_by", "_recused", "emergency_assisted")
    cases = [
        (c.definition, c.purpose, c.state, [c.fields.get(n) for n in names]) for c in dossier.cases if not c.closed
    ]
    return repr(cases)


def _acts(rules: Rules, at: Standing, purpose: str, people: tuple[str, ...], *, is_free: bool) -> Iterator[Standing]:
    case = at.dossier.open_case(CASE)
    if case is None:
        definition = rules.definitions[CASE]
        compiled = rules.current(CASE, at.dossier.subject.area, purpose, local_date(at.now))
        forms: list[Form] = [a for a in definition.actions.values() if compiled.targets(a.id, NEW)]
    else:
        compiled = rules.machine_of(case)
        forms = list(_forms(compiled, case, is_free=is_free))
    used = {who for _, who, _ in at.path}
    fresh = next((name for name in people if name not in used), "")
    for form in forms:
        for target in _wanted(compiled, form, case):
            # Those who have done nothing yet are alike: one of them is enough.
            for who in [name for name in people if name in used or name == fresh]:
                reached = _done(rules, at, case, form, who, target, purpose=purpose)
                if reached:
                    yield reached


def _forms(compiled: Compiled, case: Case, *, is_free: bool) -> Iterator[Form]:
    yield from (s for s in (*compiled.order, *compiled.alongside.values()) if compiled.targets(s.action, case.state))
    order = [step.state for step in compiled.order]
    here = order.index(case.state) if case.state in order else -1
    for action in compiled.definition.actions.values():
        targets = compiled.targets(action.id, case.state)
        ahead = any(t in order and order.index(t) > here for t in targets)
        # What ends a case leads to no decision.
        living = any(not compiled.is_closed(t) and t != case.state for t in targets)
        if not (action.internal or action.system or action.opening) and (ahead or (is_free and living)):
            yield action


def _wanted(compiled: Compiled, form: Form, case: Case | None) -> tuple[str, ...]:
    targets = compiled.targets(name_of(form), case.state if case else NEW)
    return targets if isinstance(form, Action) and form.target == "@earlier_gate" else ("",)


def _done(
    rules: Rules, at: Standing, case: Case | None, form: Form, who: str, target: str, *, purpose: str = ""
) -> Standing | None:
    """Let a person act with good input, after every minimum has run; None when the act is refused."""
    subject = at.dossier.subject
    waits = [parse_utc(clock.due) for clock in (case.clocks if case else {}).values() if clock.bound == "min"]
    now = max([at.now, *waits])
    compiled = rules.machine_of(case) if case else rules.current(CASE, subject.area, purpose, local_date(now))
    seed = hashlib.sha256(f"{len(at.path)}{form.id}".encode()).digest()
    command = Command(
        action=name_of(form), key=f"k{len(at.path)}", salt_seed=seed, definition=compiled.definition.id,
        case=case.number if case else None, purpose=purpose if case is None else "",
        data={**_data(compiled, form, now), **({"target": target} if target else {})},
        evidence=tuple(Evidence(kind, "0" * 64, 1, "image/png") for kind in _kinds(compiled, form)),
    )  # fmt: skip
    try:
        outcome = apply(rules, at.dossier, command, person(who, subject.area), now)
    except (Refused, KeyError):
        # A form that records what it does not ask for goes no further here; the space says what is wrong with it.
        return None
    dossier = at.dossier
    for move in outcome.moves:
        dossier = dossier.with_case(move.case)
    # Helpers are not looked for here: the question is who signs.
    label = compiled.state_label(outcome.moves[0].case.state)
    return Standing(dossier, now, (*at.path, (form.label, who, label)))


def _kinds(compiled: Compiled, form: Form) -> list[str]:
    return [kind if kind != "@any" else next(iter(compiled.evidence)) for kind in form.evidence]


def _data(compiled: Compiled, form: Form, now: datetime) -> dict[str, Any]:
    values = {name: _value(compiled.fields[name], now) for name in form.fields}
    if form.sign.get("mode") == "vote":
        passes = form.sign.get("result", "passes") == "passes"
        values |= {"votes_due": 10, "votes_present": 10, "votes_for": 10 * passes,
                   "votes_against": 10 * (not passes), "votes_abstain": 0}  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}


def _value(field: Field, now: datetime) -> Any:
    """Something good to type into a field; facts are such that no condition bars."""
    good: dict[str, Any] = {
        "text": "—", "money": MUCH, "count": 1, "bool": True, "date": local_date(now).isoformat(),
        "earlier_date": local_date(now - LONG).isoformat(), "case": "000000H0000009-C9", "evidence_kind": None,
    }  # fmt: skip
    if field.type == "choice":
        developmental = [o.id for o in field.options if o.developmental]
        return (developmental or list(field.option_ids))[0]
    if field.type == "choices":
        return [field.option_ids[0]]
    if field.type == "person":
        return {"id": OTHERS[0], "name": OTHERS[0], "person": OTHERS[0]} if field.role == "helper" else None
    return good.get(field.type)


def area_of(pack_area: str) -> str:
    """Return a village inside a pack's area, 12 digits, to try its rules on."""
    return (pack_area + "000000000000")[:6].replace("000000", "990001") + "001001"
