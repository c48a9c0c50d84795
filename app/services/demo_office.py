"""What offices do in the demo year besides cases: reminders read, looks of the auditor, rosters out, trails printed."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count

from app import printing
from app.services import boards, cases, export, reminders
from app.services.story import Stage, seeded
from app.store.lists import CaseFilter
from workflows.model import Actor

EVERY = timedelta(days=28)
LOOKS, OUTWARD = 6, 6  # cases opened each time; every how many times a trail is printed and a roster goes out
STATES = ("", "concluded", "township_audit", "publicizing", "closed_ineligible")
ALL = 2**31 - 1  # reminders come to nowhere near that number
PURPOSE = "演示：半年数据比对"


def rounds(stage: Stage, first: int, everybody: Sequence[Actor], area: str, seed: str) -> Iterator[datetime]:
    """Yield an afternoon every four weeks from a day on, and do then what offices do."""
    chance = seeded(seed, "office")
    auditor, lead = (stage.actor(area, role, 0) for role in ("auditor", "county_lead"))
    when = stage.day(first) + timedelta(hours=8)
    for turn in count(1):
        yield when
        for actor in everybody:
            reminders.mark_all_read(actor, newest=ALL)
        seen = _look(auditor, chance)
        if turn % OUTWARD == 0 and seen:
            printing.print_trail(auditor, case=seen[0])
            list(export.export_households(lead, purpose=PURPOSE))
        when += EVERY


def _look(auditor: Actor, chance: random.Random) -> list[str]:
    """Let the auditor filter the list and open some of its cases; each look goes into the access ledger."""
    lines = boards.audit(auditor, CaseFilter(state=chance.choice(STATES))).found.rows
    chosen = [line.case.number for line in chance.sample(lines, min(LOOKS, len(lines)))]
    for number in chosen:
        cases.case_view(auditor, case=number)
    return chosen
