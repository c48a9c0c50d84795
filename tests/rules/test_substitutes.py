"""The proof knows substitutes: nobody carries a case alone by standing in, and nobody by being stood in for."""

from collections.abc import Callable
from datetime import date

import pytest

from tests.factories import XIUSHAN, rules
from workflows.guards import Context
from workflows.prove.hands import hands

DAY = date(2026, 3, 2)


def only_actor(context: Context) -> tuple[str, ...]:
    return (context.actor.person,)


def only_absent(context: Context) -> tuple[str, ...]:
    behalf = context.office.behalf if context.office else None
    return (behalf.person if behalf else context.actor.person,)


@pytest.mark.parametrize("purpose", ["include", "eliminate"])
def test_with_substitutes_a_case_needs_as_many_people_as_without(purpose: str) -> None:
    count, finding = hands(rules(), XIUSHAN, DAY, purpose)
    assert count > 1
    assert finding is None


@pytest.mark.parametrize("broken", [only_actor, only_absent])
def test_the_proof_fails_when_one_of_the_two_does_not_count(
    broken: Callable[[Context], tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "hands", property(broken))
    count, finding = hands(rules(), XIUSHAN, DAY, "include")
    assert count == 1
    assert finding is not None
    assert finding.code == "one_person_alone"
    assert "代" in finding.path["zh"]
