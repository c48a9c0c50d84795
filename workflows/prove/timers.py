"""Periods: each has a start, an end and a reader, and none is shorter than the minimum durations that lie inside it."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workflows.calendars import Calendar
from workflows.clock import LAST_MOVES, WorkingDays, local_date, local_midnight
from workflows.definition import Definition, Label, Timer
from workflows.limits import Limit
from workflows.machine import Compiled, is_idle
from workflows.periods import counting_of, limit_due
from workflows.policy import Pack
from workflows.prove.clocks import guarded_timers
from workflows.prove.findings import Finding, both, written
from workflows.prove.model import Model
from workflows.prove.parts import MAX, REACHED, Hop
from workflows.prove.reach import Graph

ENDINGS = ("met", "fired", "late")
YEARS_TRIED = 2


def check_timers(graph: Graph) -> Iterator[Finding]:
    """Each timer of each definition: what starts it, ends it and reads it, in the moves that there really are."""
    chains = [fired for _, hop, _ in graph.edges() for fired in hop.chain]
    started = {(f.definition, timer) for f in chains for timer in f.started}
    ended = {(f.definition, timer) for f in chains for timer, how in f.ended if how in ENDINGS}
    for name in graph.model.names:
        definition = next(c.definition for (d, _), c in graph.model.compiled.items() if d == name)
        for timer in definition.timers.values():
            yield from _unknown(graph, definition, timer)
            if not _is_used(graph, definition, timer):
                continue
            if (name, timer.id) not in started:
                yield _finding("timer_no_start", definition, timer, _why_not_started(graph, definition, timer))
                continue
            if (name, timer.id) not in ended and not timer.fulfilled_by:
                yield _finding("timer_no_end", definition, timer)
            yield from _unread(graph, definition, timer)


def _finding(code: str, definition: Definition, timer: Timer, why: Label | None = None) -> Finding:
    params: dict[str, str | Label] = {
        "timer": timer.label,
        "id": f"{definition.id}.{timer.id}",
        "why": why or both("", ""),
    }
    return Finding(code, definition.id, key=("timer", timer.id), params=params)


def _unknown(graph: Graph, definition: Definition, timer: Timer) -> Iterator[Finding]:
    known = {*definition.actions, *(s.action for s in (*definition.steps.values(), *graph.model.pack.steps.values()))}
    for code, names in (("timer_no_start", timer.starts_on), ("timer_no_end", (*timer.ends_on, *timer.fulfilled_by))):
        for action in names:
            if action not in known:
                why = both(f"操作 {action} 不存在", f"there is no action {action!r}")
                yield _finding(code, definition, timer, why)
    states = {*definition.states, *(s.state for s in definition.steps.values())}
    for state in timer.runs_in:
        if state not in states:
            yield _finding(
                "timer_no_start", definition, timer, both(f"状态 {state} 不存在", f"there is no state {state!r}")
            )


def _is_used(graph: Graph, definition: Definition, timer: Timer) -> bool:
    """A timer of a step that this pack leaves out is no mistake; one that belongs to no step and no act is."""
    if timer.optional and not graph.model.bound(definition.id, timer.id):
        return False
    machines = [c for (d, _), c in graph.model.compiled.items() if d == definition.id]
    if any(timer.id == t.id for c in machines for t in c.timers):
        return True
    if any(is_idle(timer, c.omitted) for c in machines):
        return False
    steps = (*definition.steps.values(), *graph.model.pack.steps.values())
    return not any(step.timer == timer.id for step in steps)


def _why_not_started(graph: Graph, definition: Definition, timer: Timer) -> Label:
    if not graph.model.bound(definition.id, timer.id):
        return both("没有规定期限", "the pack sets no limit")
    return both("没有任何办理会使它开始", "no act that can happen starts it")


def _unread(graph: Graph, definition: Definition, timer: Timer) -> Iterator[Finding]:
    """A minimum is read by a guard, a right by a guard, an action by itself; all else by the entry that it lapsed."""
    machines = [c for (d, _), c in graph.model.compiled.items() if d == definition.id]
    bound = graph.model.bound(definition.id, timer.id)
    if timer.fires:
        form = definition.actions[timer.fires]
        if not form.system:
            yield _finding("timer_no_reader", definition, timer, both(
                f"到期操作 {form.id} 不是由系统办理的", f"the action {form.id!r} is not the system's"))  # fmt: skip
        return
    guard = "minimum_elapsed" if bound == "min" else "still_running" if timer.right else ""
    if guard and not any(timer.id in guarded_timers(c, guard) for c in machines):
        yield _finding("timer_no_reader", definition, timer, both(
            "没有任何环节以它为条件", "no guard waits for it"))  # fmt: skip
    lapses = [a for a in definition.actions.values() if a.system and a.records == "lapse" and a.target == "@same"]
    if not guard and not lapses:
        yield _finding("timer_no_reader", definition, timer, both(
            "没有系统的到期记录操作", "no action of the system records that it lapsed"))  # fmt: skip


# --- limits against what must fit into them ---------------------------------------------------------------------------
@dataclass(frozen=True)
class Inside:
    """The shortest way from the worst start of a period to its end: what starts, and what must be waited for."""

    timer: str
    purpose: str
    label: Label
    steps: tuple[tuple[tuple[str, ...], str], ...]
    path: Label


def insides(graph: Graph) -> tuple[Inside, ...]:
    """Return for each limit that has minimum durations inside it the way that must fit."""
    machines = [c for key, c in graph.model.compiled.items() if "min" in graph.model.bounds[key].values()]
    ways = (_inside(graph, compiled, timer) for compiled in machines for timer in compiled.timers)
    return tuple(way for way in ways if way)


def _inside(graph: Graph, compiled: Compiled, timer: Timer) -> Inside | None:
    definition, purpose = compiled.definition, compiled.purpose
    index = graph.model.index[definition.id]
    minimums = [t for t, bound in graph.model.bounds[definition.id, purpose].items() if bound == "min"]
    parts = {p: part for p, node in enumerate(graph.space.nodes) if (part := node[index]) and part.purpose == purpose}
    running = {p for p, part in parts.items() if (timer.id, MAX) in part.clocks}
    waiting = any(parts[p].phase(t) in REACHED for p in running for t in minimums)
    if not waiting or timer.fulfilled_by:
        return None
    following, distance = _distances(graph, definition, timer, running)
    starts = [(distance[reached], -place, hop, reached) for place, hop, reached in graph.edges() if reached in distance
              and any((definition.id, purpose) == f[:2] and timer.id in f.started for f in hop.chain)]  # fmt: skip
    if not starts or max(starts, key=lambda s: s[:2])[0] == 0:
        return None
    _, _, first, place = max(starts, key=lambda s: s[:2])
    hops = [first]
    while place in following:
        hop, place = following[place]
        hops.append(hop)
    steps = tuple((tuple(f"{f.definition}.{t}" for f in hop.chain for t in f.started), hop.wait) for hop in hops)
    path = written(graph.model, tuple(hops), definition=definition.id)
    return Inside(f"{definition.id}.{timer.id}", purpose, timer.label, steps, path)


def _distances(
    graph: Graph, definition: Definition, timer: Timer, running: set[int]
) -> tuple[dict[int, tuple[Hop, int]], dict[int, int]]:
    """For each node where a period runs: the next move on the way to its end, and how many waits lie before that."""
    ends = {(p, hop, q) for p, hop, q in graph.edges() if p in running and not hop.wait for f in hop.chain
            if f.definition == definition.id and (timer.id, "met") in f.ended}  # fmt: skip
    following: dict[int, tuple[Hop, int]] = {}
    distance: dict[int, int] = {}
    waiting: deque[int] = deque()
    for place, hop, _ in sorted(ends, key=lambda e: (e[0], e[2])):
        if place not in distance:
            distance[place], following[place] = 0, (hop, -1)
            waiting.append(place)
    entering: dict[int, list[tuple[int, Hop]]] = {}
    for p, hop, q in graph.edges():
        if p in running and q in running:
            entering.setdefault(q, []).append((p, hop))
    while waiting:
        place = waiting.popleft()
        for before, hop in entering.get(place, ()):
            cost = distance[place] + bool(hop.wait)
            if before not in distance or cost < distance[before]:
                distance[before], following[before] = cost, (hop, place)
                (waiting.append if hop.wait else waiting.appendleft)(before)
    return following, distance


Rows = Mapping[str, Limit]


def check_limits(model: Model, ways: tuple[Inside, ...], calendar: Calendar) -> Iterator[Finding]:
    """A limit whose shortest way takes longer, on any day of the years that the calendar knows."""
    for way in ways:
        names = {way.timer, *(wait for _, wait in way.steps if wait and wait != "@age")}
        rows = {name: row for name in names if (row := model.limit(name, way.purpose))}
        found = _too_short(model.pack, rows, way, calendar, model.on) if way.timer in rows else None
        if found:
            start, ends, earliest = found
            name = way.timer.partition(".")[0]
            yield Finding("limit_too_short", name, key=("limit", way.timer), path=way.path, params={
                "timer": way.label, "id": way.timer, "start": start.isoformat(), "ends": ends.isoformat(),
                "earliest": earliest.isoformat(),
            })  # fmt: skip


def _too_short(pack: Pack, rows: Rows, way: Inside, calendar: Calendar, on: date) -> tuple[date, date, date] | None:
    by_calendar = any(_needs_calendar(pack, x, on) for x in rows.values())
    days = _days(calendar) if by_calendar else [_sample(on)]
    for day in days:
        now = local_midnight(day) + timedelta(hours=9)
        end = _due(pack, rows[way.timer], now, calendar)
        earliest = _walk(pack, rows, way, now, calendar)
        if earliest >= end:
            return day, (end + timedelta(hours=7)).date(), (earliest + timedelta(hours=8)).date()
    return None


def _needs_calendar(pack: Pack, limit: Limit, on: date) -> bool:
    """Tell whether days off matter to a limit: none of them counts, or the last day moves behind them."""
    moves = LAST_MOVES in counting_of(pack, limit.duration, limit.bound, on)
    return moves or isinstance(limit.duration, WorkingDays)


def _walk(pack: Pack, rows: Rows, way: Inside, start: datetime, calendar: Calendar) -> datetime:
    """Walk the way as fast as may be: acts take no time, minimums all of theirs."""
    now, begun = start, dict[str, datetime]()
    for started, wait in way.steps:
        if wait in rows:
            now = max(now, _due(pack, rows[wait], begun.get(wait, start), calendar))
        begun.update(dict.fromkeys(started, now))
    return now


def _due(pack: Pack, limit: Limit, start: datetime, calendar: Calendar) -> datetime:
    return limit_due(pack, limit, start, calendar=calendar, on=local_date(start)).at


def _sample(on: date) -> date:
    return max(on, date(2024, 1, 1))


def _days(calendar: Calendar) -> list[date]:
    """Every day of the last years whose working days are known: the worst of them counts."""
    year = max(y for y in range(2015, 2100) if y == 2015 or calendar.is_covered(date(y, 12, 1)))
    first = date(year - YEARS_TRIED + 1, 1, 1)
    return [first + timedelta(days=n) for n in range(365 * YEARS_TRIED - 30)]
