"""Official papers are issued once: their number (发文字号), day and check code stand in the access ledger for good.

What is printed again with the same content is the same paper and bears the same number, however often it is printed;
another content is another paper. The number is given out in the transaction that writes its line, under the lock of the
county's ledger, so none is given twice, and a number that was never printed is explained by its line. A look at a paper
gives out nothing: there the number is blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.labels import Speech
from app.paper_list import only
from app.runtime import runtime
from app.services.papers.made import LANGUAGE, Made
from app.store import issued as store
from app.store import ledger
from app.store.transaction import reading, writing
from workflows.checkcode import paper_code, paper_qr_text
from workflows.clock import local_date, parse_utc
from workflows.document_numbers import document_number, mark_of
from workflows.journal import canonical, digest
from workflows.model import Actor

KIND = "paper_issue"
ISSUED_ANEW = frozenset({"docnumber", "check", "day", "year"})  # what an issue itself puts on a paper


@dataclass(frozen=True)
class Issue:
    """One issued paper as its line tells it: ``number`` is empty where the office numbers by hand."""

    county: str
    line: int
    at: datetime
    paper: str
    subject: str
    content: str
    number: str
    rows: int

    @property
    def code(self) -> str:
        """The check code that stands on it."""
        return paper_code(self.county, self.line, self.content)


def issued(actor: Actor, made: Sequence[Made]) -> list[Made]:
    """Return papers as they go out: the official ones with number, day and check code, issued now where they were not.

    Who only audits issues nothing: such a print shows what was issued, if it was.
    """
    issuing = [one for one in made if _is_official(one) and _may_issue(actor, one)]
    given: dict[str, Issue] = {}
    if issuing:
        with writing() as now:
            for county in sorted({one.county for one in issuing}):
                ledger.lock(county)
            for one in issuing:
                given[content_of(one)] = _issue_of(content_of(one)) or _issued_now(actor, one, now)
    return [_stamped(one, given[content_of(one)]) if one in issuing else as_issued(one) for one in made]


def as_issued(made: Made) -> Made:
    """Return a paper with number, day and code under which this content was issued; as it is where it never was."""
    if not _is_official(made):
        return made
    with reading():
        found = _issue_of(content_of(made))
    return _stamped(made, found) if found else made


def content_of(made: Made) -> str:
    """Return the keyed digest of all that a paper says, apart from what an issue puts on it."""
    values = {name: value for name, value in made.values.items() if name not in ISSUED_ANEW}
    return runtime().keys.paper_digest(canonical([made.county, made.paper.id, made.subject, values]))


def read_issue(county: str, line: int, found: tuple[ledger.Line, str] | None) -> Issue | None:
    """Return what a line of the ledger issued, None where it issued no paper."""
    if found is None or found[0].kind != KIND:
        return None
    (_, subject, detail), at = found
    number, rows = str(detail["number"]), int(detail["rows"])
    return Issue(county, line, parse_utc(at), str(detail["paper"]), subject, str(detail["content"]), number, rows)


def newer_than(issue: Issue) -> bool:
    """Tell whether the same paper of the same case was issued again since, with another content; in a transaction."""
    latest = store.line_of(store.LATEST, _kind_of(issue.paper, issue.subject))
    return bool(latest) and latest != (issue.county, issue.line) and "-" in issue.subject


def _is_official(made: Made) -> bool:
    return made.paper.kind == "official" and not made.is_blank and bool(made.issuer)


def _may_issue(actor: Actor, made: Made) -> bool:
    return any(office.role in made.paper.roles and office.role != "auditor" for office in actor.offices)


def _issue_of(content: str) -> Issue | None:
    found = store.told(store.CONTENT, content)
    issue = read_issue(found[0], found[1], found[2:]) if found else None
    return issue if issue and issue.content == content else None


def _issued_now(actor: Actor, made: Made, now: datetime) -> Issue:
    """Write the line that gives out the next number of the office's series; the county's ledger is locked."""
    content, year = content_of(made), local_date(now).year
    mark = mark_of(_marks(made, now), made.issuer, made.paper.id)
    series = digest(canonical([made.county, mark, year]))
    before = store.told(store.SERIES, series) if mark else None
    count = int(before[2].detail["count"]) + 1 if before else 1
    number = document_number(mark, year, count) if mark else ""
    rows = sum(len(group["rows"]) for group in made.values.get("groups", ())) or 1
    detail: dict[str, Any] = {"paper": made.paper.id, "number": number, "content": content, "rows": rows}
    detail |= {"count": count, "series": series} if mark else {}
    line = ledger.append(made.county, user=actor.id, kind=KIND, subject=made.subject, now=now, detail=detail)
    pointers = {store.CONTENT: content, store.LATEST: _kind_of(made.paper.id, made.subject)}
    for kind, name in ({**pointers, store.SERIES: series} if mark else pointers).items():
        store.point(kind, name, made.county, line)
    return Issue(made.county, line, now, made.paper.id, made.subject, content, number, rows)


def _marks(made: Made, now: datetime) -> Sequence[object]:
    day = local_date(now)
    found = runtime().rules.pack_for(made.issuer, day).given("document_marks", day)
    return tuple(found.value) if found else ()


def _kind_of(paper: str, subject: str) -> str:
    return digest(canonical([paper, subject]))


def _stamped(made: Made, issue: Issue) -> Made:
    day = local_date(issue.at)
    check = {"code": issue.code, "text": paper_qr_text(issue.county, issue.line, issue.rows, issue.content)}
    words = Speech(LANGUAGE, day, made.issuer)
    anew = {"docnumber": issue.number, "year": str(day.year), "day": words.date(day), "check": check}
    return replace(made, values=only(made.paper, {**made.values, **anew}), now=issue.at, line=issue.line)
