"""What a run found, in words for one reader: on pages, in the API and on the command line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.labels import Speech, state_of
from app.places import short_area
from app.runtime import runtime
from app.services.calendar_runs import LOOK, MOVE
from app.services.moving import Run
from app.services.rule_runs import SIMULATE
from app.store import areas
from app.store.transaction import reading

BY_CALENDAR = ("earlier", "later", "late", "settled")
DEADLINES = ("earlier", "later", "late", "ended", "begun", "clause")


@dataclass(frozen=True)
class Report:
    """A run's result as lines and tables; a table's rows are texts, its name stands among the words ``changes``."""

    summary: tuple[str, ...]
    tables: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]], ...]


def report(run: Run, words: Speech) -> Report:
    """Return what people read of a run that has ended; of one that has not, nothing."""
    if run.is_open or not run.result:
        return Report((), ())
    if run.kind == SIMULATE:
        return simulated(run, words)
    if run.kind == LOOK:
        return looked(run.result, words)
    return rehearsal(run.result, words) if run.kind == "rehearse" else moving(run, words)


def looked(found: Mapping[str, Any], words: Speech) -> Report:
    """Return what another calendar would do to running periods: how many, which, and who would be late by it."""
    total = {name: sum(row.get(name, 0) for row in found["deadlines"]) for name in BY_CALENDAR}
    summary = (
        words.say("calendar.looked", cases=found["cases"], changed=found["changed"], left=found["left_count"]),
        words.say(
            "calendar.would_move", moved=total["earlier"] + total["later"], late=total["late"], settled=total["settled"]
        ),
    )
    rows = (
        (_timer(r["definition"], r["timer"], words), *(r.get(n, 0) for n in BY_CALENDAR)) for r in found["deadlines"]
    )
    moved = (
        (*row, words.say("ui.yes" if told.get("late") else "ui.no"))
        for told, row in zip(found["moving"], _late(found["moving"], words), strict=True)
    )
    tables = (
        ("deadlines", ("period", *BY_CALENDAR), _texts(rows)),
        ("moving", ("case", "period", "before", "after", "late_now"), _texts(moved)),
    )
    return Report(summary, tuple((name, columns, rows) for name, columns, rows in tables if rows))


def simulated(run: Run, words: Speech) -> Report:
    """Return what a simulation found in one sentence; its own page shows the whole."""
    broken = {side: sum(map(sum, run.result[side]["broken"].values())) for side in ("before", "after")}
    inside = run.result["households"]["newly_inside"]
    return Report((words.say("simulate.did", run=run.id, inside=inside, **broken),), ())


def differences(run: Run, words: Speech) -> list[dict[str, Any]]:
    """Return what differs between the packs of before and those of a rehearsal, for one reader."""
    return [{"label": words.pick(row["label"], row["pack"]), "lines": row[words.lang]}
            for row in run.result.get("changes", ()) if row[words.lang]]  # fmt: skip


def moving(run: Run, words: Speech) -> Report:
    """Return what a change or its return did."""
    found = run.result
    key = "calendar.did" if run.kind == MOVE else f"changes.did_{run.kind}"
    summary = (words.say(key, moved=found["moved"], left=found.get("left_count", len(found["left"]))),)
    left = _texts(_reasons(found["left"], words))
    return Report(summary, (("left", ("case", "why"), left),) if left else ())


def rehearsal(found: Mapping[str, Any], words: Speech) -> Report:
    """Return what a rehearsal found."""
    moved = sum(row.get("earlier", 0) + row.get("later", 0) for row in found["deadlines"])
    late = sum(row.get("late", 0) for row in found["deadlines"])
    stuck = sum(row["cases"] for row in found["stuck"])
    summary = [
        words.say("changes.looked_at", cases=found["cases"], changed=found["changed"]),
        words.say("changes.would_move", moved=moved, late=late),
        words.say("changes.would_stick", stuck=stuck) if stuck else words.say("changes.none_stuck"),
    ]
    tables = (
        ("packs", ("pack", "digest", "cases"), ((r["pack"], r["digest"][:12], r["cases"]) for r in found["packs"])),
        ("stuck", ("state", "why", "cases"), _stuck(found["stuck"], words)),
        ("stuck_cases", ("case", "why"), _reasons(found["stuck_cases"], words)),
        ("skipped", ("step", "cases"), _steps(found["skipped"], words)),
        ("repeated", ("step", "cases"), _steps(found["repeated"], words)),
        ("deadlines", ("period", *DEADLINES), _deadlines(found["deadlines"], words)),
        ("late_cases", ("case", "period", "before", "after"), _late(found["late_cases"], words)),
        ("work", ("who", "more", "townships"), _work(found["work"], words)),
    )
    filled = ((name, columns, _texts(rows)) for name, columns, rows in tables)
    return Report(tuple(summary), tuple((name, columns, rows) for name, columns, rows in filled if rows))


def _texts(rows: Iterable[Iterable[object]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(str(cell) for cell in row) for row in rows)


def _reasons(rows: Iterable[Mapping[str, str]], words: Speech) -> Iterable[tuple[object, ...]]:
    return ((row["case"], words.say(f"changes.reason.{row['reason']}")) for row in rows)


def _stuck(rows: Iterable[Mapping[str, Any]], words: Speech) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield (
            state_of(words, row["definition"], row["state"]),
            words.say(f"changes.reason.{row['reason']}"),
            row["cases"],
        )


def _steps(rows: Iterable[Mapping[str, Any]], words: Speech) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield _step(row["step"], words), row["cases"]


def _step(name: str, words: Speech) -> str:
    rules = runtime().rules
    tables = [*(d.steps for d in rules.definitions.values()), *(p.steps for p in rules.packs.values())]
    found = next((steps[name] for steps in tables if name in steps), None)
    return words.pick(found.label, name) if found else name


def _timer(definition: str, name: str, words: Speech) -> str:
    found = runtime().rules.definitions[definition].timers.get(name)
    return words.pick(found.label, name) if found else name


def _deadlines(rows: Iterable[Mapping[str, Any]], words: Speech) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield _timer(row["definition"], row["timer"], words), *(row.get(name, 0) for name in DEADLINES)


def _late(rows: Iterable[Mapping[str, str]], words: Speech) -> Iterable[tuple[object, ...]]:
    kinds = {name: d.id for d in runtime().rules.definitions.values() for name in d.timers}
    for row in rows:
        timer = _timer(kinds[row["timer"]], row["timer"], words) if row["timer"] in kinds else row["timer"]
        yield row["case"], timer, words.last_day(row["before"]), words.last_day(row["after"])


def _work(rows: Sequence[Mapping[str, Any]], words: Speech) -> Iterable[tuple[object, ...]]:
    with reading():
        found = areas.with_codes({code for row in rows for code in row["townships"]})
        names = {code: area.name for code, area in found.items()}
    for row in rows:
        places = [f"{short_area(names.get(code, code))} {count:+}" for code, count in row["townships"].items()]
        yield words.roles(row["roles"]), f"{row['more']:+}", words.listed(places)
