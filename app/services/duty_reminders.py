"""Reminders of duties: whoever owes the same in one place is told once of all of it, step by step up the ladder."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from app.services.cases import loaded_rules
from app.services.isolated import never, work_together
from app.store import areas, duty_acts
from app.store import duties as store
from app.store.duties import Group
from app.store.outbox import add_keyed
from app.store.transaction import reading
from workflows.duties import Duty
from workflows.duty_periods import Span
from workflows.ladder import END, Step
from workflows.messages import superior_of
from workflows.model import Message

BATCH, TOGETHER = 1_000, 50  # groups a reading (it looks at all that is due), and a transaction
RETRY = timedelta(hours=1)
OWNER, COUNTY = "owner", ("county_lead",)
Plan = Sequence[tuple[Step, datetime]]


class Reminded(NamedTuple):
    """A group and how many periods it holds, with the step of the ladder that it has come to."""

    group: Group
    stage: int
    step: Step | None
    size: int
    duty: Duty | None


def remind(*, batch: int = BATCH, stop: Callable[[], bool] = never) -> Counter[str]:
    """Remind people of open periods, those of one duty in one place at once; return how many groups were done."""
    tally: Counter[str] = Counter()
    progress = True
    while progress and not stop():
        with reading() as now:
            groups = store.due_groups(now, limit=batch)
        done = work_together(groups, _remind_of, _put_off, stop=stop, size=TOGETHER)
        tally += done
        progress = done["reminded"] > 0
    return tally


def _remind_of(groups: Sequence[Group], now: datetime) -> list[str]:
    duty_acts.ensure_packs(loaded_rules(), {group.pack for group in groups})
    plans = _plans(groups)
    done = [_marked(group, plans, now) for group in groups]
    names = areas.names_of(group.place for group in groups)
    told = sorted((one for one in done if one.size and one.step), key=lambda one: one.group.county)
    for county, ours in groupby(told, key=lambda one: one.group.county):
        add_keyed([(f"{one.group}:{one.stage}", _message(one, names)) for one in ours], county, now)
    return ["reminded" if one.size else "passed" for one in done]


def _plans(groups: Sequence[Group]) -> dict[tuple[str, str, Span], Plan]:
    """When whom to remind, made once for all groups of one time."""
    keys = {(group.county, group.pack, group.span) for group in groups}
    return {
        (county, pack, span): store.reminders_of(county, loaded_rules().pack_of(pack), span)
        for county, pack, span in keys
    }


def _marked(group: Group, plans: Mapping[tuple[str, str, Span], Plan], now: datetime) -> Reminded:
    """Note at a group's periods how far its reminders have come."""
    pack, plan = loaded_rules().pack_of(group.pack), plans[group.county, group.pack, group.span]
    stage = _stage(plan, group.stage, now)
    later = next((at for number, (_, at) in enumerate(plan, 1) if number > stage), None)
    size = store.mark_group(group, stage, later, now)
    step = plan[stage - 1][0] if stage > group.stage else None
    return Reminded(group, stage, step, size, pack.duty(group.duty, group.span.first_day) if pack else None)


def _stage(plan: Plan, done: int, now: datetime) -> int:
    """Return the step that is to be told now: of the early ones the last, from the end on one after the other."""
    reached = max((number for number, (_, at) in enumerate(plan, 1) if at <= now), default=done)
    end = next(number for number, (step, _) in enumerate(plan, 1) if step.percent >= END)
    return min(reached, max(done + 1, end))


def _message(one: Reminded, names: dict[str, str]) -> Message:
    group, step = one.group, one.step
    assert step is not None  # noqa: S101 - narrows the type; who has no step is told nothing
    label = one.duty.label if one.duty else {"zh": group.duty, "en": group.duty}
    own = bool(group.user_id) and step.whom == OWNER
    return Message(
        case="",
        area=group.place,
        key="duty_soon" if step.percent < END else "duty_late" if step.whom == OWNER else "duty_raised",
        roles=() if own else _told(group, step),
        person=f"u{group.user_id}" if own else None,
        params={
            "duty": group.duty,
            "zh": label["zh"],
            "en": label["en"],
            "due": group.due_at,
            "count": one.size,
            "place": names.get(group.place, group.place),
        },
    )


def _told(group: Group, step: Step) -> tuple[str, ...]:
    """The roles that are told: who reports, but for helpers, who are told by name; their superiors; the county."""
    roles = [role for role in group.roles.split(",") if role]
    if step.whom == OWNER:
        return tuple(role for role in roles if role != "helper")
    return tuple(dict.fromkeys(map(superior_of, roles))) if step.whom == "superior" else COUNTY


def _put_off(group: Group, what: str, now: datetime) -> None:
    store.put_off_group(group, what, now, now + RETRY)
