"""The auditor's kit: a sample that anybody can draw again, and lists of what deserves a look."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from app import sampling
from app.access import signed
from app.exception_catalogue import exception_lists
from app.exception_told import about, told
from app.labels import Labels, Speech, definition_label, refusal_sentence, short_area
from app.runtime import runtime
from app.schemas import whole
from app.services import audit_sample, boards, exceptions
from app.services.audit_sample import Sample
from app.services.exceptions import Hit, Listed
from app.sheets import csv_of
from app.views.plain import more_url, plain_state
from app.views.shown import download, labels_for, page, speech
from workflows.clock import utc_text
from workflows.errors import BadValue

pages = Blueprint("kit", __name__)
CSV = "text/csv; charset=utf-8"
SIZE = 20


def address(endpoint: str, **asked: Any) -> str:
    """Return an address with what is asked for, as far as anything is."""
    return url_for(endpoint, **{name: value for name, value in asked.items() if value})


# --- sample ---
@pages.get("/audit/sample")
def sample() -> str:
    """Ask for a sample, and see it as a list to print."""
    words, asked = speech(), sample_asked()
    found, problem = None, ""
    if request.args.get("seed"):
        try:
            found = audit_sample.draw(signed().actor, asked)
        except BadValue as refused:
            problem = refusal_sentence(words, refused)
    return page(
        "sample",
        words=words,
        asked=asked,
        problem=problem,
        fresh=sampling.fresh_seed(),
        drawn=sample_head(found, words) if found else None,
        rows=[sample_row(one, words, found) for one in found.rows] if found else [],
        csv=address("kit.sample_table", **vars(asked)) if found and found.rows else "",
        most=sampling.MOST,
        **choices(asked.definition, words),
    )


def sample_asked() -> audit_sample.Asked:
    """Return what a sample is asked for by an address."""
    sent = request.args
    size = whole(sent.get("size", str(SIZE)))
    return audit_sample.Asked(
        seed=sent.get("seed", "").strip()[: sampling.LONGEST_SEED + 1],
        size=0 if size is None else size,
        definition=definition_asked(),
        area=sent.get("area", "")[:13],
        gate=sent.get("gate", "")[:40],
        begins=sent.get("begins", "")[:10],
        ends=sent.get("ends", "")[:10],
    )


def definition_asked() -> str:
    """Return the kind of case that an address names, else the cases through the gates."""
    name = request.args.get("definition", "")
    return name if name in runtime().rules.definitions else "household_case"


def choices(definition: str, words: Speech) -> dict[str, Any]:
    """Return what the forms choose from: kinds of case, gates, townships."""
    rules = runtime().rules
    gates = rules.definitions[definition].gates
    return {
        "definitions": [(d.id, definition_label(words, d)) for d in rules.definitions.values()],
        "gates": [(name, words.named(f"gate.{name}", gate.label, name)) for name, gate in gates.items()],
        "areas": [(a.code, short_area(a.name)) for a in boards.townships(signed().actor)],
    }


def sample_head(found: Sample, words: Speech) -> dict[str, str]:
    """Return what stands above a sample: all that drawing it again needs."""
    told_by = {"seed": found.asked.seed, "population": found.population, "size": len(found.rows)}
    return {
        "drawn": words.say("kit.drawn", **told_by),
        "digest": words.say("kit.digest", digest=found.digest),
        "at": words.say("kit.drawn_at", at=words.time(utc_text(found.now))),
    }


def sample_row(one: audit_sample.Drawn, words: Speech, found: Sample) -> dict[str, Any]:
    """Return a case of a sample as its page shows it."""
    case, house = one.line.case, one.line.house
    labels: Labels = labels_for(runtime().rules.machine_of(case), words)
    return {
        "place": one.place,
        "rank": one.rank[:16],
        "number": case.number,
        "url": url_for("cases.case", number=case.number),
        "head": house.head_name,
        "village": short_area(house.village_name),
        "group": house.group,
        "state": plain_state(labels, case, found.now),
        "finding": finding_url(
            house.number, "sample", words.say("kit.found_in_sample", case=case.number, seed=found.asked.seed)
        ),
    }


def finding_url(household: str, found_by: str, found_at: str) -> str:
    """Return the address of the form that makes a finding of a row."""
    return url_for("findings.form", number=household, level="township", found_by=found_by, found_at=found_at)


@pages.get("/audit/sample.csv")
def sample_table() -> Response:
    """A sample as a table, with the seed and the whole ranks."""
    words = speech()
    found = audit_sample.draw(signed().actor, sample_asked())
    return download(csv_of(sample_cells(found, words)), CSV, f"sample-{found.asked.seed}.csv".replace('"', ""))


def sample_cells(found: Sample, words: Speech) -> list[Sequence[str | int]]:
    """Return the table of a sample: how it was drawn, then the cases."""
    head = sample_head(found, words)
    columns = [words.say(f"kit.{name}") for name in ("place", "case", "rank")]
    more = [words.say(key) for key in ("ui.col_household", "kit.village", "ui.col_state")]
    rows = [(one, sample_row(one, words, found)) for one in found.rows]
    body = [(r["place"], r["number"], one.rank, r["head"], r["village"], r["state"]) for one, r in rows]
    return [(head["drawn"], head["digest"], head["at"]), (*columns, *more), *body]


# --- exception lists ---
@pages.get("/audit/exceptions")
def lists() -> str:
    """All lists with the number of their rows."""
    words, actor = speech(), signed().actor
    asked = exceptions_asked("")
    rows = []
    for one in exception_lists().values():
        count = exceptions.counted(actor, one.id, asked)
        rows.append(
            {
                "title": one.text("title", words.lang),
                "about": about(one, one.cut({}), words),
                "count": f"{exceptions.MOST_COUNTED}+" if count > exceptions.MOST_COUNTED else count,
                "url": url_for("kit.exception", name=one.id),
            }
        )
    return page("exceptions", words=words, rows=rows)


def exceptions_asked(name: str) -> exceptions.Asked:
    """Return what a list is asked for by an address."""
    sent = request.args
    names = exception_lists()[name].thresholds if name in exception_lists() else ()
    cut = {key: sent.get(key, "")[:10] for key in names}
    area, begins, ends = (sent.get(key, "")[:13] for key in ("area", "since", "until"))
    return exceptions.Asked(area, begins, ends, cut)


@pages.get("/audit/exceptions/<name>")
def exception(name: str) -> str:
    """One list, the newest first."""
    words, asked = speech(), exceptions_asked(name)
    found, problem = None, ""
    try:
        found = exceptions.listed(signed().actor, name, asked, after=request.args.get("after", ""))
    except BadValue as refused:
        problem = refusal_sentence(words, refused)
    one = exceptions.list_named(name)
    sent = {"area": asked.area, "since": asked.begins, "until": asked.ends, **(asked.thresholds or {})}
    return page(
        "exception",
        words=words,
        title=one.text("title", words.lang),
        about=about(one, dict(found.numbers if found else one.cut({})), words),
        problem=problem,
        rows=[hit_row(hit, found, words) for hit in found.found.rows] if found else [],
        thresholds=[(key, words.say(f"threshold.{key}"), sent[key] or known.default, known)
                    for key, known in one.thresholds.items()],
        sent=sent,
        name=name,
        csv=address("kit.exception_table", name=name, **sent),
        more=more_url("kit.exception", found.found.following, name=name, **sent) if found else "",
        areas=choices("household_case", words)["areas"],
    )  # fmt: skip


def hit_row(hit: Hit, found: Listed, words: Speech) -> dict[str, Any]:
    """Return a row of a list as its page shows it."""
    case, house = hit.line.case, hit.line.house
    return {
        "number": case.number,
        "url": url_for("cases.case", number=case.number),
        "head": house.head_name,
        "place": short_area(house.village_name),
        "seq": (seq := words.say("kit.entry", seq=hit.seq) if hit.seq else ""),
        "finding": finding_url(
            house.number,
            "exceptions",
            words.say("kit.found_in_list", case=case.number, entry=seq, title=found.list.text("title", words.lang)),
        ),
        **told(hit, found.list, words),
    }


@pages.get("/audit/exceptions/<name>.csv")
def exception_table(name: str) -> Response:
    """A list as a table."""
    words = speech()
    found = exceptions.listed(signed().actor, name, exceptions_asked(name), size=exceptions.MOST_ROWS)
    return download(csv_of(hit_cells(found, words)), CSV, f"{name}.csv")


def hit_cells(found: Listed, words: Speech) -> list[Sequence[str | int]]:
    """Return the table of a list: what it holds, then its rows."""
    columns = [words.say(f"kit.{name}") for name in ("case", "entry_column", "what", "why", "who", "when")]
    rows = [(hit, told(hit, found.list, words)) for hit in found.found.rows]
    body = [
        (hit.line.case.number, hit.seq or "", row["what"], row["why"], row["who"], row["when"]) for hit, row in rows
    ]
    title = found.list.text("title", words.lang)
    return [(title, about(found.list, dict(found.numbers), words)), columns, *body]
