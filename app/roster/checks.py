"""Checks across the cells of a person and across the people of a household."""

from collections.abc import Iterator, Sequence
from datetime import date

from app.idnumber import IdNumber
from app.roster.records import HouseholdRow, MemberRow

#: (field, code, value fit to be shown)
Fault = tuple[str, str, str]


def person_faults(number: IdNumber, sex: str, birth: date | None) -> Iterator[Fault]:
    """Sex and birth date against the identity number. The year only: see `values.day`."""
    if sex and sex != number.sex:
        yield "sex", "sex_mismatch", "男" if sex == "male" else "女"
    if birth and birth != number.birth:
        yield "birth", "birth_mismatch", f"{birth.year}…"


def relation_faults(first_row: int, relations: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """(row, code) where a household hasn't exactly one head or has a second spouse.

    `relations` holds (row, relation id) of each member; an unreadable relation is "".
    """
    heads = [row for row, relation in relations if relation == "head"]
    spouses = [row for row, relation in relations if relation == "spouse"]
    # A relation that could not be read may be the head's: it has its own error already.
    is_unsure = any(not relation for _, relation in relations)
    faults = [(first_row, "head_missing")] if not heads and not is_unsure else []
    faults += [(row, "head_twice") for row in heads[1:]]
    return faults + [(row, "spouse_twice") for row in spouses[1:]]


def status_faults(household: HouseholdRow, today: date) -> Iterator[tuple[str, str]]:
    """(field, code) where the dates of monitoring can't be: elimination before identification, or in the future."""
    identified, eliminated = household.identified, household.eliminated
    if not identified and not eliminated:
        return  # most households were never monitored
    if eliminated and not identified:
        yield "identified", "identified_missing"
    day = f"{today:%Y%m%d}"
    for column, text in (("identified", identified), ("eliminated", eliminated)):
        if text > day[: len(text)]:
            yield column, "status_future"
    shorter = min(len(identified), len(eliminated))
    if eliminated[:shorter] < identified[:shorter]:
        yield "eliminated", "status_order"


def has_two_educations(member: MemberRow) -> bool:
    """The national system takes either the education or the school year."""
    return bool(member.education and member.schooling)
