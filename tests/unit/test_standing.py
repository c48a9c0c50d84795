"""The states that a household's chains have gone through: those that prints can have shown, and no others."""

from workflows.journal import trail_head
from workflows.standing import Standing, standings

A, B = "500241H0000001-C1", "500241H0000001-M1"


def test_states_newest_first() -> None:
    chains = [(A, [("a1", "T1"), ("a2", "T2"), ("a3", "T3")]), (B, [("b1", "T2")])]
    assert [(one.entries, one.later) for one in standings(chains)][:1] == [(4, 0)]
    found = {one.head: one for one in standings(chains)}
    assert found[trail_head([(A, 3, "a3"), (B, 1, "b1")])] == Standing(trail_head([(A, 3, "a3"), (B, 1, "b1")]), 4, 0)
    assert found[trail_head([(A, 2, "a2"), (B, 1, "b1")])].later == 1
    assert found[trail_head([(A, 1, "a1")])].later == 3


def test_two_entries_of_one_second_may_have_been_printed_between() -> None:
    chains = [(A, [("a1", "T1"), ("a2", "T1"), ("a3", "T2")])]
    assert {one.entries for one in standings(chains)} == {1, 2, 3}
    both = [(A, [("a1", "T1"), ("a2", "T2")]), (B, [("b1", "T2")])]
    heads = {one.head for one in standings(both)}
    assert trail_head([(A, 2, "a2")]) in heads
    assert trail_head([(A, 1, "a1")]) in heads


def test_a_state_that_never_was_is_not_found() -> None:
    chains = [(A, [("a1", "T1"), ("a2", "T3")]), (B, [("b1", "T2")])]
    assert trail_head([(A, 2, "a2")]) not in {one.head for one in standings(chains)}


def test_a_household_without_entries_has_no_state() -> None:
    assert list(standings([])) == []
    assert list(standings([(A, [])])) == []
