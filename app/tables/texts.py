"""What an index finds in stored texts without reading them, by expressions that both engines keep up to date.

Entries and lines of the ledger are canonical JSON that nobody may change, so nothing can be copied out of them into a
column later. An index over an expression is built from the texts as they lie and can't differ from them. None of the
expressions fails on a text that is no JSON: a damaged row must be found by the check, not stop the database.
"""

from typing import Any

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

GATE_MARK = '"format":"fp-entry-v1","gate":"'  # keys are sorted, and a quote within a text has a backslash before it
BAND = 2000  # micro-degrees
SUBJECT_MARK = ',"subject":"'
OPENED = (
    "/o" + 10 * "[0-9]" + "-*"
)  # what follows the user in the key of a form that was opened on a page (app/opened.py)


class subject_key(GenericFunction[str]):  # noqa: N801 - a function of SQL, named like one
    """County and subject of a line of the access ledger, of (county, text): "500241 500241H0000001-C1".

    Both are one expression: SQLite without statistics would rather read the county's chain by the key of its table.
    """

    type = String()
    inherit_cache = True


class gate_of(GenericFunction[str]):  # noqa: N801 - a function of SQL, named like one
    """The gate at which an entry was signed, an empty text for none."""

    type = String()
    inherit_cache = True


class gate_key(GenericFunction[str]):  # noqa: N801 - a function of SQL, named like one
    """County and gate of an entry, of (county, text): "500241 verify"."""

    type = String()
    inherit_cache = True


class band_of(GenericFunction[int]):  # noqa: N801 - a function of SQL, named like one
    """The band of the map that a latitude (micro-degrees) lies in: 222 m from south to north, as a whole number."""

    type = Integer()
    inherit_cache = True


class taken_of(GenericFunction[int]):  # noqa: N801 - a function of SQL, named like one
    """The seconds from the opening of a form to its command, of (key, time); NULL where the key tells no opening."""

    type = BigInteger()
    inherit_cache = True


def _given(element: Any, compiler: Any, **how: Any) -> list[str]:
    return [compiler.process(clause, **how) for clause in element.clauses]


@compiles(subject_key, "sqlite")
def _subject_on_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    county, text = _given(element, compiler, **how)
    return f"{county} || ' ' || CASE WHEN json_valid({text}) THEN json_extract({text}, '$.subject') END"


@compiles(subject_key, "postgresql")
def _subject_on_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    county, text = _given(element, compiler, **how)
    return f"(({county} || ' ') || split_part(split_part({text}, '{SUBJECT_MARK}', -1), '\"', 1))"


@compiles(gate_of, "sqlite")
def _gate_on_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    [text] = _given(element, compiler, **how)
    return _gate_in_sqlite(text)


@compiles(gate_key, "sqlite")
def _gate_key_on_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    county, text = _given(element, compiler, **how)
    return f"{county} || ' ' || {_gate_in_sqlite(text)}"


def _gate_in_sqlite(text: str) -> str:
    begins = f"instr({text}, '{GATE_MARK}')"
    rest = f"substr({text}, {begins} + {len(GATE_MARK)}, 80)"
    return f"CASE WHEN {begins} > 0 THEN substr({rest}, 1, instr({rest}, '\"') - 1) ELSE '' END"


@compiles(gate_of, "postgresql")
def _gate_on_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    [text] = _given(element, compiler, **how)
    return _gate_in_postgresql(text)


@compiles(gate_key, "postgresql")
def _gate_key_on_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    county, text = _given(element, compiler, **how)
    return f"(({county} || ' ') || {_gate_in_postgresql(text)})"


def _gate_in_postgresql(text: str) -> str:
    return f"split_part(split_part({text}, '{GATE_MARK}', 2), '\"', 1)"


@compiles(band_of)
def _band(element: Any, compiler: Any, **how: Any) -> str:
    (given,) = _given(element, compiler, **how)
    return f"(({given}) / {BAND})" if " " in given else f"({given} / {BAND})"  # an index is compared word by word


@compiles(taken_of, "sqlite")
def _taken_on_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    key, at = _given(element, compiler, **how)
    rest = f"substr({key}, instr({key}, '/'))"
    is_keyed = f"{key} GLOB 'u[0-9]*' AND {rest} GLOB '{OPENED}'"
    opened = f"CAST(substr({rest}, 3, 10) AS INTEGER)"
    return f"CASE WHEN {is_keyed} THEN CAST(strftime('%s', {at}) AS INTEGER) - {opened} END"


@compiles(taken_of, "postgresql")
def _taken_on_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    """By calendar arithmetic on the text: no cast to a time is immutable, as an index wants it."""
    key, at = _given(element, compiler, **how)
    year, month, day, hour, minute, second = (
        f"substr({at}, {place}, {size})::integer" for place, size in ((1, 4), (6, 2), (9, 2), (12, 2), (15, 2), (18, 2))
    )
    days = f"(make_date({year}, {month}, {day}) - make_date(1970, 1, 1))::bigint"
    opened = f"substring({key}, '^u[0-9]+/o([0-9]{{10}})-')::bigint"
    return f"({days} * 86400 + {hour} * 3600 + {minute} * 60 + {second} - {opened})"
