"""Households of a roster as the tables will hold them: sealed while they are read, so that nothing else lies about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.idnumber import mask
from app.keys import Keys
from app.roster import HouseholdRow, MemberRow, RowError
from app.roster.messages import row_error, scrub

SEALED = "account_cipher"
LONGEST_NAME, LONGEST_NUMBER = 60, 40


@dataclass(frozen=True, slots=True)
class PreparedMember:
    """A person; ``values`` are the columns that a later roster may change."""

    row: int
    id_key: str
    id_masked: str
    id_cipher: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A household, its head first; ``values`` are the columns that a later roster may change, but for the area."""

    row: int
    number: str
    village: str
    grid: str
    head_key: str
    account: str
    values: dict[str, Any]
    members: tuple[PreparedMember, ...]
    errors: tuple[RowError, ...]

    @property
    def county(self) -> str:
        """The county of the village."""
        return self.village[:6]


def prepare(keys: Keys, row: HouseholdRow) -> Prepared:
    """Return a household as it will be stored; numbers of people and accounts are sealed from here on."""
    county = row.village[:6]
    ordered = sorted(row.members, key=lambda m: not m.is_head)
    members = tuple(_member(keys, county, m) for m in ordered)
    head_key = members[0].id_key
    place = f"household:{county}:{head_key}:account"
    account = keys.encrypt(row.account, place=place) if row.account else ""
    values = _values(keys, row)
    return Prepared(row.row, row.number, row.village, row.grid, head_key, account, values, members, too_long(row))


def _member(keys: Keys, county: str, member: MemberRow) -> PreparedMember:
    number = member.id_number
    id_key = keys.person_key(number.core)
    cipher = keys.encrypt(number.full, place=id_place(county, id_key))
    return PreparedMember(member.row, id_key, mask(number.full), cipher, _person_values(member))


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


def _values(keys: Keys, row: HouseholdRow) -> dict[str, Any]:
    details = {
        "category": row.category,
        "identified": row.identified,
        "bank": row.bank,
        "account_key": keys.person_key(f"account:{row.account}") if row.account else "",
        "risks": list(row.risks),
        "incomes": dict(row.incomes),
        "facts": dict(row.facts),
    }
    return {
        "national_number": row.number or None,
        "group_name": row.group,
        "head_name": row.head.name,
        "member_count": len(row.members),
        "kind": row.kind,
        "phone": row.phone,
        "details": {name: value for name, value in details.items() if value},
    }


def _person_values(member: MemberRow) -> dict[str, Any]:
    details = {
        "nation": member.nation,
        "politics": member.politics,
        "education": member.education,
        "schooling": member.schooling,
        "health": list(member.health),
        "labour": member.labour,
        "phone": member.phone,
        "work_place": member.work_place,
        "work_months": member.work_months,
        "facts": dict(member.facts),
    }
    return {
        "name": member.name,
        "relation": member.relation,
        "sex": member.sex,
        "born": member.id_number.birth.isoformat(),
        "details": {name: value for name, value in details.items() if value not in ("", None, [], {})},
    }


# --- rows of the tables ---
HOUSEHOLD_COLUMNS = (
    "county", "number", "national_number", "area", "village", "township", "group_name", "head_name", "head_key",
    "member_count", "kind", "phone", "details", "created_at",
)  # fmt: skip
MEMBER_COLUMNS = (
    "county", "household", "position", "name", "relation", "sex", "born", "id_key", "id_masked", "id_cipher", "details",
)  # fmt: skip


def stored_details(one: Prepared) -> dict[str, Any]:
    """Return a household's details as they are stored, with the sealed account."""
    details: Mapping[str, Any] = one.values["details"]
    return {**details, SEALED: one.account} if one.account else dict(details)


def household_tuple(number: str, one: Prepared, area: str, at: str) -> tuple[Any, ...]:
    """Return a row of households, in the order of ``HOUSEHOLD_COLUMNS``."""
    v = one.values
    return (
        one.county, number, v["national_number"], area, one.village, f"{one.village[:9]}000", v["group_name"],
        v["head_name"], one.head_key, v["member_count"], v["kind"], v["phone"], json.dumps(stored_details(one)), at,
    )  # fmt: skip


def member_tuples(number: str, one: Prepared) -> list[tuple[Any, ...]]:
    """Return the rows of members, in the order of ``MEMBER_COLUMNS``."""
    return [
        (
            one.county, number, position, m.values["name"], m.values["relation"], m.values["sex"], m.values["born"],
            m.id_key, m.id_masked, m.id_cipher, json.dumps(m.values["details"]),
        )
        for position, m in enumerate(one.members, start=1)
    ]  # fmt: skip
