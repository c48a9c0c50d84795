"""Guards: who may do what now. Each is one function that passes silently or raises a Refused with its reason."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from workflows.calendars import Calendar
from workflows.clock import due, local_date, parse_duration, parse_utc
from workflows.definition import Action, Step
from workflows.errors import (
    AlreadyOpen,
    AlreadySigned,
    ConditionBars,
    HelperStepsAside,
    OutOfArea,
    OwnHousehold,
    PeriodPaused,
    RecusedPerson,
    SameHand,
    StepOpen,
    TooEarly,
    TooLate,
    WrongOffice,
    WrongState,
)
from workflows.income import PER_HEAD, is_inside
from workflows.machine import Compiled
from workflows.model import Actor, Case, Dossier, Office
from workflows.periods import is_over
from workflows.policy import Condition


@dataclass(frozen=True)
class Context:
    """Everything a guard may look at: the machine, the dossier, the case (None to open one), who, what, when.

    ``office`` is the one in which the person acts, once it is known.
    """

    compiled: Compiled
    dossier: Dossier
    case: Case | None
    form: Step | Action
    actor: Actor
    now: datetime
    calendar: Calendar
    office: Office | None = None

    @property
    def hands(self) -> tuple[str, ...]:
        """The natural persons whose hand this act is: who acts, and for whom; each of them must be clean."""
        behalf = self.office.behalf if self.office else None
        return (self.actor.person, behalf.person) if behalf else (self.actor.person,)

    @property
    def state(self) -> str:
        """The present state, ``@new`` when there is no case yet."""
        return self.case.state if self.case else "@new"

    @cached_property
    def today(self) -> date:
        """The day in China."""
        return local_date(self.now)

    @property
    def fields(self) -> Mapping[str, Any]:
        """The case's fields."""
        return self.case.fields if self.case else {}

    @property
    def step(self) -> Step | None:
        """The step that this action completes, if it is one."""
        return self.form if isinstance(self.form, Step) else self.compiled.step_at(self.state)

    @property
    def gate(self) -> str:
        """The gate at which this action stands."""
        return self.form.gate if isinstance(self.form, Step) else self.compiled.gate_of(self.state)

    @property
    def signed_gate(self) -> str:
        """The gate that a decision here counts for; clerical sub-steps (announcing, comparing …) count for none."""
        step = self.step
        if step is None:
            return self.compiled.gate_of(self.state)
        return step.gate if step.required else ""

    @property
    def decides(self) -> bool:
        """Tell whether the action weighs the household's matter, so that hands must be clean."""
        return isinstance(self.form, Step) or self.form.decides


def ensure_standing(context: Context) -> Office:
    """Raise the first reason why this person may not act now; return the office in which the person acts."""
    ensure_purpose(context)
    ensure_source(context)
    office = ensure_office(context)
    context = replace(context, office=office)
    if context.decides:
        ensure_clean_hands(context)
    for spec in context.form.guards:
        if context.compiled.purpose in spec.get("purposes", (context.compiled.purpose,)):
            GUARDS[spec["guard"]](context, spec)
    ensure_steps_beside(context)
    ensure_not_done(context)
    return office


def ensure_purpose(context: Context) -> None:
    """An action may belong to one purpose only."""
    purposes = context.form.purposes if isinstance(context.form, Action) else ()
    if purposes and context.compiled.purpose not in purposes:
        raise WrongState(action=context.form.id, state=context.state)


def ensure_source(context: Context) -> None:
    """The action must start from the present state."""
    name = context.form.action if isinstance(context.form, Step) else context.form.id
    if not context.compiled.targets(name, context.state):
        raise WrongState(action=name, state=context.state)


def roles_of(context: Context) -> tuple[str, ...]:
    """The roles that may do this."""
    if isinstance(context.form, Action) and context.form.who == "current":
        return context.compiled.current_roles(context.state)
    return context.compiled.pack.roles_of(context.form, context.today)


def ensure_office(context: Context) -> Office:
    """The person must hold one of the roles, over the household's area; a helper only for the own household."""
    roles = roles_of(context)
    held = [o for o in context.actor.offices if o.role in roles]
    if not held:
        raise WrongOffice(roles=list(roles))
    covering = [o for o in held if o.covers(context.dossier.subject.area)]
    if not covering:
        raise OutOfArea(area=held[0].area)
    usable = [o for o in covering if o.role != "helper" or is_present_helper(context, o)]
    if not usable:
        raise WrongOffice(roles=[r for r in roles if r != "helper"] or ["helper"])
    # Where one's own office would do, nobody is stood in for.
    return _unsigned_office(context, sorted(usable, key=lambda office: office.behalf is not None))


def _unsigned_office(context: Context, offices: list[Office]) -> Office:
    """Where every role must sign, act in an office that has not signed yet."""
    if context.form.sign.get("mode") != "all":
        return offices[0]
    signed = {s["role"] for s in signatures(context)}
    fresh = [o for o in offices if o.role not in signed]
    if not fresh:
        raise AlreadySigned(role=offices[0].role)
    return fresh[0]


def signatures(context: Context) -> list[Mapping[str, str]]:
    """The signatures of this round on this step or action."""
    return list(context.fields.get("_signatures", {}).get(context.form.id, []))


def is_present_helper(context: Context, office: Office) -> bool:
    """Tell whether an office of the person is that of the household's present helper."""
    assist = context.dossier.open_case("assist")
    return bool(assist and assist.fields.get("helper", {}).get("id") == context.actor.account_in(office))


def has_helped(context: Context) -> bool:
    """Tell whether one of the hands is or was this household's helper in any of its assistance cases."""
    keys = {key for c in context.dossier.cases for key in c.fields.get("_helpers", [])}
    return not keys.isdisjoint(context.hands)


def ensure_clean_hands(context: Context) -> None:
    """Own household, recusal, helper, other gates of this case, the same step twice (design: separation of duties).

    Of a substitute both are asked, the substitute and the absent person: neither ever has a part in two gates.
    """
    ensure_own_household(context)
    if has_helped(context) and _helper_steps_aside(context):
        raise HelperStepsAside(step=context.step.id if context.step else context.form.id)
    ensure_other_hands(context)
    ensure_aside(context)
    signed = {key for s in signatures(context) for key in (s["person"], s.get("behalf", ""))}
    if not signed.isdisjoint(context.hands):
        raise AlreadySigned(role="")


def ensure_own_household(context: Context) -> None:
    """Nobody acts on the household they belong to, nor on a case for which they declared recusal."""
    if not context.dossier.subject.people.isdisjoint(context.hands):
        raise OwnHousehold()
    if any(item["person"] in context.hands for item in context.fields.get("_recused", [])):
        raise RecusedPerson()


def _helper_steps_aside(context: Context) -> bool:
    barred = set(context.compiled.definition.helpers_step_aside)
    if context.compiled.definition.gates:
        barred |= set(context.compiled.pack.parameter("helper_steps_aside", context.today).value)
    if context.step is None:
        # A held state (objection) belongs to what was decided at its gate.
        barred |= {step.gate for step in context.compiled.order if step.id in barred}
    return context.signed_gate in barred or bool(context.step and context.step.id in barred)


def ensure_other_hands(context: Context) -> None:
    """No person signs two of the separated gates of a case, whatever role, round or account."""
    separate = context.compiled.definition.separate_hands
    if context.signed_gate not in separate:
        return
    if has_hand(context, context.fields.get("_barred", {}).get(context.signed_gate, [])):
        raise SameHand(gate=context.signed_gate)
    hands: Mapping[str, list[str]] = context.fields.get("_hands", {})
    for gate in separate:
        if gate != context.signed_gate and has_hand(context, hands.get(gate, [])):
            raise SameHand(gate=gate)


def has_hand(context: Context, people: Iterable[str]) -> bool:
    """Tell whether one of those whose hand this act is stands among some natural persons."""
    return not set(people).isdisjoint(context.hands)


def ensure_aside(context: Context) -> None:
    """Who signed one gate steps aside at others where the pack says so."""
    hands: Mapping[str, list[str]] = context.fields.get("_hands", {})
    for row in context.compiled.pack.aside:
        if context.signed_gate in row.at and has_hand(context, hands.get(row.signed, [])):
            raise SameHand(gate=row.signed)


def ensure_not_done(context: Context) -> None:
    """A step that runs beside another one is done once a round."""
    step = context.step
    # Rules may change: what was done beside another step may stand in the order now, and is done there anew.
    if step and step.id in context.compiled.alongside and step.id in context.fields.get("_done", []):
        raise AlreadySigned(role="")


def ensure_steps_beside(context: Context) -> None:
    """A step is completed only when those that run beside it are done."""
    if not isinstance(context.form, Step) or context.form.state != context.state:
        return
    done = context.fields.get("_done", [])
    for step in context.compiled.beside(context.state):
        if step.id not in done:
            raise StepOpen(step=step.id)


# --- guards named in definitions -------
def minimum_elapsed(context: Context, spec: Mapping[str, Any]) -> None:
    """A minimum period must have run to its end (publicity: S4 17, not less than 5 days)."""
    clock = context.case.clocks.get(spec["timer"]) if context.case else None
    if clock and clock.is_paused:
        raise PeriodPaused(timer=spec["timer"], since=clock.pauses[-1][0])
    if clock and not is_over(clock, context.now):
        raise TooEarly(timer=spec["timer"], until=clock.due)


def still_running(context: Context, spec: Mapping[str, Any]) -> None:
    """A right must be used before its period ends."""
    clock = context.case.clocks.get(spec["timer"]) if context.case else None
    if clock is None or is_over(clock, context.now):
        raise TooLate(timer=spec["timer"], due=clock.due if clock else "")


def status_in(context: Context, spec: Mapping[str, Any]) -> None:
    """The household's status must allow this case, and no other case of the kind may be open."""
    other = context.dossier.open_case(context.compiled.definition.id)
    if other and other != context.case:
        raise AlreadyOpen(definition=context.compiled.definition.id)
    status = context.dossier.latest("monitor_status")
    state = status.state if status else "none"
    if state not in spec["states"]:
        raise WrongState(action=context.form.id, state=f"monitor_status.{state}")


def once(context: Context, spec: Mapping[str, Any]) -> None:
    """An act that a case knows only once."""
    if context.fields.get(spec["field"]):
        raise AlreadySigned(role="")


def fresh_hand(context: Context, spec: Mapping[str, Any]) -> None:
    """An appeal is decided by somebody who signed nothing in this case (domain notes: re-verify by other staff)."""
    for gate, people in context.fields.get("_hands", {}).items():
        if has_hand(context, people):
            raise SameHand(gate=gate)
    for person, gate in context.fields.get("_refused_by", {}).items():
        if person in context.hands:
            raise SameHand(gate=gate)


def outsider(context: Context, spec: Mapping[str, Any]) -> None:
    """An act that weighs no gate and still is none for the household's own people or for those who stepped aside."""
    ensure_own_household(context)


def nothing_open(context: Context, spec: Mapping[str, Any]) -> None:
    """No case of another definition may be under way, as nobody could ever finish it."""
    if context.dossier.open_case(spec["definition"]):
        raise AlreadyOpen(definition=spec["definition"])


def elimination_conditions(context: Context, spec: Mapping[str, Any]) -> None:
    """Conditions of elimination that the pack makes binding."""
    for condition in failed_conditions(context):
        if condition.effect == "bar":
            raise ConditionBars(condition=condition.id, clause=condition.clause)


def entry_conditions(context: Context, spec: Mapping[str, Any]) -> None:
    """Conditions of coming in (what a category demands) that the pack makes binding."""
    elimination_conditions(context, spec)


GUARDS: Mapping[str, Callable[[Context, Mapping[str, Any]], None]] = {
    "minimum_elapsed": minimum_elapsed,
    "still_running": still_running,
    "status_in": status_in,
    "once": once,
    "fresh_hand": fresh_hand,
    "outsider": outsider,
    "nothing_open": nothing_open,
    "elimination_conditions": elimination_conditions,
    "entry_conditions": entry_conditions,
}


# --- conditions named in packs -------
# How the risk ended when nobody said so, as in cases of before that was asked: the way that asks for more.
ASSISTED = "assisted"


# The guards at which a pack's conditions are looked at, for leaving and for coming in.
LEAVING, ENTERING = "elimination_conditions", "entry_conditions"
WEIGHING = (LEAVING, ENTERING)


def weighs_conditions(context: Context) -> bool:
    """Tell whether this act is one at which the pack's conditions of this purpose are looked at."""
    purpose = context.compiled.purpose
    looked = {g["guard"] for g in context.form.guards if purpose in g.get("purposes", (purpose,))}
    has_any = any(purpose in c.purposes for c in context.compiled.pack.conditions)
    return LEAVING in looked or (ENTERING in looked and has_any)


def failed_conditions(context: Context) -> list[Condition]:
    """Return the pack's conditions that are not met now, binding or not."""
    return [c for c in context.compiled.pack.conditions if _is_asked(context, c) and not CONDITIONS[c.test](context, c)]


def _is_asked(context: Context, condition: Condition) -> bool:
    """A condition is one of this purpose, for some ways of ending a risk or for some categories."""
    mode, category = context.fields.get("elimination_mode", ASSISTED), context.fields.get("category")
    return (
        context.compiled.purpose in condition.purposes
        and (not condition.modes or mode in condition.modes)
        and (not condition.categories or category in condition.categories)
    )


def included_for(context: Context, condition: Condition) -> bool:
    """The household has been monitored for a time."""
    status = context.dossier.latest("monitor_status")
    since = status.fields.get("included_on") if status else None
    if not since:
        return False
    start = parse_utc(f"{since}T04:00:00Z")
    age = due(parse_duration(condition.needs), start, calendar=context.calendar, bound="min")
    return age.at <= context.now


def counted(context: Context, condition: Condition) -> bool:
    """Something was recorded often enough in a case of another definition."""
    case = context.dossier.latest(condition.needs["definition"])
    return bool(case and case.fields.get(condition.needs["field"], 0) >= condition.needs["least"])


def income_above_line(context: Context, condition: Condition) -> bool:
    """Income per head as verified lies above the line of the day."""
    pack, income = context.compiled.pack, context.fields.get(PER_HEAD, 0)
    line = pack.parameter("income_line", context.today).value
    included = pack.flag("income_line_included", context.today, default=True)
    return not is_inside(income, line, included=included)


def fields_true(context: Context, condition: Condition) -> bool:
    """Facts were verified as true in this case."""
    return all(context.fields.get(name) is True for name in condition.needs["fields"])


def fields_positive(context: Context, condition: Condition) -> bool:
    """Numbers verified in this case are more than nothing."""
    return all((context.fields.get(name) or 0) > 0 for name in condition.needs["fields"])


def developmental_measure(context: Context, condition: Condition) -> bool:
    """A household with labour has received a developmental measure."""
    if not context.fields.get("labour_members"):
        return True
    assist = context.dossier.latest("assist")
    return bool(assist and assist.fields.get("developmental_measures", 0) > 0)


def household_kind(context: Context, condition: Condition) -> bool:
    """The household is of one of some kinds (once poor, ordinary …)."""
    return context.dossier.subject.household_kind in condition.needs["kinds"]


def income_inside_line(context: Context, condition: Condition) -> bool:
    """Income per head as recorded lies inside the range; unknown, it speaks against nobody. Only ever a warning."""
    pack, income = context.compiled.pack, context.fields.get(PER_HEAD)
    line = pack.parameter("income_line", context.today).value
    included = pack.flag("income_line_included", context.today, default=True)
    return income is None or is_inside(income, line, included=included)


def any_positive(context: Context, condition: Condition) -> bool:
    """At least one of some numbers is more than nothing."""
    return any((context.fields.get(name) or 0) > 0 for name in condition.needs["fields"])


CONDITIONS: Mapping[str, Callable[[Context, Condition], bool]] = {
    "included_for": included_for,
    "counted": counted,
    "income_above_line": income_above_line,
    "fields_true": fields_true,
    "fields_positive": fields_positive,
    "developmental_measure": developmental_measure,
    "household_kind": household_kind,
    "income_inside_line": income_inside_line,
    "any_positive": any_positive,
}
