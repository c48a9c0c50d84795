"""Households of a roster as the tables will hold them: sealed while they are read, so that nothing else lies about."""

import json
from functools import lru_cache
from typing import Any, NamedTuple

from app.idnumber import mask
from app.keys import Keys
from app.roster import HouseholdRow, MemberRow, RowError
from app.roster.messages import row_error, scrub

SEALED = "account_cipher"
ENCODER = json.JSONEncoder(ensure_ascii=False)  # made once: there are some hundred thousand texts to write
LONGEST_NAME, LONGEST_NUMBER = 60, 40


class PreparedMember(NamedTuple):
    """A person; ``details`` is JSON text. Tuples go between processes several times faster than other objects."""

    row: int
    id_key: str
    id_masked: str
    id_cipher: str
    name: str
    relation: str
    sex: str
    born: str
    details: str


class Status(NamedTuple):
    """What a roster says of a household's monitoring until now; times are YYYYMM, YYYYMMDD or empty."""

    category: str
    identified: str
    eliminated: str
    risks: tuple[str, ...]
    is_safety_net: bool
    helper: str
    measures: tuple[str, ...]


class Prepared(NamedTuple):
    """A household, its head first; ``details`` is JSON text, without the sealed account."""

    row: int
    number: str
    village: str
    grid: str
    head_key: str
    account: str
    group_name: str
    head_name: str
    kind: str
    phone: str
    details: str
    status: Status
    members: tuple[PreparedMember, ...]
    errors: tuple[RowError, ...]

    @property
    def county(self) -> str:
        """The county of the village."""
        return self.village[:6]

    @property
    def township(self) -> str:
        """The township of the village."""
        return f"{self.village[:9]}000"

    @property
    def national_number(self) -> str | None:
        """The number in the national system, if there is one."""
        return self.number or None

    @property
    def member_count(self) -> int:
        """How many people."""
        return len(self.members)


def prepare(keys: Keys, row: HouseholdRow) -> Prepared:
    """Return a household as it will be stored; numbers of people and accounts are sealed from here on."""
    county = row.village[:6]
    ordered = sorted(row.members, key=lambda m: not m.is_head)
    members = tuple(_member(keys, county, m) for m in ordered)
    head_key = members[0].id_key
    place = f"household:{county}:{head_key}:account"
    account = keys.encrypt(row.account, place=place) if row.account else ""
    return Prepared(
        row.row, row.number, row.village, row.grid, head_key, account, row.group, row.head.name, row.kind, row.phone,
        _details(keys, row), _status(row), members, too_long(row),
    )  # fmt: skip


def _member(keys: Keys, county: str, member: MemberRow) -> PreparedMember:
    number = member.id_number
    id_key = keys.person_key(number.core)
    cipher = keys.encrypt(number.full, place=id_place(county, id_key))
    return PreparedMember(
        member.row, id_key, mask(number.full), cipher, member.name, member.relation, member.sex,
        number.birth.isoformat(), _person_details(member),
    )  # fmt: skip


def id_place(county: str, id_key: str) -> str:
    """Return the place to which a member's encrypted identity number is bound."""
    return f"member:{county}:{id_key}:id"


def too_long(row: HouseholdRow) -> tuple[RowError, ...]:
    """Return an error for each text that the tables have no room for."""
    texts = [(row.row, "户编号", row.number, LONGEST_NUMBER), (row.row, "组", row.group, LONGEST_NAME)]
    texts += [(m.row, "姓名", m.name, LONGEST_NAME) for m in row.members]
    return tuple(
        row_error(at, column, "text_too_long", value=scrub(text))
        for at, column, text, most in texts
        if len(text) > most
    )


def _status(row: HouseholdRow) -> Status:
    is_safety_net = bool(row.facts.get("safety_net"))
    return Status(row.category, row.identified, row.eliminated, row.risks, is_safety_net, row.helper, row.measures)


def _details(keys: Keys, row: HouseholdRow) -> str:
    return _json(
        {
            "category": row.category,
            "identified": row.identified,
            "eliminated": row.eliminated,
            "helper": row.helper,
            "measures": row.measures,
            "bank": row.bank,
            "account_key": keys.person_key(f"account:{row.account}") if row.account else "",
            "risks": row.risks,
            "incomes": row.incomes,
            "facts": row.facts,
        }
    )


def _person_details(member: MemberRow) -> str:
    common = _common_details(
        member.nation, member.politics, member.education, member.schooling, member.health, member.labour,
        member.work_months, tuple(member.facts.items()),
    )  # fmt: skip
    own = {"phone": member.phone, "work_place": member.work_place}
    if not (member.phone or member.work_place):
        return common
    text = _json(own)
    return f"{common[:-1]}, {text[1:]}" if common != "{}" else text


@lru_cache(1 << 15)
def _common_details(
    nation: str, politics: str, education: str, schooling: str, health: tuple[str, ...], labour: str,
    work_months: int | None, facts: tuple[tuple[str, bool], ...],
) -> str:  # fmt: skip
    """What many people have in common, written once: a good part of them share it (measured)."""
    return _json(
        {
            "nation": nation,
            "politics": politics,
            "education": education,
            "schooling": schooling,
            "health": health,
            "labour": labour,
            "work_months": work_months,
            "facts": dict(facts),
        }
    )


def _json(details: dict[str, Any]) -> str:
    """JSON text of what is known: no months of work is known, an empty cell is not."""
    return ENCODER.encode({name: value for name, value in details.items() if value or value == 0})


# --- rows of the tables ---
HOUSEHOLD_COLUMNS = (
    "county", "number", "national_number", "area", "village", "township", "group_name", "head_name", "head_key",
    "member_count", "kind", "phone", "details", "created_at",
)  # fmt: skip
MEMBER_COLUMNS = (
    "county", "household", "position", "name", "relation", "sex", "born", "id_key", "id_masked", "id_cipher", "details",
)  # fmt: skip


def stored_details(one: Prepared) -> str:
    """Return a household's details as they are stored, with the sealed account."""
    # Base64 needs no escape, and a household with an account has details besides.
    return f'{details_before_account(one)}{one.account}"}}' if one.account else one.details


def details_before_account(one: Prepared) -> str:
    """Return how the stored details of a household with an account begin, up to the sealed account."""
    return f'{one.details[:-1]}, "{SEALED}": "'


def household_tuple(number: str, one: Prepared, area: str, at: str) -> tuple[Any, ...]:
    """Return a row of households, in the order of ``HOUSEHOLD_COLUMNS``."""
    return (
        one.county, number, one.national_number, area, one.village, one.township, one.group_name, one.head_name,
        one.head_key, one.member_count, one.kind, one.phone, stored_details(one), at,
    )  # fmt: skip


def member_tuples(number: str, one: Prepared) -> list[tuple[Any, ...]]:
    """Return the rows of members, in the order of ``MEMBER_COLUMNS``."""
    county = one.county
    return [
        (county, number, position, m.name, m.relation, m.sex, m.born, m.id_key, m.id_masked, m.id_cipher, m.details)
        for position, m in enumerate(one.members, start=1)
    ]
