"""Checkpoints by the API, and a witness that follows them over it."""

from app.services import seals, witness
from tests.api.site import caller
from tests.factories import XIUSHAN
from tests.world import World
from workflows.checkpoint import Note, read_note, read_proof, read_step, read_verifier_key

CASE = "500241H0000001-C1"


def test_checkpoints_steps_and_proofs(world: World) -> None:
    world.walker().act("report_clue")
    auditor = caller(world, world.person("auditor", XIUSHAN))
    auditor.get("/seals/500241/step")
    assert auditor.status == 404
    seals.seal("500241")
    found = auditor.get("/seals")
    assert [(row["number"], row["county"]) for row in found["rows"]] == [(1, "500241")]
    key = read_verifier_key(found["keys"][0])
    step = read_step(auditor.get("/seals/500241/step").decode())
    state: dict[str, Note] = {}
    assert [one.code for one in witness.watch([step], [key], state)] == ["first"]
    world.walker(2).act("report_clue")
    seals.seal("500241")
    size = step.note.checkpoint().size
    later = read_step(auditor.get(f"/seals/500241/step?old={size}").decode())
    assert [one.code for one in witness.watch([later], [key], state)] == ["taken"]
    auditor.get("/seals/500241/step?old=1000000")
    assert (auditor.status, auditor.code) == (409, "seal_forked")
    assert read_note(auditor.get("/seals/500241/2").decode()) == later.note
    assert read_proof(auditor.get(f"/cases/{CASE}/leaf").decode()).note == later.note
