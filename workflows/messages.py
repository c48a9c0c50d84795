"""Who is told what after a move: those whom the case now waits for, those who are late and their superiors."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.clocks import Turn, is_recurring
from workflows.guards import Context
from workflows.model import Message, Move, Office

SUPERIORS = {
    "grid": "village_cadre",
    "village": "township_leader",
    "township": "county_lead",
    "county": "county_lead",
}

# A household's status waits for nobody; those who look after the household are told what the clock did to it.
KEEPERS = ("village_cadre", "helper")


def messages_of(context: Context, move: Move, turn: Turn, values: Mapping[str, Any]) -> Iterator[Message]:
    compiled, number = context.compiled, move.case.number
    waiting = compiled.waits_for(turn.target)
    if turn.target != turn.source and not move.case.closed and waiting:
        yield Message(number, "waiting", roles=waiting, params={"state": turn.target})
    if "substitute" in values:
        yield Message(number, "substitute", person=values["substitute"]["id"], params={"state": turn.target})
    if turn.action == "assign_helper" or turn.action == "change_helper":
        yield Message(number, "helper", person=values["helper"]["id"])
    if turn.action in ("lapse", "stabilise"):
        clock = context.case.clocks[values["timer"]] if context.case else None
        late = bool(clock and clock.bound == "max" and turn.action == "lapse")
        key = "overdue" if late else "period_ended"
        waiting = waiting or KEEPERS
        # A running case goes up by the ladder, as long as it stays late; a duty of each period ends with its own.
        is_duty = clock is not None and is_recurring(context.compiled.timers_by_id[clock.kind])
        superiors = tuple(superior_of(role) for role in waiting) if late and is_duty else ()
        params = {"timer": values["timer"], "due": values["due"]}
        yield Message(number, key, roles=tuple(dict.fromkeys((*waiting, *superiors))), params=params)


def superior_of(role: str) -> str:
    """Return the role that is told when this one is late (design: escalation to the next level)."""
    return SUPERIORS[Office(role, "0" * 12).level]
