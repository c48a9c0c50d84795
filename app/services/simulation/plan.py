"""The way of a case under a pack, as the engine walks it: stops with tasks and periods, from the compiled machine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.services.simulation.office import Roles, Route, Stop, Task
from workflows.definition import Action, Step
from workflows.machine import Compiled
from workflows.model import ROLE_LEVELS

OPENING = "report_clue"
RETURNED, FAILED, REFUSED = "return_case", ("fail_review", "refuse"), "refused"
TOLD = "tell_refusal"
HELP = ("assign_helper", "record_plan", "deliver_measure")
HELP_BEGINS = "begin"
WALKED = (OPENING, *FAILED, HELP_BEGINS)  # actions besides steps that begin periods here
VISITED = "visited_on"  # a step that asks for this day is done at the household's home
COUNTY = "county"


@dataclass(frozen=True)
class Form:
    """A step or action as a stop: in which state it waits, its roles and how they sign."""

    state: str
    form: Step | Action
    roles: Roles


def gates_route(compiled: Compiled) -> Route:
    """Return the way through the gates, with the telling of a refusal as its last stop."""
    definition, order = compiled.definition, compiled.order
    arriving = [OPENING, *(step.action for step in order[:-1])]
    stops = []
    for place, (step, action) in enumerate(zip(order, arriving, strict=True)):
        before = order[place - 1].state if place else ""
        after = order[place + 1].state if place + 1 < len(order) else ""
        stop = _stop(compiled, step.state, before, after, action, [step, *compiled.beside(step.state)])
        stops.append(replace(stop, waits=_minimum(step), decides=step.gate == definition.decided_by and step.required))
    stops[-1] = replace(stops[-1], last=True)
    stops = _with_returns(compiled, stops)
    return Route(definition.id, compiled.purpose, tuple(_with_refusal(compiled, stops)))


def _with_returns(compiled: Compiled, stops: Sequence[Stop]) -> list[Stop]:
    """The last stop before the decision may send a case back to the gate before it."""
    states = [stop.state for stop in stops]
    deciding = next((place for place, stop in enumerate(stops) if stop.decides), 0)
    found = list(stops)
    targets = [t for t in compiled.targets(RETURNED, states[deciding - 1]) if t in states] if deciding else []
    if targets:
        found[deciding - 1] = replace(found[deciding - 1], back=states.index(targets[-1]))
    return found


def _with_refusal(compiled: Compiled, stops: list[Stop]) -> list[Stop]:
    """A review that does not pass, or the first refusal there is, leads to telling the household why."""
    told, state = compiled.definition.actions.get(TOLD), compiled.definition.states.get(REFUSED)
    for action in FAILED:
        at = next((p for p, stop in enumerate(stops) if compiled.targets(action, stop.state)), None)
        if at is not None and told and state:
            roles = told.roles or compiled.waits_for(REFUSED)
            begins = tuple(t.id for t in compiled.timers if action in t.starts_on)
            ends = tuple(t.id for t in compiled.timers if TOLD in t.ends_on)
            last = Stop(REFUSED, (Task(TOLD, roles, ends=ends),), begins=begins, last=True)
            return [*stops[:at], replace(stops[at], fails=len(stops)), *stops[at + 1 :], last]
    return stops


def help_route(compiled: Compiled) -> Route:
    """Return the way of help: helper, plan, first measure; visits are duties of their own."""
    actions = [compiled.definition.actions[name] for name in HELP if name in compiled.definition.actions]
    states = [_home(action, place) for place, action in enumerate(actions)]
    stops = []
    for place, (action, state) in enumerate(zip(actions, states, strict=True)):
        before = states[place - 1] if place else ""
        after = states[place + 1] if place + 1 < len(states) else ""
        arriving = actions[place - 1].id if place else HELP_BEGINS
        stops.append(_stop(compiled, state, before, after, arriving, [action]))
    stops[-1] = replace(stops[-1], last=True)
    return Route(compiled.definition.id, compiled.purpose, tuple(stops))


def _home(action: Action, place: int) -> str:
    """The state in which an action of help is waited for: the first ones have one each, a measure may come early."""
    return action.sources[min(place, len(action.sources) - 1)]


def _stop(
    compiled: Compiled, state: str, before: str, after: str, arriving: str, forms: Sequence[Step | Action]
) -> Stop:
    begins = [t.id for t in compiled.timers if not t.fulfilled_by and not t.fires and not t.right
              and _begins(t.starts_on, t.runs_in, arriving, before, state)]  # fmt: skip
    ends = [t.id for t in compiled.timers if t.runs_in and state in t.runs_in and after not in t.runs_in]
    tasks = [task for form in forms for task in _tasks(compiled, form)]
    return Stop(state, tuple(tasks), tuple(begins), tuple(ends))


def _begins(starts_on: Iterable[str], runs_in: Sequence[str], arriving: str, before: str, state: str) -> bool:
    """As ``workflows.clocks`` has it: on an action, or on coming into the states in which a period runs."""
    if arriving in starts_on:
        return not runs_in or state in runs_in
    return not starts_on and state in runs_in and before not in runs_in


def _tasks(compiled: Compiled, form: Step | Action) -> list[Task]:
    """Who signs jointly has an act each; where any so many sign, these are acts of the same people."""
    name = form.action if isinstance(form, Step) else form.id
    ends = tuple(t.id for t in compiled.timers if name in t.ends_on)
    mode, visit = form.sign.get("mode", "one"), VISITED in form.fields
    key = form.id
    if mode == "all":
        return [
            Task(key if not place else f"{key}/{role}", at_one_level((role,)), 1, ends, visit)
            for place, role in enumerate(form.roles)
        ]
    return [Task(key, at_one_level(form.roles), int(form.sign.get("count", 1)), ends, visit)]


def at_one_level(roles: Sequence[str]) -> Roles:
    """Where people of several levels may act, those nearest to the household do."""
    near = tuple(role for role in roles if not is_county(role))
    return near or tuple(roles)


def is_county(role: str) -> bool:
    """Tell whether a role's people serve the whole county; helpers have their households in townships."""
    return ROLE_LEVELS[role] == COUNTY and role != "helper"


def _minimum(step: Step) -> str:
    return next((str(g["timer"]) for g in step.guards if g.get("guard") == "minimum_elapsed"), "")
