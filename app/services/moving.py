"""Moving a county's running cases, some households a transaction: resumable, a broken one left and named."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import structlog

from app.services.cases import loaded_rules
from app.services.isolated import Trouble, attempt
from app.store import cases as store
from app.store import rule_runs
from app.store.transaction import reading, writing
from app.tables import RuleRun
from workflows.clock import local_date

BATCH = 100  # households in a transaction: nobody waits long for a lock
MOST_LEFT = 200
log = structlog.stdlib.get_logger("rules")
Stop = Callable[[], bool]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Run:
    """A run as people see it."""

    id: int
    county: str
    kind: str
    state: str
    user: str
    inputs: Mapping[str, Any]
    total: int
    done: int
    result: Mapping[str, Any]
    trouble: str
    created_at: str
    ended_at: str

    @property
    def is_open(self) -> bool:
        """Tell whether the scheduler has something left to do."""
        return self.state in rule_runs.OPEN

    @property
    def is_stuck(self) -> bool:
        """Tell whether a rehearsal found cases that have no place under the new rules."""
        return bool(self.result.get("stuck"))


def as_run(row: RuleRun) -> Run:
    """Return the run of a row."""
    return replace(head_of(row, ""), inputs=row.inputs, result=row.result)


def head_of(row: RuleRun, reason: str | None) -> Run:
    """Return the run of a row without what was sent and found."""
    large = {"inputs": {"reason": reason} if reason else {}, "result": {}}
    values = {name: getattr(row, name) for name in Run.__dataclass_fields__.keys() - large.keys()}
    return Run(**{**values, **large, "ended_at": row.ended_at or ""})


class Movement(ABC):
    """Goes through the running cases of a county and gives each that is to be moved an entry in its journal."""

    def __init__(self, run: Run) -> None:
        self.run, self.rules = run, loaded_rules()
        self.moved, self.after = int(run.result.get("moved", 0)), str(run.result.get("after", ""))
        self.left: list[dict[str, str]] = list(run.result.get("left", []))
        self.left_count = int(run.result.get("left_count", 0))

    @abstractmethod
    def decide(self, locked: Mapping[str, store.Locked], now: datetime) -> Iterator[store.Decided]:
        """Yield what is done to the cases of some households under lock."""

    @abstractmethod
    def ensure_wanted(self, today: date) -> None:
        """Raise a refusal when what was asked for is not to be done any more."""

    def move(self, progress: Progress, stop: Stop) -> dict[str, Any] | None:
        """Move case by case, some households a transaction; return how many, and which were left and why."""
        while True:
            if stop():
                return None
            with reading() as now:
                self.ensure_wanted(local_date(now))
                numbers = rule_runs.households(self.run.county, self.after, BATCH)
            if not numbers:
                return self.result
            self._move_some(numbers)
            progress(len(numbers))

    def _move_some(self, numbers: Sequence[str]) -> None:
        """Move some households' cases in one transaction; where one fails, each alone, and leave what failed again."""
        if not isinstance(attempt(partial(self._move_together, numbers)), Trouble):
            return
        for number in numbers:
            done = attempt(partial(self._move_together, [number]))
            if isinstance(done, Trouble):
                log.error("rule_change_failed", run=self.run.id, household=number, what=done.what)
                self.leave(number, "trouble")
        self.after = numbers[-1]  # also past those that failed: they are left, not tried for ever
        with writing():
            rule_runs.note(self.run.id, result=self.result)

    def _move_together(self, numbers: Sequence[str]) -> None:
        kept = self.moved, list(self.left), self.left_count, self.after
        try:
            with writing() as now:
                decided = list(self.decide(store.lock_dossiers(self.run.county, numbers), now))
                if decided:
                    store.record(self.rules, *decided)
                self.moved, self.after = self.moved + len(decided), numbers[-1]
                rule_runs.note(self.run.id, result=self.result)
        except BaseException:
            self.moved, self.left, self.left_count, self.after = kept
            raise

    def leave(self, case: str, reason: str) -> None:
        """Note a case that stays as it is."""
        self.left_count += 1
        if len(self.left) < MOST_LEFT:
            self.left.append({"case": case, "reason": reason})

    @property
    def result(self) -> dict[str, Any]:
        """What was done so far: kept with each piece, in its transaction, so that a run cut off goes on from there."""
        return {"moved": self.moved, "left": self.left, "left_count": self.left_count, "after": self.after}
