"""The duties' part of the great check: each act stands on what was sealed, each period on its acts."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from app.services.duty_reports import sealed_note
from app.services.isolated import attempt
from app.store import duty_checking as store
from app.store.transaction import reading
from workflows.duties import REPORT, WARNING
from workflows.journal import parse_entry

BATCH, MOST = 500, 100
Fault = tuple[str, str, str]


def faults(county: str) -> Iterator[Fault]:
    """Return what does not fit of a county's duties, as place, code and detail; opens its own transactions."""
    after = 0
    while True:
        with reading():
            rows = store.acts_after(county, after, BATCH)
        if not rows:
            break
        for row in rows:
            code = _fault_of(row)
            if code:
                yield _place(row), code, str(row.seq)
        after = rows[-1].id
    with reading():
        wrong = store.miscounted(county, MOST)
    yield from ((_place(row), "duty_miscounted", f"{row.done}/{row.counted}") for row in wrong)


def _place(row: Any) -> str:
    return f"{row.duty} {row.subject} {row.begins}"


def _fault_of(row: Any) -> str:
    if row.sealed is None:
        return "duty_unsealed"
    told = attempt(partial(READERS.get(row.act, _is_entered), row))
    return "" if told is True else "duty_altered"


def _is_reported(row: Any) -> bool:
    """Tell whether a report is what its line of the ledger says."""
    body = json.loads(row.sealed)
    told = body["detail"]
    same = all(told[name] == getattr(row, name) for name in ("duty", "begins", "role", "mode", "amount", "nil"))
    return same and row.subject in told["subjects"] and body["kind"] == "duty" and _is_said(row, body)


def _is_warned(row: Any) -> bool:
    """Tell whether a warning that began a duty is what its line of the ledger says."""
    body = json.loads(row.sealed)
    is_of = row.duty in body["detail"]["duties"] and row.subject == body["subject"]
    return is_of and body["kind"] == "duty_begun" and _is_said(row, body)


def _is_said(row: Any, body: Mapping[str, Any]) -> bool:
    """An erased note has nothing to be held against."""
    told = body["detail"]
    note = not row.note or told["note"] == sealed_note(row.note, row.salt)
    return bool(note and told["on"] == row.on_day and body["user"] == row.user)


def _is_entered(row: Any) -> bool:
    """Tell whether an act is what its entry says: who, in which office, what."""
    body = parse_entry(row.sealed)
    definition, _, action = row.act.partition(".")
    actor = body["actor"]
    named = (body["definition"].partition(":")[0], body["action"], actor["id"], actor["role"])
    return bool(named == (definition, action, row.user, row.role))


READERS = {REPORT: _is_reported, WARNING: _is_warned}
