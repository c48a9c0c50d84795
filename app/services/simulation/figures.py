"""A simulation in words for one reader: sentences, plots, tables beneath them, and all figures as CSV or JSON."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.labels import Speech, duration, money
from app.places import short_area
from app.runtime import runtime
from app.services.simulation import charts
from app.services.simulation.charts import Chart
from app.services.simulation.wishes import ACTS, LIMIT, LINE, NUMBERS, STAFF, VISITS
from app.store import areas
from app.store.transaction import reading
from workflows.clock import parse_duration

MOST_ROWS = 15
SAID = ("include", "refused", "waiting")
BOM = "\ufeff"
Row = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One plot with its table; ``id`` names its words (``simulate.part``), ``shares`` that bars are in per cent."""

    id: str
    columns: Row
    rows: tuple[Row, ...]
    chart: Chart | None = None
    compares: bool = True


@dataclass(frozen=True)
class Told:
    """What a reader gets: what was asked, the sentences, the parts."""

    asked: tuple[tuple[str, str], ...]
    summary: tuple[str, ...]
    parts: tuple[Part, ...]


class Teller:
    """Tells one result."""

    def __init__(self, words: Speech, inputs: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        self.words, self.inputs, self.found = words, inputs, found
        self.before, self.after = found["before"], found["after"]
        self._names: Mapping[str, str] = {}

    def told(self) -> Told:
        """Return everything."""
        codes = {row["place"] for row in self.found["households"]["townships"]}
        codes |= {row["place"] for side in (self.before, self.after) for row in side["queues"]}
        with reading():
            self._names = {code: short_area(area.name) for code, area in areas.with_codes(codes).items()}
        parts = (
            self.near(), self.townships(),
            self.by_month("acts_by_month", "acts"), self.roles("acts_by_month", "signed"),
            self.by_month("visits_by_month", "visits"), self.roles("visits_by_month", "visited"), self.waiting(),
            self.queues(), self.broken(), self.timers(), self.used(), self.staff(),
        )  # fmt: skip
        return Told(self.asked(), self.summary(), tuple(part for part in parts if part.rows))

    def say(self, key: str, **params: object) -> str:
        """Return a word of simulations."""
        return self.words.say(f"simulate.{key}", **params)

    # --- what was asked ---
    def asked(self) -> tuple[tuple[str, str], ...]:
        """Return the inputs as pairs of words: first what was moved, then what was assumed."""
        inputs, houses = self.inputs, self.found["households"]
        rows = []
        if inputs[LINE]:
            line = {"before": money(houses["line"]), "after": money(houses["line_after"])}
            rows.append((self.say("line"), self.say("moved_line", **line)))
        rows += [(timer_name(self.words, name), said(self.words, table)) for name, table in inputs[LIMIT].items()]
        for part in (STAFF, ACTS, VISITS):
            rows += [(self.say(f"of_role_{part}", role=self.role(key)), str(n)) for key, n in inputs[part].items()]
        moved = rows or [(self.say("moved"), self.say("nothing_moved"))]
        return (*moved, *((self.say(f"number.{name}"), str(inputs[name])) for name in NUMBERS))

    def role(self, key: str) -> str:
        """Return a role, with its township where only that one was meant."""
        role, _, place = key.partition("@")
        return self.words.role(role) + (self.words.aside(place) if place else "")

    def summary(self) -> tuple[str, ...]:
        """Return the result in sentences."""
        houses, before, after = self.found["households"], self.before, self.after
        span = {"start": self.day(self.found["from"]), "end": self.day(self.found["to"])}
        line = {"line": money(houses["line"]), "after": money(houses["line_after"])}
        came = {"inside": houses["newly_inside"], "people": houses["people_inside"], "outside": houses["newly_outside"]}
        ends = {f"{name}_{k}": side["cases"][k] for name, side in (("before", before), ("after", after)) for k in SAID}
        lines = [
            self.say("sum_span", **span, days=self.found["working_days"]),
            self.say("sum_line", **line, **_counts(came)),
            *(self.say(f"sum_{name}", **_counts({"before": _sum(before[key]), "after": _sum(after[key])}))
              for name, key in (("acts", "acts_by_month"), ("visits", "visits_by_month"), ("broken", "broken"))),
            self.say("sum_cases", **_counts(ends)),
        ]  # fmt: skip
        if houses["unknown"]:
            lines.append(self.say("sum_unknown", **_counts({"unknown": houses["unknown"], "total": houses["total"]})))
        if after["cases"]["aside"]:
            lines.append(self.say("sum_aside", aside=after["cases"]["aside"]))
        if self.found["provisional"]:
            lines.append(self.say("sum_provisional"))
        return tuple(lines)

    # --- parts ---
    def near(self) -> Part:
        """Households by how far they are from the line."""
        found = self.found["households"]["near"]
        names = [self.say("band", low=row["from"], high=row["to"]) for row in found]
        rows = _texts((n, r["households"], r["inside"], r["outside"]) for n, r in zip(names, found, strict=True))
        shown = [str(row["from"]) for row in found]
        chart = charts.columns(
            shown, [r["households"] for r in found], [r["inside"] for r in found], mark=[len(found) // 2]
        )
        return Part("near", self.columns("band", "not_in", "newly_in", "newly_out"), rows, chart, compares=False)

    def townships(self) -> Part:
        """Who would newly be inside or outside, by township."""
        found = self.found["households"]["townships"]
        rows = _texts((self.place(r["place"]), r["inside"], r["people"], r["outside"]) for r in found)
        top = found[:MOST_ROWS]
        chart = charts.rows([self.place(r["place"]) for r in top], [r["inside"] for r in top],
                            shown=[str(r["inside"]) for r in top]) if top else None  # fmt: skip
        columns = self.columns("township", "newly_in", "people", "newly_out")
        return Part("townships", columns, rows, chart, compares=False)

    def by_month(self, key: str, name: str) -> Part:
        """All acts or visits by month, before and after."""
        sides = [_totals(side[key], self.found["months"]) for side in (self.before, self.after)]
        rows = _texts(zip(self.months, *sides, strict=True))
        return Part(name, self.columns("month", "before", "after"), rows, charts.columns(self.short_months, *sides))

    def roles(self, key: str, name: str) -> Part:
        """Acts or visits of the whole run by role."""
        rows = [(role, *(sum(side[key].get(role, [])) for side in (self.before, self.after)))
                for role in sorted({*self.before[key], *self.after[key]})]  # fmt: skip
        rows.sort(key=lambda row: -row[2])
        return Part(
            name, self.columns("role", "before", "after"), _texts((self.words.role(r), b, a) for r, b, a in rows)
        )

    def waiting(self) -> Part:
        """What waits in all queues, week by week."""
        weeks, sides = self.before["weeks"], [[w["waiting"] for w in s["weeks"]] for s in (self.before, self.after)]
        rows = _texts(zip((self.day(w["on"]) for w in weeks), *sides, strict=True))
        months = [w["on"][:7] for w in weeks]
        names = [str(int(m[5:])) if not n or m != months[n - 1] else "" for n, m in enumerate(months)]
        return Part("waiting", self.columns("day", "before", "after"), rows[::4], charts.lines(names, *sides))

    def queues(self) -> Part:
        """The longest queues."""
        known = {(r["place"], *r["roles"]): r["longest"] for r in self.before["queues"]}
        rows = _texts(
            (self.place(r["place"]), self.words.roles(r["roles"]), known.get((r["place"], *r["roles"]), "—"),
             r["longest"], self.day(r["on"]), r["left"])
            for r in self.after["queues"]
        )  # fmt: skip
        return Part("queues", self.columns("place", "role", "longest_before", "longest", "longest_on", "left"), rows)

    def broken(self) -> Part:
        """Broken limits by month."""
        part = self.by_month("broken", "broken")
        return part if _sum(self.before["broken"]) + _sum(self.after["broken"]) else Part("broken", (), ())

    def timers(self) -> Part:
        """Broken limits by timer."""
        names = sorted({*self.before["broken"], *self.after["broken"]})
        rows = [(n, *(sum(side["broken"].get(n, [])) for side in (self.before, self.after))) for n in names]
        rows.sort(key=lambda row: -max(row[1:]))
        texts = _texts((timer_name(self.words, n), b, a) for n, b, a in rows)
        return Part("timers", self.columns("timer", "before", "after"), texts)

    def used(self) -> Part:
        """How much of the people's time is used."""
        names = sorted({*self.before["used"], *self.after["used"]}, key=lambda n: -self.after["used"].get(n, 0))
        names = [n for n in names if self.before["used"].get(n) or self.after["used"].get(n)]
        sides = [[side["used"].get(n, 0.0) for n in names] for side in (self.before, self.after)]
        rows = _texts((self.use(n), f"{b} %", f"{a} %") for n, b, a in zip(names, *sides, strict=True))
        chart = charts.rows([self.use(n) for n in names], *sides, shown=[f"{a:.0f} %" for a in sides[1]], most=100)
        return Part("used", self.columns("role", "before", "after"), rows, chart if names else None)

    def staff(self) -> Part:
        """Who was counted with."""
        rows = _texts((self.words.role(r["role"]), r["before"], r["after"], r["assumed"]) for r in self.found["staff"])
        return Part("staff", self.columns("role", "before", "after", "assumed"), rows)

    # --- words ---
    def columns(self, *names: str) -> Row:
        """Return the heads of a table."""
        return tuple(self.say(f"column.{name}") for name in names)

    def use(self, name: str) -> str:
        """Return a role, and that its visits are meant."""
        role, _, visits = name.partition(" ")
        return self.say("visits_of", role=self.words.role(role)) if visits else self.words.role(role)

    def place(self, code: str) -> str:
        """Return the name of a place, or its code where it has none."""
        return self._names.get(code, code)

    def day(self, text: str) -> str:
        """Return a day for people."""
        return self.words.date(date.fromisoformat(text))

    @property
    def months(self) -> list[str]:
        """The months in words."""
        return [self.say("month", year=m[:4], month=int(m[5:])) for m in self.found["months"]]

    @property
    def short_months(self) -> list[str]:
        """The numbers of the months, for the foot of a plot."""
        return [str(int(m[5:])) for m in self.found["months"]]


def timer_name(words: Speech, name: str) -> str:
    """Return the label of ``definition.timer``."""
    definition, _, timer = name.partition(".")
    found = runtime().rules.definitions[definition].timers.get(timer)
    return words.pick(found.label, name) if found else name


def said(words: Speech, table: Mapping[str, Any]) -> str:
    """Return a limit's length in words, without most or least."""
    length = parse_duration(table)
    if table["unit"] == "recurring":
        return words.say("simulate.times", every=words.say(f"every.{table['every']}"), times=table.get("times", 1))
    return duration(words, length, "max").removeprefix(words.say("bound.max")).strip()


def _counts(counts: Mapping[str, int]) -> dict[str, str]:
    return {name: f"{count:,}" for name, count in counts.items()}


def _sum(table: Mapping[str, Sequence[int]]) -> int:
    return sum(map(sum, table.values()))


def _totals(table: Mapping[str, Sequence[int]], months: Sequence[str]) -> list[int]:
    return [sum(row[n] for row in table.values()) for n in range(len(months))]


def _texts(rows: Iterable[Iterable[object]]) -> tuple[Row, ...]:
    return tuple(tuple(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) for row in rows)


# --- files ---
def as_json(words: Speech, number: int, inputs: Mapping[str, Any], found: Mapping[str, Any]) -> bytes:
    """Return all figures with what was asked, marked as no decision."""
    whole = {"run": number, "notice": words.say("simulate.no_decision"), "inputs": inputs, "result": found}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def as_csv(words: Speech, told: Told) -> bytes:
    """Return all tables one below the other, for a spreadsheet."""
    out = io.StringIO()
    out.write(BOM)
    lines = csv.writer(out)
    lines.writerow([words.say("simulate.no_decision")])
    lines.writerows([text] for text in told.summary)
    lines.writerow([])
    lines.writerows(told.asked)
    for part in told.parts:
        lines.writerows([[], [words.say(f"simulate.part.{part.id}")], part.columns])
        lines.writerows([cell.replace(",", "") for cell in row] for row in part.rows)
    return out.getvalue().encode()
