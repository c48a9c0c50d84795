"""An explanation in words, the same on pages, on paper and on the command line; its words stand in terms.toml."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from workflows.clock import CHINA, Duration, Hours, Recurring, Window, parse_duration_text, parse_utc
from workflows.explain import DayStep, Explanation, Link, Stretch
from workflows.policy import Pack

Say = Callable[..., str]


@dataclass(frozen=True)
class Run:
    """Days one after the other that are alike: from, to, what they are, and which numbers they have in the count."""

    first: date
    last: date
    what: str
    counts: str
    counted: bool
    moved: bool


@dataclass(frozen=True)
class Words:
    """Where the words come from for one reader: ``say`` a key, ``pick`` a label's language, ``day`` and ``time``."""

    say: Say
    lang: str
    cite: Callable[[str], str]

    def day(self, day: date) -> str:
        """A day without its year, with the day of the week."""
        weekday = self.say(f"explain.weekday_{day.isoweekday()}")
        return self.say("explain.day", month=day.month, day=day.day, weekday=weekday)

    def days(self, first: date, last: date) -> str:
        """A day, or from one to another."""
        return (
            self.day(first) if first == last else self.say("explain.days", first=self.day(first), last=self.day(last))
        )

    def moment(self, text: str) -> str:
        """A local day and minute."""
        return f"{parse_utc(text).astimezone(CHINA):%Y-%m-%d %H:%M}"


def length_text(duration: Duration, bound: str, say: Say) -> str:
    """A duration in words: at most 10 working days."""
    match duration:
        case Recurring(every, times, by_day):
            text = say(f"every.{every}")
            text = say("explain.times", every=text, times=times) if times > 1 else text
            return say("explain.by_day", every=text, day=by_day) if by_day else text
        case Window((month, day), (last_month, last_day)):
            return say("explain.window", first=f"{month}-{day}", last=f"{last_month}-{last_day}")
    unit = {"Hours": "hours", "CalendarDays": "calendar_days", "WorkingDays": "working_days", "Months": "months"}
    named = say(f"explain.unit_{unit[type(duration).__name__]}")
    return say(f"explain.{bound}", amount=duration.amount, unit=named)


def rule_lines(told: Explanation, pack: Pack | None, on: date, words: Words) -> list[str]:
    """How this period is counted, each sentence with the clause of its rule."""
    say, duration = words.say, parse_duration_text(told.clock.limit)
    if isinstance(duration, Hours):
        return [say("explain.rule_hours")]
    if isinstance(duration, Window):
        return [say("explain.rule_window")]
    if isinstance(duration, Recurring) and not duration.by_day:
        return [say("explain.rule_period")]
    start = "start_counts" if told.starts_counted else "start_out"
    lines = [_with_clause(say(f"explain.{start}"), pack, "count_start_day", on, words)]
    if told.clock.bound == "min":
        return [*lines, say("explain.minimum")]
    unit = type(duration).__name__
    if unit != "WorkingDays":
        last = "last_moves" if told.last_moves else "last_stays"
        lines.append(_with_clause(say(f"explain.{last}"), pack, "last_day_on_rest", on, words))
    return [*lines, say("explain.end_of_day")]


def _with_clause(text: str, pack: Pack | None, name: str, on: date, words: Words) -> str:
    given = pack.given(name, on) if pack else None
    if given is None:
        return text
    ground = words.cite(given.clause) if given.clause else words.say("explain.own")
    return words.say("explain.under", text=text, clause=ground)


def what_of(step: DayStep, words: Words) -> str:
    """What a day is: its festival, and whether it is worked."""
    why = words.say(f"explain.{step.why}")
    if step.name is None or step.why in ("start_day", "paused"):
        return why
    return words.say("explain.named", name=step.name[words.lang], why=why)


def runs(link: Link, words: Words, before: int = 0) -> list[Run]:
    """The days of a link in stretches that are alike; the count goes on after ``before`` days."""
    found, number = [], before
    for (_, counted, moved), group in groupby(link.steps, lambda s: (what_of(s, words), s.counted, s.moved)):
        days = list(group)
        first = number + 1
        number += len(days) if counted else 0
        last = link.end is not None and days[-1].date == link.end.last_day
        text = _count_text(first, number, moved=moved, is_last=last, counted=counted, words=words)
        found.append(Run(days[0].date, days[-1].date, what_of(days[0], words), text, counted, moved))
    return found


def _count_text(first: int, last: int, *, moved: bool, is_last: bool, counted: bool, words: Words) -> str:
    if moved:
        return words.say("explain.moved_to" if is_last else "explain.moved_over")
    if not counted:
        return words.say("explain.not_counted")
    key = "explain.counts_one" if first == last else "explain.counts_many"
    return words.say(key, first=first, last=last)


def run_text(run: Run, words: Words) -> str:
    """A stretch of days in one line: 10-01 to 10-07 National Day, public holiday: not counted."""
    return words.say("explain.run", days=words.days(run.first, run.last), what=run.what, counts=run.counts)


def stretch_texts(stretches: Sequence[Stretch], words: Words) -> list[str]:
    """The stretches of a period in hours, one line each."""
    found = []
    for part in stretches:
        begin, end = (f"{moment.astimezone(CHINA):%m-%d %H:%M}" for moment in (part.begin, part.end))
        hours = (part.end - part.begin) / timedelta(hours=1)
        key = "explain.hours_run" if part.runs else "explain.hours_paused"
        found.append(words.say(key, first=begin, last=end, hours=f"{hours:.1f}".rstrip("0").rstrip(".")))
    return found


def link_title(told: Explanation, place: int, words: Words) -> str:
    """What a link is: the limit, or the extension of that number."""
    link = told.links[place]
    length = length_text(parse_duration_text(link.text), told.clock.bound if place == 0 else "plain", words.say)
    return length if place == 0 else words.say("explain.extension", number=place, length=length)


def end_text(told: Explanation, words: Words) -> str:
    """When it ends, in a sentence: the last day, provisional or not; or since when it is paused."""
    if told.clock.is_paused:
        return words.say("explain.paused_since", since=words.moment(told.clock.pauses[-1][0]))
    end = told.links[-1].end
    if end is None:
        return ""
    is_hours = isinstance(parse_duration_text(told.links[-1].text), Hours)
    text = (
        words.say("explain.ends_at", at=f"{end.at.astimezone(CHINA):%Y-%m-%d %H:%M}")
        if is_hours
        else words.say(f"explain.ends_{told.clock.bound}", day=f"{end.last_day:%Y-%m-%d}")
    )
    return text + (words.say("explain.provisional") if told.clock.provisional else "")


def pause_texts(told: Explanation, ground: Callable[[str], str], words: Words) -> list[str]:
    """Each pause with its document: ``ground`` gives what stands behind the entry of a moment."""
    found = []
    for begin, end in told.clock.pauses:
        until = words.moment(end) if end else words.say("explain.until_now")
        found.append(words.say("explain.pause", first=words.moment(begin), last=until, ground=ground(begin)))
    return found


# --- a calendar strip ---
@dataclass(frozen=True)
class Cell:
    """One day of a week: number of the day, its month where it begins, how it is marked, its count and its reason."""

    day: int
    month: int
    mark: str
    number: int
    why: str


LONG_WEEKS, KEPT_WEEKS = 10, 3


def weeks(link: Link, words: Words, before: int = 0) -> list[list[Cell | None] | None]:
    """The days of a link by weeks from Monday; None for a day outside; of many weeks the middle ones are left out
    where nothing but ordinary days lies, which a None instead of a week says.
    """
    if not link.steps:
        return []
    cells = dict(_cells(link, words, before))
    monday = link.steps[0].date - timedelta(days=link.steps[0].date.weekday())
    count = (link.steps[-1].date - monday).days // 7 + 1
    rows = [[cells.get(monday + timedelta(days=7 * week + day)) for day in range(7)] for week in range(count)]
    if len(rows) <= LONG_WEEKS:
        return list(rows)
    return [*rows[:KEPT_WEEKS], None, *rows[-KEPT_WEEKS:]]


def _cells(link: Link, words: Words, before: int) -> Iterator[tuple[date, Cell]]:
    number = before
    for place, step in enumerate(link.steps):
        number += step.counted
        is_new = place == 0 or step.date.day == 1
        last = link.end is not None and step.date == link.end.last_day
        mark = "last" if last else "paused" if step.why == "paused" else "on" if step.counted else "off"
        why = what_of(step, words)
        month = step.date.month if is_new else 0
        yield step.date, Cell(step.date.day, month, mark, number if step.counted else 0, why)
