"""What is shipped is sound; the checker knows every guard, parameter and word that there is."""

import time

import pytest

from tests.factories import rules
from tests.rules.mutations import MUTATIONS
from workflows import guards
from workflows.prove import barriers, check, texts
from workflows.registry import load_rules
from workflows.terms import load_terms

LONGEST = 30.0  # seconds of one processor for all shipped packs, as the office would wait for them


def test_shipped_rules_are_sound() -> None:
    """No finding, a space of thousands of states, four persons for a case, and not too long."""
    begin = time.process_time()
    shipped = load_rules()
    for proof in check.prove(shipped):
        assert proof.findings == (), [finding.sentence("en") for finding in proof.findings]
        assert proof.states > 5_000
        assert proof.people == {"include": 4, "eliminate": 4}
    assert time.process_time() - begin < LONGEST


def test_invented_county_is_sound() -> None:
    """Seven steps in an order of their own, proven by data alone."""
    (proof,) = check.prove(rules(), ["520999-seven-steps"])
    assert proof.is_sound
    assert proof.people == {"include": 4, "eliminate": 4}


def test_what_a_county_omits_is_not_called_idle() -> None:
    """Eight steps without fast track and appeal: what only these led to (early help, deciding appeals) is gone too."""
    (proof,) = check.prove(rules(), ["520998-eight-steps"])
    assert proof.findings == (), [finding.sentence("en") for finding in proof.findings]


def test_packs_of_one_shape_are_explored_once() -> None:
    """Xiushan orders the steps as the nation does: only limits and clauses are looked at anew."""
    prover = check.Prover(load_rules(), imports=False, people=False)
    prover.prove(prover.rules.packs["national"])
    begin = time.process_time()
    prover.prove(prover.rules.packs["500241-xiushan"])
    assert time.process_time() - begin < 1
    assert len(prover._explored) == 2  # gates with status and help, and the findings of auditors, which touch neither


def test_the_checker_knows_every_guard_and_parameter() -> None:
    """A guard without its abstraction, or a parameter without its reader, would be proven wrongly."""
    assert barriers.GUARDS.keys() == guards.GUARDS.keys()
    packs = rules().packs.values()
    assert {row.id for pack in packs for row in pack.parameters} == texts.READERS.keys()


@pytest.mark.parametrize("code", sorted({code for *_, code in MUTATIONS} - {"bad_rules"}))
def test_every_finding_has_its_words(code: str) -> None:
    """In both languages, with what to do."""
    for lang in ("zh", "en"):
        assert len(load_terms().text(f"finding.{code}", lang)) > 15
