"""A simulation of a county: the present rules and the changed ones, with the same households, days and draws."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from app.services.simulation import engine
from app.services.simulation.office import Change, Duty, Item, Office, Outcome, Release, Route, Team, Work
from app.services.simulation.people import GATES, HELP, STATUS, County, House, Running, read_county
from app.services.simulation.plan import at_one_level, gates_route, help_route, is_county
from app.services.simulation.wishes import ACTS, ROLES, VISITS, Inputs, changed, pace_of, people_of, unchanged
from workflows.calendars import Calendar
from workflows.clock import Recurring, local_date, local_midnight, next_period, parse_utc
from workflows.limits import Facts, Limit
from workflows.machine import compile_machine
from workflows.model import Clock
from workflows.periods import limit_due
from workflows.policy import Pack
from workflows.registry import Rules

NEAR = tuple(range(-30, 31, 5))  # per cent of the present line
HELD = "objection_hold"
ELIMINATED = ("eliminated_observing",)
ENDS = ("include", "eliminate", "assist", "refused")
MOST_QUEUES = 12
ONE_DAY = timedelta(days=1)


def simulate(county: str, rules: Rules, inputs: Inputs) -> dict[str, Any]:
    """Return what would follow in a county, beside what follows under the present rules. Nothing is written."""
    found = read_county(county, tuple(ROLES), date.fromisoformat(inputs["on"]))
    return compared(county, rules, inputs, found)


def compared(county: str, rules: Rules, inputs: Inputs, found: County) -> dict[str, Any]:
    """The same over a county that was read already."""
    on = date.fromisoformat(inputs["on"])
    pack = rules.pack_for(f"{county}000000", on)
    draws = drawn(found, inputs["seed"])
    before = World(county, rules, pack, unchanged(inputs), found, draws)
    after = World(county, rules, changed(pack, inputs, on), inputs, found, draws, present=pack)
    return {
        "pack": {"id": pack.id, "digest": pack.digest, "digest_after": after.pack.digest},
        "from": on.isoformat(),
        "to": (before.until - ONE_DAY).isoformat(),
        "working_days": len(before.working),
        "provisional": not rules.calendar_for(county).is_covered(before.until - ONE_DAY),
        "months": before.months,
        "households": _households(before, after),
        "staff": after.staff(),
        "before": before.figures(),
        "after": after.figures(),
    }


def drawn(found: County, seed: int) -> list[tuple[float, ...]]:
    """Five draws for each household, whatever is tried out, so that two runs differ by the rules alone."""
    chance = random.Random(seed)  # noqa: S311 - a simulation must be repeatable, not secret
    return [tuple(chance.random() for _ in range(5)) for _ in found.houses]


@dataclass
class World:
    """A county under one pack and one staffing; ``present`` is the pack in force when ``pack`` is a changed one."""

    county: str
    rules: Rules
    pack: Pack
    inputs: Inputs
    found: County
    draws: Sequence[tuple[float, ...]]
    present: Pack | None = None

    def __post_init__(self) -> None:
        """Routes are made once; days are counted from the day of the run."""
        self.on = date.fromisoformat(self.inputs["on"])
        self.until = _months_later(self.on, self.inputs["months"])
        definitions = self.rules.definitions
        gates = {p: compile_machine(definitions[GATES], self.pack, p) for p in definitions[GATES].purposes}
        helping = compile_machine(definitions[HELP], self.pack, next(iter(definitions[HELP].purposes)))
        self.routes: dict[str, Route] = {purpose: gates_route(machine) for purpose, machine in gates.items()}
        self.help = help_route(helping)
        self.visit_timers = {t.id: t for t in helping.timers if t.fulfilled_by}
        self._limits: dict[tuple[str, int, Facts], Limit | None] = {}
        self._ends: dict[tuple[int, Limit], int] = {}
        self._aside = 0

    @property
    def calendar(self) -> Calendar:
        """The official working days."""
        return self.rules.calendar_for(self.county)

    @cached_property
    def working(self) -> list[int]:
        """The working days of the run."""
        days = (self.on + timedelta(days=n) for n in range((self.until - self.on).days))
        return [day.toordinal() for day in days if self.calendar.is_working_day(day)]

    @cached_property
    def months(self) -> list[str]:
        """The months of the run, the first and last of which may be parts."""
        days = (self.on + timedelta(days=n) for n in range((self.until - self.on).days))
        return list(dict.fromkeys(day.isoformat()[:7] for day in days))

    # --- the range ---
    @cached_property
    def line(self) -> int:
        """The income line of the day, in fen."""
        return int(self.pack.parameter("income_line", self.on).value)

    def is_inside(self, house: House) -> bool:
        """Tell whether a household's known income lies inside the range."""
        included = self.pack.flag("income_line_included", self.on, default=True)
        return house.income is not None and (house.income < self.line or (included and house.income == self.line))

    @cached_property
    def _before(self) -> "World | None":
        return replace(self, pack=self.present, present=None) if self.present else None

    def is_newly_inside(self, house: House) -> bool:
        """Tell whether the changed line alone brings a household inside."""
        before = self._before
        if before is None or not house.can_come_in:
            return False
        return self.is_inside(house) and not before.is_inside(house)

    # --- periods ---
    def limit(self, name: str, day: int, facts: Facts) -> Limit | None:
        """The limit of ``definition.timer`` for a household on a day."""
        key = (name, day, facts)
        if key not in self._limits:
            self._limits[key] = self.pack.limit(name, date.fromordinal(day), facts)
        return self._limits[key]

    def ends(self, timer: str, item: Item, day: int) -> int | None:
        """The last day of a period that begins on a day."""
        facts = Facts(purpose=item.route.purpose, kind=item.kind, status=item.status)
        limit = self.limit(f"{item.route.kind}.{timer}", day, facts)
        if limit is None or isinstance(limit.duration, Recurring):
            return None
        key = (day, limit)
        if key not in self._ends:
            noon = local_midnight(date.fromordinal(day)) + timedelta(hours=12)
            self._ends[key] = self._last_day(limit, noon)
        return self._ends[key]

    def _last_day(self, limit: Limit, start: datetime) -> int:
        end = limit_due(self.pack, limit, start, calendar=self.calendar, on=local_date(start))
        return end.last_day.toordinal()

    def periods(self, every: str) -> list[tuple[int, int]]:
        """The periods of a duty that begin inside the run, as first and last days."""
        found: list[tuple[int, int]] = []
        moment = local_midnight(self.on)
        while True:
            begin, end = next_period(Recurring(every), moment)  # type: ignore[arg-type]
            if local_date(begin) >= self.until:
                return found
            found.append((local_date(begin).toordinal(), local_date(end).toordinal() - 1))
            moment = begin

    def duty(self, house: House, status: str, state: str) -> Duty | None:
        """The visits that a household is owed while its help stands in a state."""
        for name, timer in self.visit_timers.items():
            limit = self.limit(f"{HELP}.{name}", self.on.toordinal(), Facts("assist", house.kind, status))
            if state in timer.runs_in and limit and isinstance(limit.duration, Recurring):
                roles = limit.roles or tuple(self.pack.parameter("visit_roles", self.on).value)
                known = at_one_level([role for role in roles if role in ROLES])
                return Duty(house.township, f"{HELP}.{name}", limit.duration.every, limit.duration.times, known)
        return None

    # --- work ---
    def work(self) -> Work:
        """All cases and visits, those that run and those that come."""
        items: list[Item] = []
        changes: list[Change] = []
        duties: Counter[Duty] = Counter()
        calls: Counter[tuple[Duty, int, int]] = Counter()
        self._aside = 0
        for index, (house, draw) in enumerate(zip(self.found.houses, self.draws, strict=True)):
            items += self._cases(index, house, draw)
            duty = self.duty(house, house.status, house.help.state) if house.help else None
            if house.help and duty:
                duties[duty] += 1
                self._call(house.help, duty, calls)
                changes += self._watched(house, duty)
        releases = [Release(duty, day, last, count * duty.times) for (duty, day, last), count in calls.items()]
        return Work(items, duties, releases, changes)

    def _cases(self, index: int, house: House, draw: tuple[float, ...]) -> Iterator[Item]:
        applies, day, refused, returned, uptake = draw
        fate = Fate(refused < self._share("refused"), returned < self._share("returned"))
        if house.gates:
            yield from self._standing(self.routes[house.gates.purpose], house.gates, index, fate)
        if house.help:
            yield from self._standing(self.help, house.help, index, Fate())
        begins = self.working[int(day * len(self.working))]
        comes = house.can_come_in and (
            applies < self._share("apply") or (self.is_newly_inside(house) and uptake < self._share("uptake"))
        )
        leaves = house.status == "active" and house.gates is None and applies < self._share("leave")
        if comes or leaves:
            purpose, status = ("include", "candidate") if comes else ("eliminate", house.status)
            yield Item((begins, index), house.township, self.routes[purpose], arrives=begins, household=index,
                       kind=house.kind, status=status, refused=fate.refused, returned=fate.returned)  # fmt: skip

    def _share(self, name: str) -> float:
        return float(self.inputs[name]) / 100

    def _standing(self, route: Route, case: Running, index: int, fate: "Fate") -> Iterator[Item]:
        """A case that runs already, where it stands, with the periods that it has."""
        house = self.found.houses[index]
        at = _place(route, case.state)
        if at is None or (route is self.help and at == len(route.stops) - 1 and "first_measure" not in case.clocks):
            self._aside += at is None and route is not self.help
            return
        waits = route.stops[at].waits
        last = {
            kind: local_date(parse_utc(clock.due)).toordinal() - 1
            for kind, clock in case.clocks.items()
            if (clock.bound == "max" and kind not in self.visit_timers) or kind == waits
        }
        yield Item((case.opened.toordinal(), index), house.township, route, at=at, arrives=self.on.toordinal(),
                   household=index, kind=house.kind, status=house.status, due=last, done=case.done,
                   is_running=True, refused=fate.refused, returned=fate.returned)  # fmt: skip

    def _call(self, case: Running, duty: Duty, calls: Counter[tuple[Duty, int, int]]) -> None:
        """The visit of the period that runs now, where it has not been made yet."""
        clock = case.clocks.get(duty.timer.partition(".")[2])
        start, today = self.on.toordinal(), self.on.toordinal()
        if clock and local_date(parse_utc(clock.start)).toordinal() <= start <= _last(clock):
            calls[duty, today, _last(clock)] += 1

    def _watched(self, house: House, duty: Duty) -> Iterator[Change]:
        """When the watch after elimination ends, visits become fewer."""
        if house.watch is None or house.status not in ELIMINATED:
            return
        after = self.duty(house, "eliminated_stable", "stable")
        if after:
            yield Change(max(_last(house.watch) + 1, self.on.toordinal()), duty, after)

    # --- what decisions do ---
    def included(self, item: Item) -> tuple[Item | None, Duty | None]:
        """Help begins for a household that was included, unless it has begun already."""
        house = self.found.houses[item.household]
        if house.help and house.help.state not in ("watching", "stable"):
            return None, None
        kind, household, place = item.kind, item.household, item.place
        begun = Item(item.rank, place, self.help, household=household, kind=kind, status="active")
        return begun, None if house.help else self.duty(house, "active", "assigning")

    def stable(self, item: Item, day: int) -> Change | None:
        """After elimination the household is watched, then visited less often."""
        house = self.found.houses[item.household]
        limit = self.limit(f"{STATUS}.observe", day, Facts("life", item.kind, "eliminated_observing"))
        before = self.duty(house, house.status, house.help.state) if house.help else None
        after = self.duty(house, "eliminated_stable", "stable")
        if limit is None or before is None or after is None:
            return None
        noon = local_midnight(date.fromordinal(day)) + timedelta(hours=12)
        last = self._last_day(limit, noon)
        return Change(last + 1, before, after)

    # --- people ---
    def teams(self) -> list[Team]:
        """Everybody in office, with what they manage on a working day."""
        found = []
        for office in self.found.offices:
            people = people_of(self.inputs, office.role, office.place, office.people)
            acts, visits = (people * pace_of(self.inputs, part, office.role) for part in (ACTS, VISITS))
            found.append(Team(office.role, office.place, acts, visits))
        return found

    def staff(self) -> list[dict[str, Any]]:
        """People by role: as they are, as asked for, and how many of those present are our own guess."""
        rows: dict[str, Counter[str]] = {role: Counter() for role in ROLES}
        for office in self.found.offices:
            row = rows[office.role]
            row["before"] += office.people
            row["after"] += people_of(self.inputs, office.role, office.place, office.people)
            row["assumed"] += office.people if office.is_assumed else 0
        keys = ("before", "after", "assumed")
        return [{"role": role, **{key: row[key] for key in keys}} for role, row in rows.items()]

    # --- the run ---
    def outcome(self) -> Outcome:
        """Run it."""
        places = sorted({house.township for house in self.found.houses})
        office = Office(
            start=self.on.toordinal(), end=self.until.toordinal(), working=self.working, teams=self.teams(),
            ends=self.ends, periods=self.periods, included=self.included, stable=self.stable,
            shared={role: f"{self.county}000000" for role in ROLES if is_county(role)} if places else {},
        )  # fmt: skip
        return engine.run(office, self.work())

    def figures(self) -> dict[str, Any]:
        """The run's figures as they are kept."""
        found = self.outcome()
        start = self.on.toordinal()
        queues = sorted(found.longest.items(), key=lambda x: (-x[1][0], x[0]))[:MOST_QUEUES]
        return {
            "cases": {
                "arrived": found.arrived, **{k: found.finished[k] for k in ENDS},
                "waiting": found.waiting, "aside": self._aside, "late_before": found.late_before,
            },
            "visits": {"asked": found.visits_asked, "made": found.visits_made, "left": found.visits_left},
            "acts_by_month": _monthly(found.acts, self.months),
            "visits_by_month": _monthly(found.visits, self.months),
            "broken": _monthly(found.broken, self.months),
            "queues": [
                {"place": place, "roles": list(roles), "longest": longest,
                 "on": date.fromordinal(day).isoformat(), "left": found.left.get((place, roles), 0)}
                for (place, roles), (longest, day) in queues
            ],
            "weeks": [{"on": date.fromordinal(start + 7 * n).isoformat(), "waiting": w}
                      for n, w in enumerate(found.weeks)],
            "used": {n: round(100 * found.used[n] / room, 1) for n, room in sorted(found.room.items()) if room},
        }  # fmt: skip


@dataclass(frozen=True)
class Fate:
    """What was drawn for a case: whether its review fails, and whether its audit sends it back once."""

    refused: bool = False
    returned: bool = False


def _place(route: Route, state: str) -> int | None:
    """Where a running case stands on its route; one that is held stands at the notice."""
    waits = next((n for n, stop in enumerate(route.stops) if stop.waits), None)
    if state == HELD:
        return waits
    return next((n for n, stop in enumerate(route.stops) if stop.state == state), None)


def _last(clock: Clock) -> int:
    return local_date(parse_utc(clock.due)).toordinal() - 1


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, 28))


def _monthly(counted: Mapping[str, Counter[str]], months: Sequence[str]) -> dict[str, list[int]]:
    return {name: [by_month[month] for month in months] for name, by_month in sorted(counted.items())}


# --- who is inside ---
def _households(before: World, after: World) -> dict[str, Any]:
    houses = before.found.houses
    came = [h for h in houses if after.is_newly_inside(h)]
    went = [h for h in houses if h.is_monitored and before.is_inside(h) and not after.is_inside(h)]
    outside = [h for h in houses if h.can_come_in and h.income is not None]
    return {
        "total": len(houses),
        "monitored": sum(h.is_monitored for h in houses),
        "unknown": sum(h.income is None for h in houses),
        "line": before.line,
        "line_after": after.line,
        "inside": sum(map(before.is_inside, outside)),
        "inside_after": sum(map(after.is_inside, outside)),
        "newly_inside": len(came),
        "newly_outside": len(went),
        "people_inside": sum(h.members for h in came),
        "townships": _by_township(came, went),
        "near": _near(outside, came, went, before.line),
    }


def _by_township(came: Sequence[House], went: Sequence[House]) -> list[dict[str, Any]]:
    inside, outside = (Counter(h.township for h in houses) for houses in (came, went))
    people: Counter[str] = Counter()
    for house in came:
        people[house.township] += house.members
    order = sorted({*inside, *outside}, key=lambda code: (-inside[code], -outside[code], code))
    return [{"place": c, "inside": inside[c], "people": people[c], "outside": outside[c]} for c in order]


def _near(outside: Sequence[House], came: Sequence[House], went: Sequence[House], line: int) -> list[dict[str, Any]]:
    """Households that are not monitored, by how far their income lies from the present line, in per cent of it."""
    counts = [Counter(_band(h, line) for h in houses) for houses in (outside, came, went)]
    return [
        {"from": low, "to": low + 5, "households": counts[0][low], "inside": counts[1][low], "outside": counts[2][low]}
        for low in NEAR[:-1]
    ]


def _band(house: House, line: int) -> int:
    percent = 100 * ((house.income or 0) - line) / line if line else 0
    return int(percent // 5 * 5)
