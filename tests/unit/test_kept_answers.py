"""What is computed once and kept is what would be computed each time."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.cases import _clocks_text, case_of, case_values
from app.store.statements import CASE_COLUMNS
from app.tables import CaseRow
from tests.factories import included, rules
from workflows.clock import utc_text
from workflows.errors import WrongState
from workflows.machine import Compiled
from workflows.model import Case


def machines() -> Iterator[Compiled]:
    """Every definition under every pack."""
    found = rules()
    for definition in found.definitions.values():
        for pack in found.packs.values():
            for purpose in definition.purposes:
                yield found._machine(definition, pack, purpose)


def fired(compiled: Compiled, action: str, state: str, target: str, *, anew: bool) -> str:
    """Where a move arrives, or that it leads nowhere."""
    try:
        return (compiled._fire if anew else compiled.fire)(action, state, target)
    except WrongState:
        return "refused"


def test_a_move_arrives_where_the_machine_says_each_time() -> None:
    for compiled in machines():
        names = {name.partition(">")[0] for name in compiled.machine.events}
        for action in sorted(names):
            for state in compiled.states:
                for target in compiled.targets(action, state) or compiled.states[:2]:
                    truth = fired(compiled, action, state, target, anew=True)
                    assert [fired(compiled, action, state, target, anew=False) for _ in range(2)] == [truth] * 2


def test_no_machine_has_what_could_make_a_move_differ() -> None:
    """Neither conditions nor callbacks; otherwise where a move arrives could not be kept."""
    for compiled in machines():
        machine = compiled.machine
        assert not machine.before_state_change
        assert not machine.after_state_change
        for state in machine.states.values():
            assert not state.on_enter
            assert not state.on_exit
        for event in machine.events.values():
            for arrow in (one for arrows in event.transitions.values() for one in arrows):
                assert [*arrow.conditions, *arrow.prepare, *arrow.before, *arrow.after] == []


def test_steps_and_timers_are_found_by_their_names() -> None:
    for compiled in machines():
        assert list(compiled.timers_by_id.values()) == list(compiled.timers)
        steps = (*compiled.order, *compiled.alongside.values())
        for step in steps:
            assert compiled.step_of(step.action) == next(one for one in steps if one.action == step.action)
        assert compiled.step_of("none") is None


def test_columns_stand_in_the_order_of_a_case() -> None:
    assert (*(field.name for field in fields(Case)), "updated_at") == CASE_COLUMNS


def test_a_row_gives_back_its_case_and_nobody_shares_its_parts() -> None:
    for case in included().dossier.cases:
        row = CaseRow(**case_values(case, {"village": "", "township": ""}, "2026-01-01T00:00:00Z"))
        first, second = case_of(row), case_of(row)  # type: ignore[arg-type]
        assert first == second == case
        assert first.clocks is not second.clocks
        assert first.fields is not second.fields
        kinds = sorted(case.clocks)
        assert _clocks_text(tuple(case.clocks.items())) == _clocks_text(tuple((k, case.clocks[k]) for k in kinds))


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-1439, 1439))
def test_a_time_is_written_the_same_from_any_zone(moment: datetime, minutes: int) -> None:
    try:
        zoned = moment.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:  # no year before the first or after the last one
        return
    whole = zoned.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    assert utc_text(zoned) == utc_text(zoned.astimezone(UTC)) == f"{whole.isoformat()}Z"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        utc_text(datetime(2026, 1, 1))  # noqa: DTZ001
