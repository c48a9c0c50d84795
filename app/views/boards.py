"""Boards: what is overdue, my reminders, the villages' public notices."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, short_area
from app.runtime import runtime
from app.schemas import whole
from app.services import boards as board_service
from app.services import lists
from app.services import notices as notice_service
from app.services import reminders as reminder_service
from app.services.boards import LateLine
from app.services.lists import CaseLine
from app.services.notices import Notice
from app.services.reminders import Item
from app.told import reminder_words
from app.views.plain import more_url, plain_state, time_cell
from app.views.shown import labels_for, page, speech
from workflows.clock import local_date, parse_utc

pages = Blueprint("boards", __name__)


# --- overdue ---
@pages.get("/overdue")
def overdue() -> str:
    """What is overdue in my area, most late first."""
    area = request.args.get("area", "")
    area = area if whole(area) is not None and len(area) == 12 else ""
    board = board_service.overdue(signed().actor, area=area, after=request.args.get("after", ""))
    words = speech(now=board.found.now)
    return page(
        "overdue",
        words=words,
        board=board,
        area=area,
        path=[(code, name) for code, name in board.path if code[6:].strip("0")],
        rows=[late_row(line, words, board.found.now) for line in board.found.rows],
        more=more_url("boards.overdue", board.found.following, area=area),
    )


def late_row(line: LateLine, words: Speech, now: Any) -> dict[str, Any]:
    """Return an overdue period as the board shows it."""
    labels = labels_for(runtime().rules.machine_of(line.case), words)
    return {
        "url": url_for("cases.case", number=line.case.number),
        "number": line.case.number,
        "head": line.house.head_name,
        "place": f"{line.house.township_name} {short_area(line.house.village_name)}".strip(),
        "timer": labels.timer(line.timer),
        "state": plain_state(labels, line.case, now),
        "waits": words.roles(labels.compiled.waits_for(line.case.state)),
        **time_cell(words, line.due_at, now, provisional=line.provisional),
    }


# --- reminders ---
@pages.get("/reminders")
def reminders() -> str:
    """My reminders, newest first."""
    actor = signed().actor
    found = reminder_service.list_reminders(actor, before=whole(request.args.get("before", "")))
    cases = lists.case_lines(actor, [item.case for item in found.items])
    words = speech()
    return page(
        "reminders",
        words=words,
        rows=[reminder_row(item, cases.get(item.case), words) for item in found.items],
        total=found.total,
        unread=found.unread,
        newest=found.items[0].id if found.items else 0,
        more=url_for("boards.reminders", before=found.before) if found.before else "",
    )


def reminder_row(item: Item, line: CaseLine | None, words: Speech) -> dict[str, Any]:
    """Return a reminder in words; the household's name only while the case is the reader's to see."""
    labels = labels_for(runtime().rules.machine_of(line.case), words) if line else None
    household = line.house.head_name if line else item.case
    title, body = reminder_words(words, labels, word=item.word, case=item.case, household=household, params=item.params)
    return {
        "id": item.id,
        "title": title,
        "body": body,
        "at": words.time(item.sent_at),
        "read": item.is_read,
        "url": url_for("cases.case", number=item.case) if line else duties_url(item),
    }


def duties_url(item: Item) -> str:
    """Return the ledger of duties for a reminder of one of them, else an empty text."""
    name = str(item.params.get("duty", ""))
    return url_for("duties.duties", duty=name, state="") if name and not item.case else ""


@pages.post("/reminders")
def read_reminder() -> Response:
    """Mark one reminder read, or all up to the newest that the page showed."""
    one, newest = whole(request.form.get("id", "")), whole(request.form.get("newest", ""))
    if one is not None:
        reminder_service.mark_read(signed().actor, reminder=one)
    elif newest is not None:
        reminder_service.mark_all_read(signed().actor, newest=newest)
    return redirect(url_for("boards.reminders"), 303)


# --- public notices ---
@pages.get("/notices")
def notices() -> str:
    """The public notices that hang in my area, village by village."""
    found = notice_service.notices(signed().actor, after=request.args.get("after", ""))
    words = speech(now=found.now)
    more = more_url("boards.notices", found.following)
    return page("notices", words=words, villages=[notice_box(one, words) for one in found.rows], more=more)


@pages.get("/notices/<village>")
def notice(village: str) -> str:
    """One village's notice to print and hang up."""
    found = notice_service.notice(signed().actor, village=village)
    words = words_of(found, speech(village, now=found.now))
    return page("notice", words=words, n=notice_box(found, words))


def words_of(found: Notice, words: Speech) -> Speech:
    """Return the words of the day on which the oldest line of a notice was posted, in its village."""
    return replace(words, day=local_date(parse_utc(min(line.begins for line in found.lines))), area=found.village)


def notice_box(found: Notice, words: Speech) -> dict[str, Any]:
    """Return a notice in words, its households by purpose; only what stands on the whitelist can come in here."""
    words = words_of(found, words)
    options = runtime().rules.definitions["household_case"].fields["category"].options
    categories = {o.id: words.named(f"option.category.{o.id}", {"zh": o.zh, "en": o.en}) for o in options}
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in found.lines:
        row = {
            "head": line.head_name,
            "members": line.member_count,
            "group": line.group,
            "category": categories.get(line.category, ""),
            "begins": words.date(line.begins),
            "ends": words.last_day(line.ends),
            "open": line.ends > found.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        groups.setdefault(line.purpose, []).append(row)
    return {
        "village": short_area(found.village_name),
        "committee": found.village_name,
        "township": found.township_name,
        "url": url_for("boards.notice", village=found.village),
        "groups": [
            {"purpose": name, "title": words.say(f"ui.notice_{name}"), "rows": rows} for name, rows in groups.items()
        ],
        "today": words.date(found.now),
    }
