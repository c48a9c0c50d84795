"""The discrete-event run: cases queue for the people who must act, working day by working day.

Pure: no database and no clock; all chance was drawn before, so the same office and arrivals give the same outcome.
A team takes the oldest case first; what it hands on is there the next day.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import count
from typing import Any

import simpy

from app.services.simulation.office import Change, Duty, Item, Office, Outcome, Queue, Release, Stop, Task, Team, Work

NIGHT = 0.5  # what becomes ready for a day is there before its people come
WEEK = 7


def run(office: Office, work: Work) -> Outcome:
    """Let cases and visits pass through the office from its first to its last day; cases are used up by it."""
    simulated = Run(office, work.duties)
    simulated.begin(work)
    simulated.env.run(until=office.end - NIGHT)
    return simulated.close()


class Run:
    """One run on SimPy's clock, which counts days from the start."""

    def __init__(self, office: Office, duties: Mapping[Duty, int]) -> None:
        self.office, self.env = office, simpy.Environment(initial_time=office.start - 1)
        self.duties = Counter(dict(duties))
        self.found = Outcome()
        self.acts: dict[Queue, list[tuple[tuple[int, int], int, Item, Task]]] = {}
        self.calls: dict[Queue, list[list[Any]]] = {}
        self.lines: defaultdict[tuple[str, str], list[list[Any]]] = defaultdict(list)  # of a role in a place
        self.calling: defaultdict[tuple[str, str], list[list[Any]]] = defaultdict(list)
        self.items: dict[int, Item] = {}
        self._serial = count()
        self._months: dict[int, str] = {}

    # --- what happens by itself ---
    def begin(self, work: Work) -> None:
        """Put everything on the calendar that is known at the start."""
        for item in work.items:
            self.at(item.arrives, partial(self.arrive, item))
        for release in work.releases:
            self.at(release.day, partial(self.release, release))
        for change in work.changes:
            self.at(change.day, partial(self.change, change))
        for duty in list(self.duties):
            self._ensure_rounds(duty)
        self.env.process(self.work())
        self.env.process(self.watch())

    def at(self, day: int, what: Callable[[], None]) -> None:
        """Do something in the night before a day, so that its people find it."""
        delay = day - NIGHT - self.env.now
        if day < self.office.end:
            self.env.timeout(max(delay, 0)).callbacks.append(lambda _: what())

    def _ensure_rounds(self, duty: Duty) -> None:
        for first, last in self.office.periods(duty.every):
            if first > self.env.now:
                self.at(first, partial(self.round, duty, first, last))

    def round(self, duty: Duty, first: int, last: int) -> None:
        """A period begins: everybody of a duty is to be visited in it."""
        if self.duties[duty]:
            self.release(Release(duty, first, last, self.duties[duty] * duty.times))

    def release(self, release: Release) -> None:
        """Visits join the queue of those who make them; the ones that end first are made first."""
        duty = release.duty
        self.found.visits_asked += release.visits
        line = _line(self.calls, self.calling, self.office.queue(duty.place, duty.roles))
        heapq.heappush(line, [release.due, next(self._serial), duty.timer, release.visits])

    def owe(self, duty: Duty, change: int) -> None:
        """More or fewer households have a duty from its next period on."""
        if duty not in self.duties:
            self.duties[duty] = 0
            self._ensure_rounds(duty)
        self.duties[duty] += change

    def change(self, change: Change) -> None:
        """A household changes from one duty to another."""
        self.owe(change.before, -1)
        self.owe(change.after, 1)

    # --- cases ---
    def arrive(self, item: Item) -> None:
        """A case comes, or stands where it stood at the start."""
        self.found.arrived += 1
        self.items[id(item)] = item
        waits = item.route.stops[item.at].waits
        self.found.late_before += sum(d < self.office.start for name, d in item.due.items() if name != waits)
        self.enter(item, int(self.env.now + NIGHT), renewed=not item.is_running)

    def enter(self, item: Item, day: int, *, renewed: bool = True) -> None:
        """A case comes to a stop on a day: periods begin, tasks go to their queues."""
        stop = item.route.stops[item.at]
        if renewed:
            for timer in stop.begins:
                last = self.office.ends(timer, item, day)
                if last is not None and timer not in item.due:
                    item.due[timer] = last
        tasks = [task for task in stop.tasks if task.step not in item.done]
        item.done = () if renewed else item.done
        item.left = len(tasks)
        if not tasks:
            self.leave(item, stop, day)
            return
        for place, task in enumerate(tasks):
            waits = stop.waits if place == 0 and task is stop.tasks[0] else ""
            ready = max(day, item.due.pop(waits) + 1) if waits in item.due else day
            if ready > day:
                self.at(ready, partial(self.queue, item, task))
            else:
                self.queue(item, task)

    def queue(self, item: Item, task: Task) -> None:
        """A task waits for its people."""
        line = _line(self.acts, self.lines, self.office.queue(item.place, task.roles))
        heapq.heappush(line, (item.rank, next(self._serial), item, task))

    def complete(self, item: Item, task: Task, day: int) -> None:
        """A task is done; with the last one of a stop the case goes on."""
        for timer in task.ends:
            self.end(item, timer, day)
        item.left -= 1
        if item.left == 0:
            self.leave(item, item.route.stops[item.at], day)

    def leave(self, item: Item, stop: Stop, day: int) -> None:
        """A case leaves a stop: on, back, refused, or to its end."""
        if stop.fails >= 0 and item.refused and not item.was_refused:
            item.was_refused = True
            self.move(item, stop, stop.fails, day)
        elif stop.back >= 0 and item.returned:
            item.returned = False
            self.move(item, stop, stop.back, day)
        elif stop.last:
            self.finish(item, day)
        else:
            self.move(item, stop, item.at + 1, day)
        if stop.decides and not item.was_refused:
            self.decide(item, day)

    def move(self, item: Item, stop: Stop, target: int, day: int) -> None:
        """Go to another stop; what ran only here ends."""
        straight = target == item.at + 1
        for timer in stop.ends if straight else tuple(t for t in item.due if t in stop.begins or t in stop.ends):
            self.end(item, timer, day)
        item.at = target
        self.at(day + 1, partial(self.enter, item, day + 1))

    def decide(self, item: Item, day: int) -> None:
        """The household is included or eliminated: help begins, or changes later."""
        if item.route.purpose == "eliminate":
            change = self.office.stable(item, day)
            if change:
                self.at(change.day, partial(self.change, change))
            return
        help_, duty = self.office.included(item)
        if help_ is not None:
            help_.arrives = day + 1
            self.at(day + 1, partial(self.arrive, help_))
        if duty is not None:
            self.owe(duty, 1)

    def finish(self, item: Item, day: int) -> None:
        """A case is over; periods that still ran are answered with it."""
        for timer in list(item.due):
            self.end(item, timer, day)
        self.found.finished["refused" if item.was_refused else item.route.purpose] += 1
        self.found.ended[item.household] = day
        del self.items[id(item)]

    def end(self, item: Item, timer: str, day: int) -> None:
        """A period ends; it is broken when its last day is over."""
        last = item.due.pop(timer, None)
        if last is not None and self.office.start <= last < day:
            self.found.broken[f"{item.route.kind}.{timer}"][self.month(last)] += 1

    # --- people ---
    def work(self) -> Generator[simpy.Event, Any, None]:
        """The working days, one team after the other: what one hands on, the next finds tomorrow."""
        for day in self.office.working:
            yield self.env.timeout(day - self.env.now)
            month = self.month(day)
            for team in self.office.teams:
                self._do_acts(team, day, month)
                if team.visits:
                    self._make_visits(team, day, month)

    def _do_acts(self, team: Team, day: int, month: str) -> None:
        room = team.acts
        self.found.room[team.role] += room
        lines = self.lines[team.role, team.place]
        while room > 0:
            line = min((x for x in lines if x), key=lambda x: x[0][:2], default=None)
            if line is None:
                break
            _, _, item, task = heapq.heappop(line)
            # Who has begun the last act of a day ends it: a signature of two is not left at one.
            room -= task.signatures
            self.found.used[team.role] += task.signatures
            self.found.acts[team.role][month] += task.signatures
            if task.is_visit:
                self.found.visits[team.role][month] += 1
            self.complete(item, task, day)

    def _make_visits(self, team: Team, day: int, month: str) -> None:
        room, key = team.visits, f"{team.role} visits"
        lines = self.calling[team.role, team.place]
        self.found.room[key] += room
        while room > 0:
            line = min((x for x in lines if x), key=lambda x: x[0][:2], default=None)
            if line is None:
                break
            first = line[0]
            made = min(room, first[3])
            first[3] -= made
            room -= made
            self._visited(team, first, made, day, month)
            if not first[3]:
                heapq.heappop(line)

    def _visited(self, team: Team, first: Sequence[Any], made: int, day: int, month: str) -> None:
        self.found.used[f"{team.role} visits"] += made
        self.found.visits[team.role][month] += made
        self.found.visits_made += made
        if first[0] < day:
            self.found.broken[first[2]][self.month(first[0])] += made

    def watch(self) -> Generator[simpy.Event, Any, None]:
        """Note after work how much waits: the longest of each queue, and all together once a week."""
        for number, day in enumerate(range(self.office.start, self.office.end)):
            yield self.env.timeout(day + NIGHT / 2 - self.env.now)
            lengths = self.lengths()
            for queue, length in lengths.items():
                if length > self.found.longest.get(queue, (0, 0))[0]:
                    self.found.longest[queue] = (length, day)
            if number % WEEK == 0:
                self.found.weeks.append(sum(lengths.values()))

    def lengths(self) -> Counter[Queue]:
        """How many acts and visits wait in each queue."""
        found = Counter({queue: len(line) for queue, line in self.acts.items()})
        for queue, line in self.calls.items():
            found[queue] += sum(entry[3] for entry in line)
        return found

    def close(self) -> Outcome:
        """Count what is still open when the run ends: it is broken where its last day has gone by."""
        found, end = self.found, self.office.end
        for item in self.items.values():
            for timer in list(item.due):
                self.end(item, timer, end)
        for line in self.calls.values():
            for due, _, timer, left in line:
                found.visits_left += left
                if due < end:
                    found.broken[timer][self.month(due)] += left
        found.waiting = len(self.items)
        found.left = {queue: length for queue, length in self.lengths().items() if length}
        return found

    def month(self, day: int) -> str:
        """The month of a day."""
        if day not in self._months:
            self._months[day] = date.fromordinal(day).isoformat()[:7]
        return self._months[day]


def _line(queues: dict[Queue, list[Any]], served: Mapping[tuple[str, str], list[list[Any]]], queue: Queue) -> list[Any]:
    """Return a queue, made when first asked for and shown to all who serve it."""
    if queue not in queues:
        queues[queue] = []
        for role in queue[1]:
            served[role, queue[0]].append(queues[queue])
    return queues[queue]
