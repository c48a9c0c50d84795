"""Official papers go out with a number that is given once and a code that anybody checks; a look gives out nothing."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pypdf
import pytest
from sqlalchemy import select

from app import printing
from app.services import papers
from app.services.papers.issued import issued
from app.services.papers.made import Made
from app.store import issued as store
from app.store.transaction import reading, writing
from app.tables import AccessRow, db
from tests.factories import XIUSHAN
from tests.store.test_races import at_once
from tests.web.site import browser
from tests.web.test_check import ask, stranger
from tests.web.test_papers import CASE, COUNTY, text_of
from tests.world import World
from workflows.checkcode import read_code
from workflows.model import Actor

CODE = re.compile(r"核验码：([0-9A-Z-]{29})")
NUMBER = re.compile(r"[^\d—（）：]{2,12}〔\d{4}〕\d+号")
TOWNSHIP = f"{XIUSHAN[:9]}000"


def lines(kind: str = "paper_issue") -> list[dict[str, object]]:
    """The lines of a kind, in order."""
    query = select(AccessRow.text).where(AccessRow.text.contains(f'"kind":"{kind}"')).order_by(AccessRow.seq)
    with reading():
        return [json.loads(text) for text in db.session.scalars(query)]


def approved(world: World, *serials: int) -> None:
    """Households that the county has approved."""
    for serial in serials:
        walker = world.walker(serial).clue().walk("announcing")
    world.now = walker.now


def replied(world: World, role: str = "county_lead") -> bytes:
    """The county's reply as a file, printed by somebody who has just logged in."""
    one = browser(world, world.person(role))
    one.get("/papers").post("/papers/county_reply", {"area": COUNTY})
    assert one.last is not None
    assert one.status == 200
    return bytes(one.last.data)


def refused(world: World, serial: int = 1) -> str:
    """A case that ended with a refusal."""
    walker = world.walker(serial).clue().walk("verifying")
    walker.act("refuse", "village_cadre", reason="收入稳定，不符合条件")
    world.now = walker.now
    return CASE.replace("0000001", f"{serial:07d}")


def test_a_reply_is_numbered_once_however_often_it_is_printed(world: World) -> None:
    approved(world, 1, 2)
    lead = browser(world, world.person("county_lead"))
    seen = lead.get(f"/papers/county_reply?area={COUNTY}").text
    assert "秀防贫发" not in seen
    assert "核验码" not in seen
    assert lines() == []
    first = replied(world)
    assert "秀防贫发〔2026〕1号" in text_of(first)
    world.now += timedelta(days=2)
    assert replied(world) == first  # the day of issue stands on it, not that of the second print
    assert len(lines()) == 1
    approved(world, 3)
    assert "秀防贫发〔2026〕2号" in text_of(replied(world))
    assert [line["detail"]["count"] for line in lines()] == [1, 2]  # type: ignore[index]
    assert [line["detail"]["rows"] for line in lines()] == [2, 3]  # type: ignore[index]


def test_a_new_year_begins_anew(world: World) -> None:
    approved(world, 1)
    replied(world)
    approved(world, 2)
    world.now += timedelta(days=360)
    assert "秀防贫发〔2027〕1号" in text_of(replied(world))


def test_the_code_and_the_file_of_a_reply_are_checked_by_anybody(world: World) -> None:
    approved(world, 1, 2)
    pdf = replied(world)
    found = CODE.search(text_of(pdf))
    assert found
    one = stranger(world)
    assert ask(one, code=found[1]) == "issued"
    for said in ("秀防贫发〔2026〕1号", "涉及 2 户", "年"):
        assert said in one.text, said
    assert "张三" not in one.text
    assert ask(one, file=pdf) == "issued"
    assert ask(one, file=pdf[:3000] + bytes([pdf[3000] ^ 1]) + pdf[3001:]) == "altered"
    assert ask(one, file=pdf + b"%") == "altered"
    symbol = f"FP1:{XIUSHAN[:6]}P{read_code(found[1]).line}:2:{'0' * 32}:{found[1]}"
    assert ask(one, code=symbol) == "issued"


def test_a_made_up_code_is_unknown(world: World) -> None:
    from workflows.checkcode import paper_code

    approved(world, 1)
    replied(world)
    one = stranger(world)
    issue = lines()[0]
    seq, content = int(str(issue["seq"])), str(issue["detail"]["content"])  # type: ignore[index]
    assert ask(one, code=paper_code(XIUSHAN[:6], seq, content)) == "issued"
    assert ask(one, code=paper_code(XIUSHAN[:6], seq, "0" * 64)) == "unknown"
    assert ask(one, code=paper_code(XIUSHAN[:6], seq + 1, content)) == "unknown"  # the line of the print itself
    assert ask(one, code=paper_code("110101", seq, content)) == "unknown"
    strange = f"%PDF-1.7 /Keywords ({paper_code(XIUSHAN[:6], seq, 'ab' * 32)})".encode()
    assert ask(one, file=strange) == "unknown"


def test_a_letter_bears_a_code_and_is_numbered_by_hand_where_the_township_has_no_mark(world: World) -> None:
    case = refused(world)
    one = browser(world, world.person("township_officer"))
    one.post(f"/cases/{case}/papers/refusal_letter", {})
    assert one.last is not None
    text = text_of(one.last.data)
    assert "〔2026〕号" in text
    found = CODE.search(text)
    assert found
    whoever = stranger(world)
    assert ask(whoever, code=found[1]) == "issued"
    assert "手工编号" in whoever.text
    assert ask(whoever, file=one.last.data) == "issued"


def test_every_official_paper_of_the_catalogue_is_issued_with_a_code() -> None:
    from app.paper_list import papers as catalogue

    official = {name for name, paper in catalogue().items() if paper.kind == "official"}
    assert official == {"refusal_letter", "appeal_decision", "township_report", "county_reply"}


def test_a_report_of_a_township_bears_a_code(world: World) -> None:
    walker = world.walker().clue().walk("county_review")
    world.now = walker.now
    one = browser(world, world.person("township_officer"))
    one.post("/papers/township_report", {"area": TOWNSHIP})
    assert one.last is not None
    found = CODE.search(text_of(one.last.data))
    assert found
    assert ask(stranger(world), code=found[1]) == "issued"


def test_an_auditor_s_print_issues_nothing_and_shows_what_was_issued(world: World) -> None:
    approved(world, 1)
    assert CODE.search(text_of(replied(world, "auditor"))) is None
    assert lines() == []
    first = replied(world)
    assert "秀防贫发〔2026〕1号" in text_of(replied(world, "auditor"))
    assert replied(world, "auditor") == first


def test_a_letter_issued_anew_is_told_of_the_old_one(world: World) -> None:
    case = refused(world)
    actor = world.person("township_officer")
    made = papers.of_case(actor, case=case, paper="refusal_letter")
    first = issued(actor, [made])[0]
    values = {**made.values, "place": "别处"}
    second = issued(actor, [type(made)(made.paper, made.county, made.subject, values, made.now, {}, made.issuer)])[0]
    one = stranger(world)
    assert ask(one, code=first.values["check"]["code"]) == "reissued"
    assert ask(one, code=second.values["check"]["code"]) == "issued"


def test_several_letters_are_one_file(world: World) -> None:
    cases = [refused(world, serial) for serial in (1, 2)]
    actor = world.person("township_officer")
    pdf = printing.print_papers(actor, papers.of_cases(actor, cases=cases, paper="refusal_letter"))
    assert len(set(CODE.findall(text_of(pdf)))) == 2
    one = stranger(world)
    assert ask(one, file=pdf) == "issued"
    assert "涉及" not in one.text


def test_a_pointer_that_lies_is_not_believed(world: World) -> None:
    """The line is the truth: a pointer to another line issues nothing."""
    approved(world, 1)
    replied(world)
    content = str(lines()[0]["detail"]["content"])  # type: ignore[index]
    with writing():
        store.point(store.CONTENT, content, XIUSHAN[:6], 10**6)
    assert "秀防贫发〔2026〕2号" in text_of(replied(world))


def test_a_symbol_of_thirty_millimetres_stands_on_the_sheet(world: World) -> None:
    approved(world, 1)
    pdf = replied(world)
    keywords = pypdf.PdfReader(io.BytesIO(pdf)).metadata
    assert keywords is not None
    assert CODE.search(text_of(pdf))[1] in str(keywords["/Keywords"])  # type: ignore[index]


def number_of(actor: Actor, made: Made) -> str:
    """The number under which a paper goes out."""
    return str(issued(actor, [made])[0].values["docnumber"])


def test_no_number_is_given_twice_when_many_print_at_once(world: World) -> None:
    """Eight replies, each printed by four people at once: eight numbers without a gap."""
    approved(world, 1)
    lead = world.person("county_lead")
    made = papers.of_area(lead, paper="county_reply", area=COUNTY)
    several = [replace(made, values={**made.values, "recipients": [f"第{n}镇"]}) for n in range(8)]
    jobs: list[Callable[[], str]] = [partial(number_of, lead, one) for one in several * 4]
    given = at_once(world, jobs)
    assert given == {f"秀防贫发〔2026〕{n}号": 4 for n in range(1, 9)}
    assert len(lines()) == 8


@pytest.mark.parametrize("name", ["county_reply", "refusal_letter"])
def test_a_county_s_template_without_room_still_bears_the_code(name: str) -> None:
    from reports.papers.typeset import Sheet, _checked

    shown = _checked(Sheet('<article class="paper"><p>x</p></article>', name, check=("AB-CD", "FP1:x")))
    assert "<svg" in shown
    assert "AB-CD" in shown
