"""Areas: the tree grows by files, all or nothing, and gives the name paths of a roster."""

import hashlib
import json

import pytest
from sqlalchemy import select

from app.services import areas
from app.services.areas import BadAreas
from app.store import areas as store
from app.store.transaction import reading
from app.tables import AccessRow, db
from tests.world import World
from workflows.errors import BadValue, NotFound

HEAD = "code,name,level,parent_code\n"
COUNTY = (
    "500000000000,重庆市,province,\n500200000000,县,prefecture,500000000000\n500241000000,秀山县,county,500200000000\n"
)
TOWN = "500241103000,隘口镇,township,500241000000\n500241103204,平所村,village,500241103000\n"


def take(text: str) -> areas.Taken:
    """Import a text as a file."""
    return areas.import_areas(text.encode())


def test_shipped_divisions_come_in_once(world: World) -> None:
    assert areas.import_shipped("500241") == areas.Taken(298, 0, 0)
    assert areas.import_shipped("500241") == areas.Taken(0, 0, 298)
    with reading():
        assert store.count_by_level("500241") == {"county": 1, "township": 27, "village": 268}


def test_two_counties_share_the_province(world: World) -> None:
    areas.import_shipped("500241")
    taken = areas.import_shipped("500230")
    assert (taken.added, taken.unchanged) == (369, 2)


def test_a_renamed_area_is_changed(world: World) -> None:
    take(HEAD + COUNTY + TOWN)
    assert take(HEAD + TOWN.replace("隘口镇", "隘口街道")) == areas.Taken(0, 1, 1)
    assert areas.path_names("500241103204") == ["重庆市", "秀山县", "隘口街道", "平所村"]


def ledger_lines() -> list[dict[str, object]]:
    """What the access ledgers hold, in order."""
    with reading():
        texts = db.session.scalars(select(AccessRow.text).order_by(AccessRow.county, AccessRow.seq))
        return [json.loads(text) for text in texts]


def test_each_county_touched_has_it_in_its_ledger(world: World) -> None:
    first = (HEAD + COUNTY + TOWN + "500230000000,丰都县,county,500200000000\n").encode()
    areas.import_areas(first)
    areas.import_areas(first)
    take(HEAD + TOWN.replace("隘口镇", "隘口街道"))
    said = [(line["county"], line["user"], line["kind"], line["subject"], line["detail"]) for line in ledger_lines()]
    file = hashlib.sha256(first).hexdigest()
    again = hashlib.sha256((HEAD + TOWN.replace("隘口镇", "隘口街道")).encode()).hexdigest()
    assert said == [
        ("500230", "cli", "areas_imported", "500230", {"file": file, "areas_added": 1, "areas_changed": 0}),
        ("500241", "cli", "areas_imported", "500241", {"file": file, "areas_added": 3, "areas_changed": 0}),
        ("500241", "cli", "areas_imported", "500241", {"file": again, "areas_added": 0, "areas_changed": 1}),
    ]


def test_gb18030_as_excel_saves_it(world: World) -> None:
    taken = areas.import_areas((HEAD + COUNTY + TOWN).encode("gb18030"))
    assert taken.added == 5
    assert areas.path_names("500241103204")[-1] == "平所村"


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("code,name\n", 1, "areas_columns"),
        (HEAD + "50024110300,隘口镇,township,500241000000\n", 2, "areas_code"),
        (HEAD + "500241103204,隘口镇,township,500241000000\n", 2, "areas_code"),
        (HEAD + "500241103000,隘口镇,town,500241000000\n", 2, "areas_level"),
        (HEAD + "500241103000,,township,500241000000\n", 2, "areas_name"),
        (HEAD + "500241103000,隘口镇,township,\n", 2, "areas_parent"),
        (HEAD + "500241103000,隘口镇,township,500230000000\n", 2, "areas_parent"),
        (HEAD + COUNTY + TOWN + TOWN, 7, "areas_twice"),
        (HEAD + TOWN, 2, "areas_parent"),
        (HEAD + COUNTY + "500241103204,平所村,village,500241103000\n", 5, "areas_parent"),
    ],
)
def test_a_bad_line_stops_everything(world: World, text: str, line: int, code: str) -> None:
    with pytest.raises(BadAreas) as refusal:
        take(text)
    assert (refusal.value.line, refusal.value.code) == (line, code)
    with reading():
        assert store.counties() == []


def test_an_area_keeps_its_level(world: World) -> None:
    take(HEAD + COUNTY + TOWN)
    with pytest.raises(BadAreas) as refusal:
        take(HEAD + "500241103000,隘口镇,village,500241000000\n")
    assert refusal.value.code == "areas_level"


def test_no_encoding_is_guessed_beyond_two(world: World) -> None:
    with pytest.raises(BadAreas) as refusal:
        areas.import_areas(b"code\xff\xff")
    assert refusal.value.code == "areas_encoding"


def test_grids_are_added_to_their_village(world: World) -> None:
    take(HEAD + COUNTY + TOWN)
    areas.add_grid("500241103204001", "第一网格")
    assert areas.inside("500241103204") == [("500241103204001", "第一网格", "grid")]
    for code, error in (("500241103204001", BadValue), ("5002411032041", BadValue), ("500241103999001", NotFound)):
        with pytest.raises(error):
            areas.add_grid(code, "又一个")


def test_name_paths_keep_villages_of_one_name_apart(world: World) -> None:
    take(HEAD + COUNTY + TOWN + "500241103205,平所村,village,500241103000\n")
    with reading():
        assert areas.name_paths("500241") == {
            "500241103204/秀山县/隘口镇/平所村": "500241103204",
            "500241103205/秀山县/隘口镇/平所村": "500241103205",
        }
