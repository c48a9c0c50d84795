"""The working-day calendar on pages: a year for everybody; documents proposed, looked through and decided."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech, fault_of
from app.services import calendars, rule_report, rule_runs
from app.services.calendar_words import rows_said, source_lines
from app.services.calendars import Day, Record
from app.views.errors import refused_page
from app.views.shown import page, speech
from workflows.calendars import Calendar
from workflows.errors import BadDocument, BadValue

pages = Blueprint("calendar", __name__)
SECONDS = 2
LARGEST = 4 * calendars.LONGEST  # bytes of a file
LATEST = 2200
NUMERALS = ("working_day", "weekend", "provisional_working_day", "provisional_rest_day")


@pages.get("/calendar")
def year() -> str:
    """A year of the calendar of the reader's county; county and administrator also propose here."""
    return _year()


def _year(**values: Any) -> str:
    words, county = speech(), _county()
    found = calendars.calendar_for(county)
    chosen = min(max(request.args.get("year", words.day.year, type=int), found.first_year), LATEST)
    special = calendars.special_days(found, chosen)
    return page(
        "calendar",
        words=words,
        year=chosen,
        before=chosen - 1 if chosen > found.first_year else 0,
        after=chosen + 1 if chosen <= found.last_year else 0,
        county=county,
        is_known=chosen <= found.last_year,
        counties=rule_runs.county_names(_counties()),
        count=calendars.working_days(found, chosen),
        version=words.say("calendar.version", version=found.version, digest=found.digest[:12]),
        sources=source_lines(words, found, chosen),
        months=[_month(words, found, chosen, month) for month in range(1, 13)],
        stretches=list(_stretches(words, special)),
        records=[_told(words, record) for record in calendars.records(county)],
        may_change=calendars.may_change(signed().actor, county),
        **values,
    )


def _counties() -> list[str]:
    return sorted({office.area[:6] for office in signed().actor.offices if office.area[4:6] != "00"})


def _county() -> str:
    """The county that is asked for among one's own, by default the first."""
    own, asked = _counties(), request.args.get("county", "") or request.form.get("county", "")
    return asked if asked in own else next(iter(own), "")


def _month(words: Speech, found: Calendar, year: int, month: int) -> dict[str, Any]:
    first = date(year, month, 1)
    days = [first + timedelta(days=n) for n in range(31)]
    cells = [_cell(words, found, day) for day in days if day.month == month]
    weeks = [None] * first.weekday() + cells + [None] * (-(first.weekday() + len(cells)) % 7)
    return {"name": words.say(f"calendar.month.{month}"), "weeks": [weeks[n : n + 7] for n in range(0, len(weeks), 7)]}


def _cell(words: Speech, found: Calendar, day: date) -> dict[str, Any]:
    kind, name = found.day_kind(day), found.name_of(day)
    is_plain = kind in NUMERALS
    said = [words.say(f"calendar.day_kind.{kind}")] if not is_plain else []
    return {
        "day": day.day,
        "kind": kind
        if name or not is_plain or not found.is_covered(day)
        else "rest"
        if not found.is_working_day(day)
        else "",
        "mark": "" if is_plain else words.say(f"calendar.short.{kind}"),
        "said": words.listed([*([words.pick(name)] if name else []), *said]),
        "today": day == words.day,
    }


def _stretches(words: Speech, special: list[Day]) -> Iterator[dict[str, str]]:
    """Days that follow each other and are of one name, off or worked: one line."""

    def key(pair: tuple[int, Day]) -> tuple[object, ...]:
        place, day = pair
        return day.date.toordinal() - place, day.kind == "makeup_workday", tuple(day.name.items())

    for _, group in groupby(enumerate(special), key=key):
        days = [day for _, day in group]
        kinds = [day.kind for day in days]
        shown = next((kind for kind in kinds if kind != "weekend"), "holiday")
        first, last = days[0].date, days[-1].date
        said = words.date(first) if first == last else f"{words.date(first)} – {words.date(last)}"
        weekdays = [words.say(f"calendar.weekday.{day.isoweekday()}") for day in dict.fromkeys((first, last))]
        yield {
            "days": f"{said}{words.aside('–'.join(weekdays))}",
            "count": words.say("calendar.days", count=len(days)),
            "kind": words.say(f"calendar.day_kind.{shown}"),
            "name": words.pick(days[0].name),
        }


def _told(words: Speech, record: Record) -> dict[str, Any]:
    document = record.document
    said = [words.say("calendar.proposed_by", who=rule_runs.name_of(record.user), at=words.time(record.created_at))]
    for what in ("decided", "withdrawn"):
        who, at = getattr(record, f"{what}_by"), getattr(record, f"{what}_at")
        if at:
            said.append(words.say(f"calendar.{what}_by", who=rule_runs.name_of(who), at=words.time(at)))
    return {
        "id": record.id,
        "title": " ".join(part for part in (document.title, document.number) if part),
        "kind": words.say(f"calendar.document.{document.kind}", year=document.year),
        "state": record.state,
        "state_said": words.say(f"calendar.state.{record.state}"),
        "said": said,
        "reason": document.reason,
        "dated": words.date(date.fromisoformat(document.date)) if document.date else "",
    }


@pages.post("/calendar/documents")
def propose() -> Response | str:
    """Propose a notice or an amendment: as a file, or as text that was pasted."""
    sent = request.files.get("file")
    try:
        name = sent.filename or "" if sent else ""
        text = _text(sent.read(LARGEST + 1)) if sent and name else request.form.get("text", "")
        document = calendars.read(text, year=request.form.get("year", 0, type=int) or 0, file=name)
        record = calendars.propose(signed().actor, document)
    except (BadDocument, BadValue) as refused:
        return _refused(refused, text=request.form.get("text", ""))
    return redirect(url_for("calendar.document", document=record.id), 303)


@pages.post("/calendar/closings")
def close() -> Response | str:
    """Propose days on which the county's own offices are closed."""
    form = {name: request.form.get(name, "").strip() for name in ("zh", "en", "title", "number", "dated", "reason")}
    days = [part.strip() for part in request.form.get("days", "").replace("，", ",").split(",") if part.strip()]
    try:
        document = calendars.closing(_county(), days, **form)
        record = calendars.propose(signed().actor, document)
    except (BadDocument, BadValue) as refused:
        return _refused(refused, form={**form, "days": request.form.get("days", "")})
    return redirect(url_for("calendar.document", document=record.id), 303)


def _refused(refused: BadDocument | BadValue, **values: Any) -> Response:
    words = speech()
    if isinstance(refused, BadDocument):
        return refused_page(refused, _year(faults=[fault_of(words, fault) for fault in refused.faults], **values))
    return refused_page(refused, _year(problem=str(refused.params["field"]), **values))


def _text(data: bytes) -> str:
    try:
        if len(data) <= LARGEST:
            return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise BadValue(field="file", value="")


@pages.get("/calendar/documents/<int:document>")
def document(document: int) -> Response:
    """One document: its days, what it would do or did to running deadlines, and what may become of it."""
    return _document(document)


def _document(number: int, **values: Any) -> Response:
    words, actor = speech(), signed().actor
    told = calendars.decision(actor, number)
    names = rule_runs.county_names([run.county for run in (*told.looks, *told.moves)])
    is_open = any(run.is_open for run in (*told.looks, *told.moves))
    looks = [run for run in told.looks if run.inputs["how"] == told.how]
    shown = page(
        "calendar_document",
        words=words,
        told=told,
        record=_told(words, told.record),
        rows=list(rows_said(words, told.record.document)),
        looks=[(names[run.county], run, rule_report.report(run, words)) for run in looks],
        moves=[(names[run.county], run, rule_report.report(run, words)) for run in told.moves],
        is_open=is_open,
        may_change=calendars.may_change(actor, told.record.document.area),
        **values,
    )
    response = make_response(shown)
    if is_open:
        response.headers["Refresh"] = str(SECONDS)
    return response


@pages.post("/calendar/documents/<int:document>/decide")
def decide(document: int) -> Response:
    """Put a document in force, or withdraw it, as its preview showed; running deadlines are counted anew."""
    return _asked(document, lambda: calendars.decide(signed().actor, document, request.form.get("code", "")))


@pages.post("/calendar/documents/<int:document>/look")
def look(document: int) -> Response:
    """Look through a proposal once more, as the calendar has changed since."""
    return _asked(document, lambda: calendars.look_again(signed().actor, document))


@pages.post("/calendar/documents/<int:document>/withdraw")
def withdraw(document: int) -> Response:
    """Ask for the preview of a withdrawal; a proposal is dropped at once."""
    return _asked(document, lambda: calendars.take_back(signed().actor, document))


def _asked(number: int, ask: Any) -> Response:
    try:
        ask()
    except BadDocument as refused:
        faults = [fault_of(speech(), fault) for fault in refused.faults]
        return refused_page(refused, _document(number, faults=faults).get_data(as_text=True))
    except BadValue as refused:
        shown = _document(number, problem=str(refused.params["field"]))
        return refused_page(refused, shown.get_data(as_text=True))
    return redirect(url_for("calendar.document", document=number), 303)
