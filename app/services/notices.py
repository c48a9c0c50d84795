"""The village's public notice: a whitelist of columns, so that nothing else of a household can reach it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.services.lists import Found, following_key, note_look, page_of, paged, scope_of
from app.store import lists as store
from app.store.transaction import reading
from workflows.errors import NotFound
from workflows.model import Actor

TIMER = "publicity_min"
MOST = 1_000  # villages to choose from


@dataclass(frozen=True)
class NoticeLine:
    """One household on a notice. Never more: no identity, telephone or bank number, no health, no kind of risk."""

    case: str
    purpose: str
    group: str
    head_name: str
    member_count: int
    category: str
    begins: str
    ends: str


@dataclass(frozen=True)
class Notice:
    """What hangs in one village now; times are RFC 3339 UTC, the end exclusive."""

    village: str
    village_name: str
    township_name: str
    lines: Sequence[NoticeLine]
    now: datetime


def villages(actor: Actor) -> list[tuple[str, str]]:
    """Return (code, name) of the villages of a person's area in which a notice hangs now."""
    with reading():
        codes = store.notice_villages(scope_of(actor), TIMER, "", page_of("", MOST))
        names = store.area_names(codes)
    return [(code, names.get(code, code)) for code in codes]


def notices(actor: Actor, *, village: str = "", after: str = "") -> Found[Notice]:
    """Return the public notices that run in a person's area, village by village, so many villages a page."""
    scope = scope_of(actor)
    with reading() as now:
        villages, more = paged(store.notice_villages(scope, TIMER, village, page_of(after)))
        rows = store.notices(scope, TIMER, villages) if villages else []
        found: dict[str, list[NoticeLine]] = {}
        names: dict[str, tuple[str, str]] = {}
        for row in rows:
            names[row.village] = (row.village_name or row.village, row.township_name or "")
            found.setdefault(row.village, []).append(_line(row))
    if found:
        note_look(actor, village or "notices", rows=len(rows))
    boards = [Notice(code, *names[code], lines, now) for code, lines in found.items()]
    return Found(boards, following_key(more, *villages[-1:]), now)


def _line(row: Any) -> NoticeLine:
    fields = json.loads(row.fields)
    return NoticeLine(
        case=row.number,
        purpose=row.purpose,
        group=row.group_name,
        head_name=row.head_name,
        member_count=row.member_count,
        category=str(fields.get("category", "")),
        begins=row.start_at,
        ends=row.due_at,
    )


def notice(actor: Actor, *, village: str) -> Notice:
    """Return one village's notice; NotFound when none runs there or the village lies outside the person's area."""
    found = notices(actor, village=village).rows
    if not found:
        raise NotFound(village=village)
    return found[0]
