"""Export: what a roster brought in goes out in its layout and comes back unchanged; numbers are masked by default."""

import io
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from app.services import areas
from app.services.export import HEADINGS, export_households
from app.services.households import import_households
from app.store.transaction import reading
from app.tables import AccessRow, db
from tests.unit.roster_books import HEAD, WIFE, book
from tests.world import World
from workflows.errors import BadValue, WrongOffice
from workflows.model import Actor

SAMPLE = Path("app/data/samples/roster-500241.xlsx")
VILLAGE = "500241103204"


@pytest.fixture
def clerk(world: World) -> Actor:
    """A county clerk in a county with its villages."""
    areas.import_shipped("500241")
    return world.person("county_lead", VILLAGE)


def workbook(lines: list[list[str | float | int]]) -> bytes:
    """The lines as a workbook."""
    made = Workbook()
    for line in lines:
        made.worksheets[0].append(line)
    packed = io.BytesIO()
    made.save(packed)
    return packed.getvalue()


def test_what_came_in_goes_out_and_comes_back_unchanged(clerk: Actor) -> None:
    import_households(clerk, data=SAMPLE.read_bytes())
    lines = list(export_households(clerk, purpose="与国家系统核对"))
    renamed = {"监测对象类别": "防止返贫致贫对象类别"}  # the group's name of 2026
    assert lines[0] == [renamed.get(heading, heading) for heading in HEADINGS]
    again = import_households(clerk, data=workbook(lines))
    assert (again.error_count, again.unchanged, again.difference_count) == (0, 60, 0)


def test_numbers_are_masked_unless_there_is_a_purpose(clerk: Actor) -> None:
    rows = [{**HEAD, "户联系电话": "13900001111", "银行卡号": "6222000011112222"}, WIFE]
    import_households(clerk, data=book(rows))
    masked, whole = (str(list(export_households(clerk, purpose=purpose))) for purpose in ("", "核对"))
    for secret in (str(HEAD["证件号码"]), "13900001111", "6222000011112222"):
        assert secret not in masked
        assert secret in whole


def test_an_area_is_exported_by_those_who_answer_for_it(world: World, clerk: Actor) -> None:
    import_households(clerk, data=SAMPLE.read_bytes())
    town = world.person("township_officer", VILLAGE)
    villages = HEADINGS.index("村代码")
    own = {line[villages] for line in list(export_households(town))[1:]}
    assert own == {"500241103204", "500241103205"}
    one = list(export_households(clerk, area=VILLAGE))[1:]
    assert {line[villages] for line in one} == {VILLAGE}
    for who, area in ((town, "500241111200"), (world.person("auditor"), ""), (world.person("village_cadre"), "")):
        with pytest.raises(WrongOffice):
            export_households(who, area=area)
    with pytest.raises(BadValue):
        export_households(clerk, purpose="因" * 201)


def test_every_export_stands_in_the_access_ledger(clerk: Actor) -> None:
    export_households(clerk, area=VILLAGE, purpose="核对")
    with reading():
        line = db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq.desc())).first()
    assert line is not None
    assert "households_exported" in line
    assert "核对" in line
