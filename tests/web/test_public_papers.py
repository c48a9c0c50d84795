"""Every paper that hangs in public, of households full of signs that must never be seen there: none of them is."""

import json
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from sqlalchemy import select, update

from app import printing
from app.paper_list import papers
from app.services import papers as service
from app.services.papers import Made
from app.store.transaction import reading, writing
from app.tables import AccessRow, Household, Member, db
from tests.factories import XIUSHAN
from tests.web.site import browser
from tests.web.test_papers import text_of
from tests.world import StoredWalker, World

PUBLIC = [name for name, paper in papers().items() if paper.is_public]
PRIVATE = ("13912345678", "999999195803047777", "6217000012345678", "肝癌", "幼子小明", "NATIONAL-4711")
FOR = {"public_notice": "publicizing", "announcement": "announcing"}
KEEP = {"visited_on"}


def poisoned(world: World, purpose: str, until: str) -> tuple[StoredWalker, list[str]]:
    """A household in a public state; all that nobody may see bears a sign, every text that people typed too."""
    walker = world.walker()
    if purpose == "eliminate":
        walker.include().assist().wait(days=240)
    with writing():
        details = {"account": PRIVATE[2], "health": PRIVATE[3]}
        db.session.execute(update(Household).values(phone=PRIVATE[0], details=details, national_number=PRIVATE[5]))
        db.session.execute(update(Member).values(id_masked=PRIVATE[1], details={"health": PRIVATE[3]}))
        db.session.execute(update(Member).where(Member.position > 1).values(name=PRIVATE[4]))
    texts = {name for d in walker.rules.definitions.values() for name, f in d.fields.items() if f.type == "text"}
    walker.extra |= {name: f"CANARY-{name}" for name in texts if name not in KEEP}
    walker.clue(purpose).walk(until)
    world.now = walker.now
    return walker, [*PRIVATE, "CANARY", "因病", "大额医疗", "李四"]


def everything_of(made: Made, pdf: bytes) -> str:
    """All that leaves the house with a print: text, every stream and object, metadata, file name, bookmark, preview."""
    with pikepdf.open(BytesIO(pdf)) as held, held.open_outline() as outline:
        streams = b"".join(item.read_bytes() for item in held.objects if isinstance(item, pikepdf.Stream))
        plain = "".join(str(item) for item in held.objects if not isinstance(item, pikepdf.Stream))
        marks = "".join(item.title for item in outline.root)
        assert "/EmbeddedFiles" not in held.Root.get("/Names", {})
        assert not list(held.attachments)
    coded = "".join(streams.decode(code, "replace") for code in ("utf-8", "utf-16-be", "gb18030"))
    values = json.dumps(made.values, ensure_ascii=False)
    return "".join(
        [text_of(pdf), coded, plain, marks, made.file_name, made.bookmark, values, printing.paper_html(made)]
    )


def test_every_public_paper_has_its_state_here() -> None:
    assert set(PUBLIC) == set(FOR)


@pytest.mark.parametrize("purpose", ["include", "eliminate"])
@pytest.mark.parametrize("name", PUBLIC)
def test_no_sign_of_what_is_private_stands_anywhere(world: World, name: str, purpose: str) -> None:
    _, signs = poisoned(world, purpose, FOR[name])
    area = XIUSHAN if papers()[name].of == "village" else f"{XIUSHAN[:9]}000"
    actor = world.person("township_officer")
    made = service.of_area(actor, paper=name, area=area)
    text = everything_of(made, printing.print_papers(actor, [made]))
    assert "张三" in text
    for sign in signs:
        assert sign not in text, sign
    assert made.file_name == f"{name}-{area}.pdf"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", PUBLIC)
def test_the_page_and_its_headers_hold_none_either(world: World, name: str, lang: str) -> None:
    _, signs = poisoned(world, "include", FOR[name])
    area = XIUSHAN if papers()[name].of == "village" else f"{XIUSHAN[:9]}000"
    one = browser(world, world.person("township_officer"))
    one.get("/papers").post("/language", {"lang": lang, "back": f"/papers/{name}?area={area}"})
    shown = one.get(f"/papers/{name}?area={area}").text
    one.post(f"/papers/{name}", {"area": area})
    assert one.last is not None
    for sign in signs:
        assert sign not in shown, sign
        assert sign not in str(one.last.headers), sign


def test_the_signs_are_really_there(world: World) -> None:
    """Else the proofs above would prove nothing: a paper that is not public shows some of them."""
    walker, _ = poisoned(world, "include", "publicizing")
    actor = world.person("township_officer")
    made = service.of_case(actor, case=walker.case.number, paper="collection_form")
    values = json.dumps(made.values, ensure_ascii=False)
    for sign in (PRIVATE[1], PRIVATE[4], "CANARY"):
        assert sign in values, sign


def own_template(world: World, name: str, text: str) -> None:
    """A county's own template, put into the folder of the setting."""
    folder = world.folder / "own-papers"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.html").write_text(text, encoding="utf-8")
    held = world.app.extensions["fangpin"]
    held.settings = held.settings.__class__(**{**held.settings.__dict__, "papers": folder})


BODY = '{{% extends "base.html" %}}{{% block body %}}<p>本县格式 {}</p>{{% endblock %}}'
REACHING = ("{{ v.phone }}", "{{ v.members }}", "{{ v.groups[0].rows[0].phone }}", "{{ v.groups[0].rows[0].risks }}")


@pytest.mark.parametrize("reach", REACHING)
def test_a_county_s_template_of_a_public_paper_reaches_nothing_more(world: World, reach: str) -> None:
    poisoned(world, "include", "publicizing")
    own_template(world, "public_notice", BODY.format(reach))
    actor = world.person("township_officer")
    made = service.of_area(actor, paper="public_notice", area=XIUSHAN)
    with pytest.raises(printing.BadPaper):
        printing.print_papers(actor, [made])


def test_a_county_s_template_is_used_on_page_and_print_without_code(world: World) -> None:
    """By hand: one file in a folder; looked at, printed, numbered, its digest in the ledger."""
    walker = world.walker().clue().walk("announcing")
    world.now = walker.now
    own_template(world, "county_reply", BODY.format("{% for g in v.groups %}{{ g.rows[0].head }}{% endfor %}"))
    one = browser(world, world.person("county_lead"))
    area = f"{XIUSHAN[:6]}000000"
    assert "本县格式 张三" in one.get(f"/papers/county_reply?area={area}").text
    one.post("/papers/county_reply", {"area": area})
    assert one.last is not None
    text = text_of(one.last.data)
    for said in ("本县格式张三", "秀防贫发〔2026〕1号", "核验码"):
        assert said in text, said
    with reading():
        found: list[dict[str, Any]] = [json.loads(line) for line in db.session.scalars(select(AccessRow.text))]
    (line,) = [one for one in found if one["kind"] == "paper_print"]
    assert len(line["detail"]["template"]) == 64
