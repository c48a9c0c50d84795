"""The keeping of duties: each period is made when it begins, and people are reminded of what is still open."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from app.services import duty_reminders
from app.services.cases import loaded_rules
from app.services.isolated import alone, never, step_aside
from app.store import areas, duty_acts
from app.store import duties as store
from app.store.duties import Making
from app.store.transaction import reading, writing
from workflows.clock import local_date, local_midnight, utc_text
from workflows.duties import Duty
from workflows.duty_periods import spans_begun
from workflows.policy import Pack
from workflows.registry import Rules

BATCH = 200
ONE_DAY = timedelta(days=1)
RETRY = timedelta(hours=1)
OWNER, COUNTY = "owner", ("county_lead",)


def make_due(*, stop: Callable[[], bool] = never) -> Counter[str]:
    """Make the periods that have begun since the last time, in every county; return how many.

    After an outage those that were missed are made with their true due days. Any number may run at once: the key of a
    period makes it one. A county whose day is done costs one reading.
    """
    tally: Counter[str] = Counter()
    with alone("duties") as is_mine:
        with reading():
            codes = [area.code[:6] for area in areas.counties()] if is_mine else []
        for county in codes:
            if stop():
                break
            tally += make_county(county, stop=stop)
    return tally


def make_county(county: str, *, stop: Callable[[], bool] = never) -> Counter[str]:
    """Make the periods of one county that have begun since the last time; return how many were made and dropped."""
    with reading() as now:
        run = store.run_of(county)
        through = date.fromisoformat(run.through) if run else None
    today = local_date(now)
    if through is None:
        # Whoever begins to keep duties knows nothing of what was done before: the first full periods are the first.
        through = today if local_midnight(today) < now else today - ONE_DAY
        with writing() as now:
            store.begin_run(county, now, through.isoformat())
    if through >= today:
        return Counter()
    tally: Counter[str] = Counter()
    for batch in _batches(loaded_rules(), county, through, today):
        if stop():
            return tally
        tally["made"] += _make(county, batch)
        step_aside()
    with writing() as now:
        moved = duty_acts.moved_since(county, utc_text(local_midnight(through + ONE_DAY)))
        tally["dropped"] += duty_acts.drop_left(loaded_rules(), county, moved, now) if moved else 0
        store.note_run(county, today.isoformat())
    return +tally


@dataclass(frozen=True)
class Batch:
    """Periods that begin at one moment for the subjects of one kind, to be made by one statement.

    ``codes``: the areas themselves, or for households their township and the villages (none: all of it).
    """

    pack: Pack
    level: str
    codes: Sequence[str]
    township: str
    makings: Sequence[Making]


def _make(county: str, batch: Batch) -> int:
    with writing():
        store.keep_pack(batch.pack)
        if batch.level == "household":
            return store.make_for_households(county, batch.township, batch.codes, batch.makings)
        return store.make_for_areas(county, batch.level, batch.codes, batch.makings)


def _batches(rules: Rules, county: str, after: date, upto: date) -> Iterator[Batch]:
    """Yield what began after a day and up to another one, oldest first, by the pack in force there and then."""
    with reading():
        places = store.places(county)
    for first, last in _stretches(rules, after, upto):
        for level in ("county", "township", "village"):
            codes = [code for code, known in places if known == level]
            for pack, inside in _by_pack(rules, codes, first):
                yield from _of_level(pack, level, inside, first - ONE_DAY, last)


def _of_level(pack: Pack, level: str, codes: Sequence[str], after: date, upto: date) -> Iterator[Batch]:
    county = codes[0][:6]
    for makings in _makings(pack, level, county, after, upto):
        yield Batch(pack, level, codes, "", makings)
    if level == "village":
        for makings in _makings(pack, "household", county, after, upto):
            for township, villages in groupby(codes, key=lambda code: f"{code[:9]}000"):
                yield Batch(pack, "household", list(villages), township, makings)


def _makings(pack: Pack, subject: str, county: str, after: date, upto: date) -> Iterator[list[Making]]:
    """Yield the periods that began, those of one moment together."""
    calendar = loaded_rules().calendar_for(county)
    rows: list[Duty] = [row for row in pack.duties if row.subject == subject]
    begun = [(row, span) for row in rows for span in spans_begun(row, after, upto, calendar=calendar)]
    spans = [(row, span) for row, span in begun if pack.duty(row.id, span.first_day) is row]
    spans.sort(key=lambda pair: (pair[1].begins, pair[0].id))
    for _, group in groupby(spans, key=lambda pair: pair[1].begins):
        yield [Making(county, row, pack, span) for row, span in group]


def _stretches(rules: Rules, after: date, upto: date) -> Iterator[tuple[date, date]]:
    """Yield the stretches of days, both included, within which no pack takes the place of another."""
    turns = {pack.effective for pack in rules.packs.values() if after + ONE_DAY < pack.effective <= upto}
    firsts = [after + ONE_DAY, *sorted(turns)]
    yield from zip(firsts, [*(day - ONE_DAY for day in firsts[1:]), upto], strict=True)


def _by_pack(rules: Rules, codes: Sequence[str], on: date) -> list[tuple[Pack, list[str]]]:
    """Return the packs in force in some areas on a day, each with its areas; where there is none nothing is owed."""
    found: dict[str, tuple[Pack, list[str]]] = {}
    for code in codes:
        pack = rules.pack_at(code, on)
        if pack is not None:
            found.setdefault(pack.digest, (pack, []))[1].append(code)
    return list(found.values())


def work(stop: Callable[[], bool]) -> Mapping[str, int]:
    """Make what has begun, then remind of what is open: one job of the scheduler."""
    return make_due(stop=stop) + duty_reminders.remind(stop=stop)
