"""What a roster holds once read: households, members, and the errors of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.idnumber import IdNumber


@dataclass(frozen=True)
class RowError:
    """One thing to put right. `row` is Excel's (1-based; 0 when the file as a whole is refused).

    `value` and both messages never show an identity, phone or bank number in clear.
    """

    row: int
    column: str
    value: str
    code: str
    message_zh: str
    message_en: str


@dataclass(frozen=True)
class MemberRow:
    """One person. Codes are the ids of `app.roster.codes`; facts are the yes/no columns present."""

    row: int
    name: str = field(repr=False)
    id_number: IdNumber
    relation: str
    sex: str
    nation: str
    politics: str
    education: str
    schooling: str
    health: tuple[str, ...]
    labour: str
    phone: str = field(repr=False)
    work_place: str
    work_months: int | None
    facts: Mapping[str, bool]

    @property
    def is_head(self) -> bool:
        return self.relation == "head"


@dataclass(frozen=True)
class HouseholdRow:
    """One household and its members in file order; money in fen, `grid` and `helper` as typed.

    `identified` and `eliminated` are YYYYMM, YYYYMMDD or "".
    """

    row: int
    number: str
    village: str
    grid: str
    group: str
    kind: str
    category: str
    identified: str
    eliminated: str
    helper: str
    measures: tuple[str, ...]
    phone: str = field(repr=False)
    bank: str = field(repr=False)
    account: str = field(repr=False)
    risks: tuple[str, ...]
    incomes: Mapping[str, int]
    facts: Mapping[str, bool]
    members: tuple[MemberRow, ...]

    @property
    def head(self) -> MemberRow:
        return next(member for member in self.members if member.is_head)


@dataclass(frozen=True)
class Roster:
    """A roster read. When `error_count` is not 0 the caller takes nothing (all or nothing).

    `errors` stops at 1,000; `error_count` counts them all. `header_row` is 1-based, 0 if none.
    `ignored` lists headings that are not known. Households with errors are left out.
    """

    households: tuple[HouseholdRow, ...]
    errors: tuple[RowError, ...]
    sheet: str
    header_row: int
    error_count: int
    ignored: tuple[str, ...] = ()
    row_count: int = 0

    @property
    def is_clean(self) -> bool:
        return self.error_count == 0

    @property
    def synthetic_count(self) -> int:
        """Members whose identity number is made up (region 999999)."""
        people = (member for household in self.households for member in household.members)
        return sum(member.id_number.is_synthetic for member in people)
