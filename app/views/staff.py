"""Staff by sheet: sent, judged, confirmed; first passwords are shown once; and the same layout out again."""

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, make_response, request
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech
from app.roster import RowError
from app.roster.marked import write_marked
from app.services.staff import MOST_ONLINE, FirstPassword, Imported, export_staff, import_staff
from app.services.staff_sheet import book_of, find_staff
from app.services.uploads import STAFF
from app.sheets import XLSX
from app.staff_told import change_words, names_in, office_words, password_book
from app.views.errors import refused_page
from app.views.shown import download, page, speech
from workflows.errors import BadFile, NotFound

pages = Blueprint("staff", __name__)
SHOWN = 200
WRONG = 422


@pages.get("/accounts/staff")
def form() -> str:
    """The form to send a sheet, and the present staff to download."""
    return page("staff")


@pages.post("/accounts/staff")
def judge() -> Response | str:
    """Check a sheet and show what it comes to; nothing is changed yet."""
    sent = request.files.get("file")
    data = sent.read() if sent else b""
    if not data:
        return refused_page(BadFile(reason="empty"), page("staff", problem=speech().say("staff.no_file")))
    return _shown(STAFF.keep(signed().actor, data), data)


def _shown(token: str, data: bytes, done: Imported | None = None) -> Response | str:
    actor, words = signed().actor, speech()
    done = done or import_staff(actor, data=data, hand_out=_nobody, dry_run=True, most=MOST_ONLINE)
    text = page("staff", words=words, token=token, done=done, **_rows(words, done))
    if not done.errors:
        return text
    response = make_response(text)
    response.status_code = WRONG
    return response


def _nobody(told: Sequence[FirstPassword]) -> None:
    """A check opens no account, so there is no password to hand out."""


def _rows(words: Speech, done: Imported) -> dict[str, Any]:
    names = names_in(done)
    return {
        "ignored": words.listed(list(done.ignored)),
        "errors": [_error(words, error) for error in done.errors[:SHOWN]],
        "opened": [
            {
                "name": one.name,
                "username": one.username,
                "offices": words.listed([office_words(words, t.role, t.area, names) for t in one.terms]),
            }
            for one in done.added
        ],
        "changed": [
            {
                "name": one.name,
                "username": one.username,
                "row": one.row,
                "changes": [change_words(words, change, names) for change in one.changes],
            }
            for one in done.differences
        ],
        "shown": SHOWN,
    }


def _error(words: Speech, error: RowError) -> dict[str, str]:
    why = error.message_zh if words.lang == "zh" else error.message_en
    return {"row": str(error.row or ""), "column": error.column, "value": error.value, "why": why}


@pages.post("/accounts/staff/take")
def take() -> Response | str:
    """Carry out what was shown; the first passwords stand on this answer and nowhere else."""
    actor, token, told = signed().actor, request.form.get("token", ""), list[FirstPassword]()
    try:
        data = STAFF.kept(actor, token)
    except NotFound as refused:
        return refused_page(refused, page("staff", problem=speech().say("staff.gone")))
    code = request.form.get("code", "")
    done = import_staff(actor, data=data, hand_out=told.extend, confirm=code, most=MOST_ONLINE)
    if done.errors:
        return _shown(token, data, done)
    STAFF.drop(token)
    words = speech()
    book = base64.b64encode(password_book(words, told)).decode() if told else ""
    return page("staff", words=words, taken=done, told=told, book=f"data:{XLSX};base64,{book}")


@pages.post("/accounts/staff/errors")
def errors() -> Response:
    """The wrong rows of a checked sheet in its own layout, with the reasons beside."""
    actor, words = signed().actor, speech()
    data = STAFF.kept(actor, request.form.get("token", ""))
    done = import_staff(actor, data=data, hand_out=_nobody, dry_run=True, most=MOST_ONLINE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "errors.xlsx"
        write_marked(path, find_staff(data), done.errors, language=words.lang)
        return download(path.read_bytes(), XLSX, "staff-errors.xlsx")


@pages.post("/accounts/staff/export")
def export() -> Response:
    """The county's staff in the layout of the import; noted in the access ledger, so this is a POST."""
    return download(book_of(export_staff(signed().actor)), XLSX, "staff.xlsx")
