"""The income sheet on pages: what holds before it is filled in, its figures once sealed, what never decides."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from app.labels import Labels, bare, income_words
from app.services.cases import CaseView
from workflows.definition import Action, Field, Step
from workflows.income import MEMBERS, PER_HEAD, SHEET, frame, rule_of
from workflows.income_words import Row, frame_rows, sheet_rows

REFUSED = ("clue_closed_no_risk", "closed_final")


def row_body(labels: Labels, row: Row) -> dict[str, Any]:
    """Return a line of a sheet for a template."""
    clause = labels.clause(row.clause) if row.clause else ""
    return {"label": row.label, "value": row.value, "kind": row.kind, "clause": clause, "own": row.own}


def reference_box(labels: Labels, asked: Iterable[Field], today: date) -> list[dict[str, Any]]:
    """Return window, basis and line for a form that asks for a sheet; empty for every other form."""
    rule = rule_of(labels.compiled.pack, today) if any(spec.id == MEMBERS for spec in asked) else None
    return [row_body(labels, row) for row in frame_rows(frame(rule), income_words(labels))] if rule else []


def sheet_box(labels: Labels, view: CaseView) -> list[dict[str, Any]]:
    """Return the newest sheet among the entries that the reader sees, line by line; empty when there is none."""
    sheets = [entry["changes"][SHEET]["after"] for entry in view.entries if SHEET in entry["changes"]]
    return [row_body(labels, row) for row in sheet_rows(sheets[-1], income_words(labels))] if sheets else []


def no_ground(labels: Labels, form: Step | Action) -> list[dict[str, Any]]:
    """Return what a form that refuses a household must not be founded on: each with its clause, or as ours."""
    if not isinstance(form, Action) or not (form.records == "refusal" or form.target in REFUSED):
        return []
    fields = [f for f in labels.compiled.fields.values() if f.never_decides and not f.explains]
    return [
        {
            "text": labels.speech.say("income.no_ground", field=bare(labels.field(f.id))),
            "clause": labels.clause(f.clause) if f.clause else "",
            "own": f.own,
        }
        for f in fields
    ]


def is_said_by_sheet(entry: Mapping[str, Any], name: str) -> bool:
    """Tell whether a change stands in the entry's income sheet already: the figure per head, whose basis it names."""
    return name == PER_HEAD and SHEET in entry["changes"]
