"""Making bundles: each trail from the store or set by warm processes, then one PDF with index, or one zip.

A trail that cannot be printed is named in the index, and the rest goes on. What is done is noted trail by trail.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import structlog

from app.labels import Speech
from app.printing import (
    Mark,
    Order,
    Pool,
    Printed,
    TrailOrder,
    merge,
    pages_in,
    pages_of,
    signed,
    trail_files,
    trail_order,
    write_zip,
)
from app.runtime import runtime
from app.services import bundles, lists, print_store, refusals
from app.services.bundles import Job, Line
from app.services.isolated import Trouble, attempt, held, never
from app.services.people import actor_of_account
from app.services.seal_desk import lines_of as checkpoints_of
from app.services.seal_desk import step_to
from app.services.seal_keys import print_seal
from app.services.sent import narrowed
from app.store.transaction import reading
from workflows.checkpoint import read_note
from workflows.clock import local_date
from workflows.errors import BrokenChain, NotFound, Refused
from workflows.model import Actor
from workflows.variants import FULL, opens

HEAD = "head_name"
INDEX_PART = 20  # pages of the index that one process sets at a time
Stop = Callable[[], bool]
Progress = Callable[[int], None]
log = structlog.stdlib.get_logger("bundles")


class StoppedError(Exception):
    """The process is to stop, or somebody threw the bundle away: what is done stays done."""


# --- the scheduler's side ---
def work(stop: Stop = never) -> dict[str, int]:
    """Make what waits, one bundle after the other; return how many of each."""
    counted = {"made": 0, "failed": 0, "removed": bundles.tidy()}
    for token, owner in sorted(bundles.owners()):
        with held(bundles.BUNDLES.path(token, bundles.LOCK)) as is_mine:
            done = _work_on(owner, token, stop) if is_mine and not stop() else ""
        if done:
            counted[done] += 1
    return counted


def _work_on(owner: str, token: str, stop: Stop) -> str:
    try:
        actor = actor_of_account(owner)
        job = bundles.job_of(actor, token)
    except NotFound:
        bundles.remove(token)
        return ""
    if not job.is_waiting or job.is_by_command:
        return ""
    done = attempt(lambda: make(narrowed(actor, job.offices), job, stop=stop))
    if isinstance(done, Job):
        return "made"
    if not bundles.is_there(token):
        bundles.remove(token)  # thrown away meanwhile: what came since goes too
        return ""
    return "" if stop() else _failed(actor, job, done)


def _failed(actor: Actor, job: Job, trouble: Trouble) -> str:
    log.error("bundle_failed", bundle=job.token, what=trouble.what)
    bundles.write(actor, replace(job, state=bundles.FAILED))
    return "failed"


def make(
    actor: Actor, job: Job, *, out: BinaryIO | None = None, stop: Stop = never, progress: Progress = lambda _: None
) -> Job:
    """Make a bundle into ``out``, or to be fetched; raise StoppedError when it is to be left for the next one.

    The prints stand in the access ledger before anybody can hold them.
    """
    with Pool(runtime().settings.print_workers, nice=0 if job.is_by_command else 10) as pool:
        rendered = _Prints(actor, job, stop, progress).gather(pool)
        job = replace(job, rendered=rendered, done=job.total)
        with TemporaryFile(dir=runtime().settings.data) as unnamed:
            file = cast("BinaryIO", unnamed)
            target = out or file
            job = _Whole(actor, job).write(target, pool)
            bundles.note_prints(actor, job, sorted(line.case for line in bundles.lines_of(job.token) if line.key))
            if out is not None:
                bundles.note_handed_out(actor, job)
                return bundles.close(actor, job)
            file.seek(0)
            return bundles.finish(actor, job, file)


# --- trail by trail ---
@dataclass
class _Prints:
    """The trails of a bundle that are not there yet."""

    actor: Actor
    job: Job
    stop: Stop
    progress: Progress

    def gather(self, pool: Pool) -> int:
        """Hold every trail or note why there is none; return how many had to be set."""
        bundles.mend_lines(self.job.token)
        orders = dict[str, TrailOrder]()
        rendered = 0
        for printed in pool.run(self._orders(orders)):
            self._printed(orders.pop(printed.order.name), printed)
            rendered += 1
        return rendered

    def _orders(self, orders: dict[str, TrailOrder]) -> Iterator[Order]:
        known = {line.case for line in bundles.lines_of(self.job.token)}
        self.progress(len(known))
        for case in bundles.cases_of(self.actor, self.job.token):
            if case in known:
                continue
            self._ensure_wanted()
            found = self._looked_up(case)
            if found is not None:
                orders[case] = found
                yield found.order

    def _looked_up(self, case: str) -> TrailOrder | None:
        """Return the order for a trail that must be set; what the store has, or cannot be printed, is noted."""
        try:
            wish = self.job.wish
            found = trail_order(self.actor, case=case, lang=wish.lang, variant=wish.variant)
        except Refused as refused:
            if isinstance(refused, BrokenChain):
                refusals.note_broken(self.actor.id, case, "bundles.submit")
            self._note(Line(case, why=refused.code))
            return None
        data = print_store.find(found.key)
        if data is None:
            return found
        self._note(_line(found, data), data)
        return None

    def _printed(self, order: TrailOrder, printed: Printed) -> None:
        self._ensure_wanted()
        if printed.reason:
            log.error("trail_not_printed", case=order.case, reason=printed.reason, what=printed.detail)
            self._note(Line(order.case, why=f"print_{printed.reason}"))
            return
        print_store.keep(order.key, printed.pdf)
        self._note(_line(order, printed.pdf), printed.pdf)

    def _note(self, line: Line, data: bytes = b"") -> None:
        bundles.add_line(self.job.token, line, data)
        self.progress(1)

    def _ensure_wanted(self) -> None:
        if self.stop() or not bundles.is_there(self.job.token):
            raise StoppedError


def _line(order: TrailOrder, pdf: bytes) -> Line:
    return Line(order.case, order.key, entries=order.entries, head=order.head, pages=pages_in(pdf))


# --- the whole ---
class _Whole:
    """All trails of a bundle, in the order of villages, as one file."""

    def __init__(self, actor: Actor, job: Job) -> None:
        self.actor, self.job = actor, job
        found = list(bundles.lines_of(job.token))
        self.houses = self._houses([line.case for line in found])
        self.lines = sorted(found, key=lambda line: (self.houses.get(line.case, ("~",))[0], line.case))
        self.county = (job.wish.area or job.wish.cases[0])[:6]
        self.words = _words(job, self.county)
        self.checkpoint = next((point for point in checkpoints_of(self.county)), None)

    def _houses(self, cases: Sequence[str]) -> dict[str, tuple[str, str, str]]:
        """Return village's code and name, and head, by case: the index names nobody whom the trails do not name."""
        names = opens(self.job.wish.variant, HEAD)
        found = bundles.houses_of(self.actor, cases)
        return {case: (code, village, head if names else "") for case, (code, village, head) in found.items()}

    @property
    def printed(self) -> list[Line]:
        return [line for line in self.lines if line.key]

    def write(self, out: BinaryIO, pool: Pool) -> Job:
        """Write the file; return the job with what came of it."""
        pages = 0
        if self.job.wish.kind == "zip":
            self._zip(out)
        else:
            pages = self._pdf(out, pool)
        size = out.seek(0, 2)
        return replace(self.job, failed=len(self.lines) - len(self.printed), size=size, pages=pages)

    def _zip(self, out: BinaryIO) -> None:
        prints = {line.case: partial(self._sealed, line) for line in self.printed}
        files, checkpoints = trail_files(prints)
        files["README.txt"] = self._readme().encode
        text = self.checkpoint.text if self.checkpoint else ""
        for known in checkpoints - {text}:
            old = read_note(known).checkpoint().size
            files[f"steps/{old}.txt"] = step_to(self.county, text, old).text.encode
        write_zip(out, files, county=self.county, checkpoint=text, sign=print_seal(self.county))

    def _sealed(self, line: Line) -> bytes:
        """The print with the office's electronic seal, where it has one; one PDF of many bears none."""
        return signed(self._held(line))

    def _held(self, line: Line) -> bytes:
        return bundles.held(self.job.token, line.key)

    def _pdf(self, out: BinaryIO, pool: Pool) -> int:
        """The index is counted first, then set by the same processes: its pages name those of the trails."""
        front = len(pages_of(self._rows(99_999)))
        pages = pages_of(self._rows(front))
        return merge(map(self._held, self.printed), lambda: self._index(pages, pool), list(self._marks(front)), out)

    def _rows(self, front: int) -> Iterator[list[str]]:
        page = front + 1
        for number, line in enumerate(self.lines, start=1):
            _, village, head = self.houses.get(line.case, ("", "", ""))
            if line.key:
                yield [str(number), line.case, head, village, str(line.entries), str(page)]
                page += line.pages
            else:
                why = self.words.say("bundle.not_printed", why=self._why(line))
                yield [str(number), line.case, head, f"{village}　{why}".strip(), "—", "—"]

    def _why(self, line: Line) -> str:
        """Why a trail is not there; a refusal that names its case needs no more words than these."""
        key = f"bundle.why_{line.why}"
        return self.words.say(key if self.words.knows(key) else "bundle.why_other")

    def _marks(self, front: int) -> Iterator[Mark]:
        before = front
        for line in self.printed:
            _, village, head = self.houses.get(line.case, ("", "", ""))
            yield Mark(village, f"{line.case}　{head}".strip(), before)
            before += line.pages

    def _index(self, pages: Sequence[list[Sequence[str]]], pool: Pool) -> list[bytes]:
        names = ("number", "case", "head", "village", "entries", "page")
        columns = [self.words.say(f"bundle.column_{name}") for name in names]
        orders = [
            Order("index", {"columns": columns, "pages": pages[start : start + INDEX_PART], "first": start + 1}, start)
            for start in range(0, len(pages), INDEX_PART)
        ]
        orders[0] = replace(orders[0], values={**orders[0].values, "title": self._title(), "lines": self._told()})
        parts = sorted(pool.run(orders), key=lambda printed: int(printed.order.name))
        for part in parts:
            if part.reason:
                raise RuntimeError(f"index: {part.reason} {part.detail}")
        return [part.pdf for part in parts]

    def _title(self) -> str:
        code = self.job.wish.area or f"{self.county:0<12}"
        name = lists.area_names([code]).get(code, code)
        return self.words.say("bundle.document", area=name)

    def _told(self) -> list[str]:
        """What stands under the title: what was asked for, how many there are, the county's newest checkpoint."""
        wish, say = self.job.wish, self.words.say
        told = [say("bundle.count", printed=len(self.printed), failed=len(self.lines) - len(self.printed))]
        if wish.gate or wish.since or wish.until:
            told.append(say("bundle.chosen", gate=wish.gate or "—", since=wish.since or "—", until=wish.until or "—"))
        if wish.variant != FULL:
            told.append(say(f"bundle.told_{wish.variant}"))
        if self.checkpoint:
            point = self.checkpoint
            told.append(say("bundle.checkpoint", number=point.number, at=self.words.time(point.at), size=point.size))
            told.append(say("bundle.root", root=point.root))
        return told

    def _readme(self) -> str:
        """What the zip is and how to check it, in both languages, and which trails are not in it."""
        parts = [
            _words(replace(self.job, wish=replace(self.job.wish, lang=lang)), self.county) for lang in ("zh", "en")
        ]
        text = "\n\n".join(words.say("bundle.readme", county=self.county) for words in parts)
        missing = [f"{line.case}\t{self._why(line)}" for line in self.lines if not line.key]
        return "\n".join([text, "", *missing]).rstrip() + "\n"


def _words(job: Job, county: str) -> Speech:
    with reading() as now:
        return Speech(job.wish.lang, local_date(now), f"{county:0<12}")
