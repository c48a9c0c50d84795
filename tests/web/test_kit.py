"""The auditor's kit: samples that anybody draws again, and lists of what deserves a look."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.exception_catalogue import exception_lists
from app.opened import opening_key
from app.sampling import drawn, population_digest
from app.services import audit_sample, exceptions, people, substitutes
from app.services.audit_sample import Asked
from app.services.several import Wanted, act_on_several
from app.store.transaction import writing
from app.tables import AccessRow, CommandRow, DeadlineRow, JournalRow, db
from tests.api.site import add_api, caller
from tests.factories import FENGDU, XIUSHAN, photo_at
from tests.web.filling import step_by_page
from tests.web.site import browser
from tests.world import KEYS, StoredWalker, World, picture
from workflows.clock import local_date
from workflows.errors import BadValue, NotAllowed, NotFound

NEIGHBOUR = "500241001202"
SEED = "2026-11-23 08 11 19"


def clues(world: World, count: int, area: str = XIUSHAN, first: int = 1) -> list[str]:
    """Cases that have just begun."""
    found = []
    for serial in range(first, first + count):
        walker = world.walker(serial, area).clue()
        found.append(walker.case.number)
    return found


# --- sample ---
def test_a_sample_is_drawn_again_by_hand(world: World) -> None:
    numbers = clues(world, 7)
    clues(world, 2, FENGDU, 20)
    auditor = world.person("auditor", XIUSHAN)
    found = audit_sample.draw(auditor, Asked(SEED, 3))
    assert [(one.rank, one.line.case.number) for one in found.rows] == drawn(SEED, 3, numbers)
    assert (found.population, found.digest) == (7, population_digest(numbers))
    noted = db.session.scalars(select(AccessRow.text).where(AccessRow.county == "500241")).all()[-1]
    assert f'"seed":"{SEED}"' in noted
    db.session.rollback()


def test_a_sample_by_area_gate_and_time(world: World) -> None:
    here, there = clues(world, 2), clues(world, 1, NEIGHBOUR, 5)
    auditor = world.person("auditor", XIUSHAN)

    def of(**asked: str) -> set[str]:
        return {one.line.case.number for one in audit_sample.draw(auditor, Asked(SEED, 50, **asked)).rows}

    assert of() == {*here, *there}
    assert of(area=NEIGHBOUR) == {*there}
    assert of(area="500241001") == {*here, *there}
    walker = world.walker(1)
    walker.refresh()
    walker.wait(days=1).act("nominate")
    assert of(gate="nominate") == {here[0]}
    day, before = walker.now.date().isoformat(), (walker.now - timedelta(days=1)).date().isoformat()
    assert of(begins=day) == {here[0]}
    assert of(ends=before) == {*here, *there}
    assert of(gate="nominate", ends=before) == set()
    assert of(definition="monitor_status") == {f"{number[:-3]}-S1" for number in (*here, *there)}


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("seed", {"seed": ""}),
        ("seed", {"seed": "a\nb"}),
        ("size", {"size": 0}),
        ("size", {"size": 1001}),
        ("area", {"area": "5002"}),
        ("area", {"area": FENGDU}),
        ("gate", {"gate": "x"}),
        ("definition", {"definition": "x"}),
        ("begins", {"begins": "gestern"}),
        ("ends", {"begins": "2026-03-02", "ends": "2026-03-01"}),
    ],
)
def test_a_sample_of_nonsense_is_refused(world: World, field: str, asked: dict[str, object]) -> None:
    with pytest.raises(BadValue) as refused:
        audit_sample.draw(world.person("auditor", XIUSHAN), Asked(**{"seed": SEED, **asked}))  # type: ignore[arg-type]
    assert refused.value.params["field"] == field


def test_the_page_the_table_and_the_api_draw_the_same(world: World) -> None:
    numbers = clues(world, 6)
    wanted = [number for _, number in drawn(SEED, 4, numbers)]
    auditor = world.person("auditor", XIUSHAN)
    add_api(world)
    one = browser(world, auditor)
    page = one.get(f"/audit/sample?seed={SEED}&size=4").text
    places = [page.index(number) for number in wanted]
    assert places == sorted(places)
    assert population_digest(numbers) in page
    table = one.get(f"/audit/sample.csv?seed={SEED}&size=4")
    assert table.last is not None
    rows = list(csv.reader(io.StringIO(table.last.get_data().decode("utf-8-sig"))))
    assert [row[1] for row in rows[2:]] == wanted
    assert "“种子”" in one.get("/audit/sample?seed=%20&size=4").text
    assert "不符合要求" in one.get(f"/audit/sample?seed={SEED}&size=x").text
    answer = caller(world, auditor).get(f"/audit/sample?seed={SEED}&size=4")
    assert [row["number"] for row in answer["rows"]] == wanted
    assert [row["rank"] for row in answer["rows"]] == [rank for rank, _ in drawn(SEED, 4, numbers)]


def test_a_token_of_a_village_draws_from_that_village(world: World) -> None:
    clues(world, 2)
    there = clues(world, 1, NEIGHBOUR, 5)
    add_api(world)
    answer = caller(world, world.person("auditor", XIUSHAN), area=NEIGHBOUR).get(f"/audit/sample?seed={SEED}")
    assert [row["number"] for row in answer["rows"]] == there


def test_only_auditors(world: World) -> None:
    lead = world.person("county_lead", XIUSHAN)
    with pytest.raises(NotAllowed):
        audit_sample.draw(lead, Asked(SEED))
    with pytest.raises(NotAllowed):
        exceptions.listed(lead, "night", exceptions.Asked())
    one = browser(world, lead)
    for path in ("/audit/sample", "/audit/exceptions", "/audit/exceptions/night"):
        assert one.get(path).status == 403, path


# --- exception lists ---
def hits(world: World, name: str, **thresholds: object) -> list[tuple[str, int]]:
    """The rows of a list: case and entry."""
    asked = exceptions.Asked(thresholds={key: str(value) for key, value in thresholds.items()})
    found = exceptions.listed(world.person("auditor", XIUSHAN), name, asked)
    return [(hit.line.case.number, hit.seq) for hit in found.found.rows]


def test_signed_within_seconds_of_opening_the_form(world: World) -> None:
    quick, slow = world.walker(1).clue(), world.walker(2).clue()
    world.now = quick.now
    step_by_page(quick, "village_cadre", "nominate")
    assert hits(world, "quick") == [(quick.case.number, 2)]
    opened = opening_key(KEYS.cookie, slow.now - timedelta(seconds=11))
    slow.act("nominate", key=opened)
    assert hits(world, "quick") == [(quick.case.number, 2)]
    assert sorted(hits(world, "quick", seconds=11)) == [(quick.case.number, 2), (slow.case.number, 2)]
    with pytest.raises(BadValue):
        hits(world, "quick", seconds=0)


def test_several_signed_at_once_tell_when_their_page_was_opened(world: World) -> None:
    walkers = [world.walker(serial).clue().walk("county_review") for serial in (1, 2)]
    world.now = max(walker.now for walker in walkers)
    wanted = [Wanted(walker.case.number, walker.case.seq) for walker in walkers]
    key = opening_key(KEYS.cookie, world.now - timedelta(seconds=3))
    lead = world.person("county_lead", XIUSHAN)
    data = {"approval_number": "1", "opinion": "同意"}
    answers = act_on_several(lead, action="county_approve", wanted=wanted, data=data, key=key)
    assert all(answer.refusal is None for answer in answers), [answer.refusal for answer in answers]
    assert {case for case, _ in hits(world, "quick")} == {walker.case.number for walker in walkers}


def test_who_invents_an_opening_gets_a_fresh_key(world: World) -> None:
    walker = world.walker().clue()
    world.now = walker.now
    one = browser(world, walker.actor("village_cadre"))
    path = f"/cases/{walker.case.number}/acts/add_evidence"
    one.get(path)
    forged = f"o{int(world.now.timestamp()) - 900:010}-{'0' * 16}-{'0' * 16}"
    one.move(path, {"key": forged, "note": "补充"}, ("other",))
    keys = db.session.scalars(select(CommandRow.key)).all()
    db.session.rollback()
    assert not any(forged in key for key in keys)


def test_signed_at_night(world: World) -> None:
    walker = world.walker().clue()
    walker.now = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)  # 23:30 in China
    walker.act("nominate")
    assert hits(world, "night") == [(walker.case.number, 2)]
    assert hits(world, "night", begins=0, ends=6) == []
    page = browser(world, world.person("auditor", XIUSHAN)).get("/audit/exceptions/night").text
    assert "23:30签字" in page
    assert "第2步" in page


def test_the_same_sentence_in_many_opinions(world: World) -> None:
    for serial in (1, 2, 3):
        world.walker(serial).clue().act(
            "nominate", opinion="经核实情况属实" if serial < 3 else "家庭确有困难，同意提名"
        )
    found = hits(world, "same_sentence", count=2)
    assert {case for case, _ in found} == {f"500241H000000{serial}-C1" for serial in (1, 2)}
    assert hits(world, "same_sentence", count=3) == []
    assert hits(world, "same_sentence", count=2, letters=8) == []


def test_notices_that_hung_too_short(world: World) -> None:
    walker = world.walker().clue().walk("publicizing")
    walker.now += timedelta(days=9)
    walker.act("close_publicity")
    world.now = walker.now
    assert hits(world, "short_notice") == []
    assert [case for case, _ in hits(world, "short_notice", days=10)] == [walker.case.number]
    with writing():  # what the machine refuses can only have been done behind its back
        db.session.execute(
            update(DeadlineRow).where(DeadlineRow.kind == "publicity_min").values(ended_at=DeadlineRow.start_at)
        )
    assert [case for case, _ in hits(world, "short_notice", days=1)] == [walker.case.number]


def test_steps_that_are_late(world: World) -> None:
    walker = world.walker().clue().walk("verifying")
    world.now = walker.now
    assert hits(world, "late") == []
    world.now += timedelta(days=40)
    assert (walker.case.number, 0) in hits(world, "late")
    assert hits(world, "late", days=400) == []


def test_visits_too_close_and_photos_too_alike(world: World) -> None:
    first, second = (world.walker(serial).clue().walk("verifying") for serial in (1, 2))
    first.now = second.now = max(first.now, second.now)
    first.act("verify")
    second.wait(minutes=4).act("verify")
    assert hits(world, "visits") == [(second.case.number, second.case.seq)]
    assert hits(world, "visits", minutes=4) == []
    auditor = browser(world, world.person("auditor", XIUSHAN))
    assert f"距{first.case.number}的走访4分钟" in auditor.get("/audit/exceptions/visits").text
    # The pictures of the tests are plain: like any other plain one, but these two are the very same file.
    assert {case for case, _ in hits(world, "photos")} == {first.case.number, second.case.number}


def visited(world: World, serial: int, north: int, *, minutes: int, shade: int) -> StoredWalker:
    """A household whose visit is proven by a photo at a place (micro-degrees north of one) and a time of day."""
    walker = world.walker(serial).clue().walk("verifying")
    data = photo_at(
        28_447_639 + north, 108_990_069, f"2026:03:02 {10 + minutes // 60:02}:{minutes % 60:02}:00", shade=shade
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.world.picture", lambda kind: data if kind == "visit_photo" else picture(kind))
        walker.act("verify")
    return walker


def test_visits_too_close_in_place(world: World) -> None:
    first = visited(world, 1, 0, minutes=0, shade=1)
    second = visited(world, 2, 72, minutes=60, shade=2)  # 8 m further north, an hour later
    visited(world, 3, 900, minutes=90, shade=3)  # 100 m
    visited(world, 4, 0, minutes=13 * 60 + 59, shade=4)  # at the same place, but at another time
    world.now = second.now
    assert hits(world, "visit_places") == [(second.case.number, second.case.seq)]
    assert hits(world, "visit_places", metres=8) == []  # 72 millionths of a degree are 8.02 m
    assert hits(world, "visit_places", metres=9) != []
    assert len(hits(world, "visit_places", metres=110)) == 2
    assert len(hits(world, "visit_places", hours=24)) == 2
    with pytest.raises(BadValue):
        hits(world, "visit_places", metres=201)
    auditor = world.person("auditor", XIUSHAN)
    add_api(world)
    page = browser(world, auditor).get("/audit/exceptions/visit_places").text
    assert f"与{first.case.number}的照片拍摄地点相距8米" in page
    assert "28.4" not in page
    row = caller(world, auditor).get("/audit/exceptions/visit_places")["rows"][0]
    assert row["why"] == f"与{first.case.number}的照片拍摄地点相距8米"
    assert not [text for text in db.session.scalars(select(JournalRow.text)) if "28447" in text]
    db.session.rollback()


def test_steps_by_substitutes(world: World) -> None:
    walker, own = world.walker(1).clue(), world.walker(2, NEIGHBOUR).clue()
    cadre, other = world.person("village_cadre", XIUSHAN), world.person("village_cadre", NEIGHBOUR)
    name = next(known for known, who in world.accounts.items() if who == other)
    today = local_date(world.now)
    days = {"begins": today.isoformat(), "ends": (today + timedelta(days=9)).isoformat()}
    substitutes.add(cadre, substitutes.Asked("village_cadre", XIUSHAN, reason="年休假", substitute=name, **days))
    own.act("nominate", people.actor_of_account(other.id))
    assert hits(world, "substitutes") == []
    walker.act("nominate", people.actor_of_account(other.id))
    assert hits(world, "substitutes") == [(walker.case.number, 2)]
    page = browser(world, world.person("auditor", XIUSHAN)).get("/audit/exceptions/substitutes").text
    assert f"代{cadre.name}办理" in page


def test_every_list_answers_in_both_languages_and_all_ways(world: World) -> None:
    walker = world.walker().clue()
    walker.now = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    walker.act("nominate")
    auditor = world.person("auditor", XIUSHAN)
    add_api(world)
    one, api = browser(world, auditor), caller(world, auditor)
    overview = one.get("/audit/exceptions").text
    assert [row["name"] for row in api.get("/audit/exceptions")["rows"]] == list(exception_lists())
    for name, known in exception_lists().items():
        assert known.text("title", "zh") in overview
        assert one.get(f"/audit/exceptions/{name}").status == 200, name
        assert one.get(f"/audit/exceptions/{name}?area={XIUSHAN}&since=2026-01-01&until=2026-12-31").status == 200, name
        assert "不符合要求" in one.get(f"/audit/exceptions/{name}?since=x").text, name
        assert one.get(f"/audit/exceptions/{name}.csv").status == 200, name
        assert one.get(f"/audit/exceptions/{name}?after=x~y~z~w").status == 200, name
        assert api.get(f"/audit/exceptions/{name}")["list"]["name"] == name
    row = api.get("/audit/exceptions/night?thresholds=begins=23,ends=1")["rows"][0]
    assert (row["entry"], row["why"]) == (2, "23:30签字")
    assert api.get("/audit/exceptions/night?thresholds=x=1")["code"] == "bad_value"
    assert api.get("/audit/exceptions/nothing")["code"] == "not_found"
    with pytest.raises(NotFound):
        exceptions.listed(auditor, "nothing", exceptions.Asked())


def test_a_list_is_read_page_by_page(world: World) -> None:
    for serial in range(1, 6):
        walker = world.walker(serial).clue()
        walker.now = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
        walker.act("nominate")
    auditor, seen, after = world.person("auditor", XIUSHAN), [], ""
    for _ in range(3):
        found = exceptions.listed(auditor, "night", exceptions.Asked(), after=after, size=2).found
        seen += [hit.line.case.number for hit in found.rows]
        after = found.following
    assert after == ""
    assert sorted(seen) == [f"500241H000000{serial}-C1" for serial in range(1, 6)]
