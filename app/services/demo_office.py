"""What offices do in the demo year besides cases: reminders read, looks of the auditor, rosters out, trails printed."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from app import printing
from app.services import boards, cases, export, late, late_reasons, people, reminders, substitutes
from app.services.demo_findings import Findings
from app.services.story import Stage, seeded
from app.store.lists import CaseFilter
from app.store.transaction import reading
from workflows.clock import local_date
from workflows.model import Actor

EVERY = timedelta(days=28)
LOOKS, OUTWARD = 6, 6  # cases opened each time; every how many times a trail is printed and a roster goes out
STATES = ("", "concluded", "township_audit", "publicizing", "closed_ineligible")
ALL = 2**31 - 1  # reminders come to nowhere near that number
PURPOSE = "演示：半年数据比对"


def rounds(stage: Stage, first: int, everybody: Sequence[Actor], table: Mapping[str, Any]) -> Iterator[datetime]:
    """Yield an afternoon every four weeks from a day on, and do then what offices do; ``table`` is the year's."""
    area, chance = table["township"], seeded(table["seed"], "office")
    auditor, lead = (stage.actor(area, role, 0) for role in ("auditor", "county_lead"))
    findings = Findings(table["findings"], stage, area)
    when = stage.day(first) + timedelta(hours=8)
    for turn in count(1):
        yield when
        for actor in everybody:
            reminders.mark_all_read(actor, newest=ALL)
        seen = _look(auditor, chance)
        findings.find(seen)
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


def be_away(table: Sequence[Mapping[str, Any]]) -> None:
    """Let people be absent from today on, somebody standing in for each."""
    with reading() as now:
        today = local_date(now)
    for row in table:
        days: dict[str, Any] = {"begins": today.isoformat(), "ends": (today + timedelta(days=row["days"])).isoformat()}
        named = {name: row[name] for name in ("role", "area", "substitute", "reason")}
        substitutes.add(people.actor_named(row["username"]), substitutes.Asked(**named, **days))


def say_why(table: Sequence[Mapping[str, Any]]) -> None:
    """Let those whom something late waits for say why, each for as many periods as there are texts."""
    for row in table:
        actor = people.actor_named(row["username"])
        asked = (line for line in late.listed(actor, late.Asked()).rows if line.can_answer)
        for line, text in zip(asked, row["texts"], strict=False):
            period: dict[str, Any] = {"case": line.case.number, "kind": line.timer, "generation": line.generation}
            late_reasons.give_reason(actor, text=text, **period)
