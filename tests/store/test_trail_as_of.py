"""A trail as of a day: the chains as they ended then, the seal of then, said on its face, true as an earlier print."""

import json
from datetime import timedelta

import pytest

from app.printing import print_trail, verify
from app.services.seal_keys import key_of
from app.services.seals import seal
from reports import fangpin_verify as alone
from reports.trail import MalformedTrail, read_trail
from tests.print.test_render import text_of
from tests.world import StoredWalker, World
from workflows.clock import local_date
from workflows.errors import BadValue, NotFound

pytestmark = pytest.mark.above_store  # prints of what other tests of the store write on both
COUNTY = "500241"


def evenings(world: World) -> tuple[StoredWalker, dict[str, bytes]]:
    """A case that goes on for days, each sealed in the night; for each evening what was printed then."""
    walker, then = world.walker().clue(), {}
    for action in ("nominate", "sign_authorization", "verify"):
        world.now = walker.now
        then[local_date(walker.now).isoformat()] = print_trail(world.person("auditor"), case=walker.case.number)
        walker.wait(days=1)
        world.now = walker.now - timedelta(hours=9)
        seal(COUNTY)
        walker.act(action)
    world.now = walker.now + timedelta(days=3)
    seal(COUNTY)
    return walker, then


def trail_of(pdf: bytes) -> dict[str, object]:
    return dict(json.loads(alone.Pdf(pdf).read(alone.TRAIL)))


def head_of(pdf: bytes) -> str:
    return str(alone.Trail(alone.Pdf(pdf).read(alone.TRAIL)).head)


def test_each_evening_has_the_head_that_was_printed_then(world: World) -> None:
    walker, then = evenings(world)
    key = key_of(COUNTY).text
    assert len({head_of(pdf) for pdf in then.values()}) == len(then)
    for day, printed in then.items():
        pdf = print_trail(world.person("auditor"), case=walker.case.number, as_of=day)
        assert head_of(pdf) == head_of(printed), day
        assert trail_of(pdf)["chains"] == trail_of(printed)["chains"]
        assert trail_of(pdf)["disclosures"] == trail_of(printed)["disclosures"]
        assert trail_of(pdf)["as_of"] == day
        assert f"{day}终了时的情况" in text_of(pdf)
        status, said, _ = alone.verify(pdf, key=key)
        assert status == 0
        assert "by_log" in [code for code, _ in said]  # sealed in the night after that day
        assert verify(pdf, database=True, key=key).code == 0
        assert pdf == print_trail(world.person("auditor"), case=walker.case.number, as_of=day)


def test_a_later_print_confirms_its_head_as_an_earlier_one(world: World) -> None:
    walker, then = evenings(world)
    early = print_trail(world.person("auditor"), case=walker.case.number, as_of=min(then))
    now = print_trail(world.person("auditor"), case=walker.case.number)
    _, said, _ = alone.verify(now, key=key_of(COUNTY).text, head=head_of(early))
    assert "earlier_head" in [code for code, _ in said]


def test_days_for_which_there_is_no_trail(world: World) -> None:
    walker, then = evenings(world)
    auditor, number = world.person("auditor"), walker.case.number
    first = min(then)
    for day in ("gestern", "2026-02-30", (local_date(world.now) + timedelta(days=1)).isoformat()):
        with pytest.raises(BadValue):
            print_trail(auditor, case=number, as_of=day)
    before = (local_date(world.now) - timedelta(days=60)).isoformat()
    assert before < first
    with pytest.raises(NotFound):
        print_trail(auditor, case=number, as_of=before)


def test_a_print_whose_day_was_changed_is_altered(world: World) -> None:
    from tests.prove.edited_prints import rewritten

    walker, then = evenings(world)
    days = sorted(then)
    pdf = print_trail(world.person("auditor"), case=walker.case.number, as_of=days[0])
    key = key_of(COUNTY).text
    assert alone.verify(rewritten(pdf, {days[0].encode(): days[1].encode()}), key=key)[0] == 2


@pytest.mark.parametrize("day", ["2026-13-01", "x", 5, ["2026-01-01"], "2026-1-1"])
def test_a_day_that_is_none_is_malformed(world: World, day: object) -> None:
    walker = world.walker().clue()
    body = trail_of(print_trail(world.person("auditor"), case=walker.case.number)) | {"as_of": day}
    with pytest.raises(MalformedTrail):
        read_trail(json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
