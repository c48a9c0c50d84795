"""What anybody is told of a print: by its check code or its file. No name, no place, nothing of a person."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from app.runtime import runtime
from app.services.papers import issued
from app.services.papers.issued import Issue
from app.services.seal_keys import origin_of, signer
from app.services.seals import counties
from app.store import cases as store
from app.store import issued as store_issued
from app.store import ledger, people, seals
from app.store.transaction import reading, writing
from workflows.checkcode import BadCode, Code, code_in, digest_of, paper_digest, read_code
from workflows.clock import local_date
from workflows.errors import NotFound, Throttled
from workflows.standing import Standing, standings
from workflows.variants import VARIANTS

LARGEST = 32 << 20  # bytes of a file that is handed in
ALL, WRONG = "check", "check-wrong"  # names under which questions are counted, apart from any account's
MOST_ENTRIES = 2_000
MOST_CODES = 50
PAPER_CODES = re.compile(r"(?<![0-9A-Z-])[0-9A-Z]{4}(?:-[0-9A-Z]{4}){5}(?![0-9A-Z-])")


@dataclass(frozen=True)
class Answer:
    """``verdict``: newest, later (``later`` entries since), unknown, typo, form, altered, malformed, unproven, bundle
    (true; its files are to be asked about one by one).

    ``entries`` of the state that was printed; 0 where nothing of ours was found. Of an official paper: issued, reissued
    (the same paper of the same case was issued anew since, with other content), and which paper, its number, the day
    and how many households stand on it, to be compared with the sheet at hand. ``seal``: of a file's electronic seal,
    good (by this office's root; whose, and when set), no_root (nothing here to check it by), foreign (not this
    office's; then the verdict is foreign), broken (altered); empty without one.
    """

    verdict: str
    entries: int = 0
    later: int = 0
    paper: str = ""
    number: str = ""
    day: str = ""
    households: int = 0
    seal: str = ""
    seal_by: str = ""
    seal_at: str = ""

    @property
    def is_true(self) -> bool:
        """Tell whether what was asked about is of ours and as it was printed."""
        return self.verdict in ("newest", "later", "bundle", "issued", "reissued")


@dataclass(frozen=True)
class Judged:
    """What the verifier of one file found: exit status, case (none: a bundle) and trail head.

    And of a print's electronic seal: good, no_root, foreign or broken (none: empty), whose it says it is, and when.
    """

    status: int
    case: str = ""
    head: str = ""
    seal: str = ""
    seal_by: str = ""
    seal_at: str = ""


def of_code(text: str, *, source: str) -> Answer:
    """Answer for a check code, or the text of a QR symbol; raises Throttled, and counts what was wrong."""
    with _counted(source) as wrong:
        answer = _of_code(text[:200])
        if not answer.is_true:
            wrong()
    return answer


def _of_code(text: str) -> Answer:
    try:
        told = read_code(code_in(text))
    except BadCode as error:
        return Answer(error.reason)
    if told.line:
        return _of_paper(told)
    for one in _standings(told.case):
        if any(digest_of(told.case, one.entries, one.head, variant) == told.digest for variant in VARIANTS):
            return _standing(one)
    return Answer("unknown")


def _of_paper(told: Code) -> Answer:
    with reading():
        issue = issued.read_issue(told.county, told.line, ledger.line(told.county, told.line))
        is_ours = issue is not None and paper_digest(issue.content) == told.digest
        return _issued(issue) if issue and is_ours else Answer("unknown")


def _issued(issue: Issue) -> Answer:
    verdict = "reissued" if issued.newer_than(issue) else "issued"
    day = local_date(issue.at).isoformat()
    return Answer(verdict, paper=issue.paper, number=issue.number, day=day, households=issue.rows)


def _of_paper_file(data: bytes) -> Answer | None:
    """Answer for a file that bears codes of official papers: it is byte for byte what was printed, or it is altered.

    None for a file that bears none. What stands in it is believed only when a print of ours has the digest of it all.
    """
    with reading():
        found = store_issued.told(store_issued.FILE, hashlib.sha256(data).hexdigest())
        line = int(found[2].detail["line"]) if found and found[2].kind == "paper_print" else 0
        issue = issued.read_issue(found[0], line, ledger.line(found[0], line)) if found and line else None
        if found and issue:
            return _issued(issue) if found[2].detail["papers"] == 1 else Answer("issued")
    # Codes are looked for in the file's own keywords, which are not compressed.
    answers = {_of_code(code).verdict for code in PAPER_CODES.findall(data.decode("latin-1"))[:MOST_CODES]}
    if answers & {"issued", "reissued"}:
        return Answer("altered")
    return Answer("unknown") if answers & {"unknown"} else None


def of_file(data: bytes, judge: Callable[[bytes, Sequence[str]], Judged], *, source: str) -> Answer:
    """Answer for a printed trail or a bundle; ``judge`` runs the verifier of one file apart. Raises Throttled."""
    with _counted(source):
        of_paper = _of_paper_file(data)
        judged = Judged(0) if of_paper else judge(data, _keys())
    if of_paper:
        return of_paper
    if judged.status in (2, 4):
        return Answer("altered" if judged.status == 2 else "malformed")
    if judged.status != 0:
        return Answer("unproven")
    if not judged.case:
        return Answer("bundle")
    if judged.seal in ("broken", "foreign"):
        return Answer("altered" if judged.seal == "broken" else "foreign", seal=judged.seal)
    found = next((one for one in _standings(judged.case) if one.head == judged.head), None)
    answer = _standing(found) if found else Answer("unknown")
    return replace(answer, seal=judged.seal, seal_by=judged.seal_by, seal_at=judged.seal_at)


def _standing(one: Standing) -> Answer:
    return Answer("later" if one.later else "newest", one.entries, one.later)


def _standings(case: str) -> Iterator[Standing]:
    """The states of a household as its trail by this case shows them; none for a case that is not here."""
    try:
        with reading():
            dossier = store.read_dossier(case[:6], store.household_of(case))
            numbers = sorted((c.number for c in dossier.cases), key=lambda number: (number != case, number))
            entries = store.entries_of_all(case[:6], numbers)
    except NotFound:
        return
    chains = [(number, [(e.hash, str(e.body["at"])) for e in entries[number]]) for number in numbers]
    if numbers[:1] == [case] and sum(len(chain) for _, chain in chains) <= MOST_ENTRIES:
        yield from standings(chains)


def _keys() -> list[str]:
    """The public keys that prints of this installation were ever sealed by."""
    own, found = signer(), []
    for county in counties():
        with reading():
            head = seals.head(county)
        found += [own.key(origin_of(county, era)).text for era in range(1, (head.era if head else 1) + 1)]
    return found


@contextmanager
def _counted(source: str) -> Iterator[Callable[[], None]]:
    """Refuse whoever asks too much; strangers are counted apart, so that nobody is locked out of logging in."""
    settings, asker = runtime().settings, f"check:{source}"
    few, many = 2 * settings.login_failures, 20 * settings.login_failures
    with writing() as now:
        since = now - timedelta(seconds=settings.login_window)
        is_many = people.failures_since(since, username=ALL, source=asker) >= many
        if is_many or people.failures_since(since, username=WRONG, source=asker) >= few:
            raise Throttled(minutes=settings.login_window // 60)
        people.add_failure(ALL, asker, now)
    names: list[str] = []
    yield lambda: names.append(WRONG)
    for name in names:
        with writing() as now:
            people.add_failure(name, asker, now)
