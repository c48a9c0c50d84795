"""Full, masked and public trails: the same entries and heads, fewer values opened; erased ones break nothing."""

import json
import zlib

import pytest
from sqlalchemy import delete, select

from app.printing import print_trail, verify
from app.services.seal_keys import key_of
from app.services.seals import seal
from app.store.transaction import reading, writing
from app.tables import AccessRow, DisclosureRow, db
from reports import fangpin_verify as alone
from tests.print.test_render import text_of
from tests.web.test_boards import CANARIES, with_canaries
from tests.world import World
from workflows.errors import BadValue, NotAllowed, NotFound
from workflows.variants import VARIANTS

pytestmark = pytest.mark.above_store  # prints of what other tests of the store write on both
COUNTY = "500241"


def everything_in(pdf: bytes) -> str:
    """Text of the pages, attachments, metadata and the bare bytes of the file."""
    held = alone.Pdf(pdf)
    streams = [stream for _, stream, _ in held.objects.values() if stream]
    inside = b"".join(zlib.decompress(stream) if stream[:1] == b"x" else stream for stream in streams)
    return text_of(pdf) + (inside + pdf).decode("utf-8", "replace")


def heads_of(pdf: bytes) -> tuple[str, list[list[str]]]:
    trail = json.loads(alone.Pdf(pdf).read(alone.TRAIL))
    return alone.Trail(alone.Pdf(pdf).read(alone.TRAIL)).head, [chain["entries"] for chain in trail["chains"]]


def test_variants_differ_in_openings_alone_and_all_verify(world: World) -> None:
    walker = with_canaries(world)
    auditor, number = world.person("auditor"), walker.case.number
    seal(COUNTY)
    key = key_of(COUNTY).text
    prints = {variant: print_trail(auditor, case=number, variant=variant) for variant in VARIANTS}
    assert len({json.dumps(heads_of(pdf)) for pdf in prints.values()}) == 1
    shown = {variant: json.loads(alone.Pdf(pdf).read(alone.TRAIL))["disclosures"] for variant, pdf in prints.items()}
    assert [row for row in shown["full"] if row["field"] == "head_name"] == shown["masked"]
    assert shown["public"] == []
    for variant, pdf in prints.items():
        assert pdf == print_trail(auditor, case=number, variant=variant), "the same bytes"
        assert verify(pdf, database=True, key=key).code == 0, variant
        status, said, _ = alone.verify(pdf, key=key)
        assert (status, [code for code, _ in said]) == (0, ["by_key", "by_log", "left_latest"]), variant
    with reading():
        lines = [json.loads(row.text) for row in db.session.scalars(select(AccessRow).order_by(AccessRow.seq))]
    told = [line["detail"].get("variant", "full") for line in lines if line["kind"] == "trail_print"]
    assert told == [*VARIANTS, *VARIANTS]


def test_a_public_trail_tells_nothing_personal(world: World) -> None:
    walker = with_canaries(world)
    number, name = walker.case.number, walker.dossier.subject.name
    public = print_trail(world.person("auditor"), case=number, variant="public")
    # The rules that are attached name every risk there is, so of those only the pages are looked through.
    for canary in (*CANARIES[:5], name):
        assert canary not in everything_in(public), canary
    for canary in (*CANARIES, name):
        assert canary not in text_of(public), canary
    assert "本件不公开" in text_of(public)
    masked = print_trail(world.person("auditor"), case=number, variant="masked")
    assert name in text_of(masked)
    assert not any(canary in everything_in(masked) for canary in CANARIES[:5])


def test_who_sees_a_case_prints_it_without_personal_values(world: World) -> None:
    walker = world.walker().include().assist()
    number, member = walker.case.number, world.person("grid_member")
    assert print_trail(member, case=number, variant="masked")
    assert print_trail(member, case=number, variant="public")
    with pytest.raises(NotAllowed):
        print_trail(member, case=number)
    with pytest.raises(BadValue):
        print_trail(member, case=number, variant="odd")
    stranger = world.person("village_cadre", "500230001001")
    for variant in ("masked", "public"):
        with pytest.raises(NotFound):
            print_trail(stranger, case=number, variant=variant)


def test_an_erased_value_never_breaks_a_chain(world: World) -> None:
    walker = with_canaries(world)
    auditor, number = world.person("auditor"), walker.case.number
    seal(COUNTY)
    before = {variant: print_trail(auditor, case=number, variant=variant) for variant in VARIANTS}
    with writing():
        db.session.execute(delete(DisclosureRow).where(DisclosureRow.field.in_(["opinion", "clue_note", "head_name"])))
    for variant in VARIANTS:
        after = print_trail(auditor, case=number, variant=variant)
        assert heads_of(after) == heads_of(before[variant])
        for pdf in (after, before[variant]):
            assert verify(pdf, database=True, key=key_of(COUNTY).text).code == 0
            assert alone.verify(pdf, key=key_of(COUNTY).text)[0] == 0
    assert "依法删除" in text_of(print_trail(auditor, case=number))
    assert print_trail(auditor, case=number, variant="public") == before["public"]
