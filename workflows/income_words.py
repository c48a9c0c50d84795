"""An income sheet as people read it, the same on pages and on paper: rows of label, value and clause."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of a sheet. ``clause`` is the place of its rule, ``own`` marks a default of ours; both empty: a figure.

    ``kind`` tells pages how to set it: rule, figure, sum, beside.
    """

    label: str
    value: str
    kind: str
    clause: str = ""
    own: bool = False


@dataclass(frozen=True)
class Words:
    """Where the words come from: terms by key, fields by name, categories by id, fen as yuan."""

    say: Callable[..., str]
    field: Callable[[str], str]
    category: Callable[[str], str]
    money: Callable[[int], str]


def sheet_rows(sheet: Mapping[str, Any], words: Words) -> Iterator[Row]:
    """Yield the lines of a whole sheet: its rules, the figures with their sum, income per head, line and position."""
    say = words.say
    yield from frame_rows(sheet, words)
    yield _rule(sheet, say("income.members"), _persons(sheet, words), "income_counted")
    for sign, part in (("＋", "adds"), ("－", "takes")):
        for name, fen in sorted(sheet[part].items(), key=_usual):
            yield Row(f"{sign} {words.field(name)}", _yuan(fen, words), "figure")
    yield Row(say("income.total"), _yuan(sheet["total"], words), "sum")
    place = say(f"income.{sheet['position']}", percent=sheet["near"])
    yield Row(say(f"income.{sheet['basis']}"), f"{_yuan(sheet['per_head'], words)} · {place}", "sum")
    for name, fen in sorted(sheet["beside"].items(), key=_usual):
        yield Row(words.field(name), _yuan(fen, words), "beside")
    yield Row(say("income.suggested"), words.category(sheet["suggested"]), "rule")


def in_one_line(sheet: Mapping[str, Any], words: Words) -> str:
    """Return a sheet in short, for a list of changes: income per head, where it lies, the window."""
    say = words.say
    place = say(f"income.{sheet['position']}", percent=sheet["near"])
    days = say("income.days", first=sheet["from"], last=sheet["to"])
    per_head = f"{say('income.' + sheet['basis'])} {_yuan(sheet['per_head'], words)}"
    return " · ".join((per_head, place, f"{say('income.window')} {days}"))


def frame_rows(sheet: Mapping[str, Any], words: Words) -> Iterator[Row]:
    """Yield what holds before any figure stands there: window, basis, line; each with its clause."""
    say = words.say
    yield _rule(sheet, say("income.window"), say("income.days", first=sheet["from"], last=sheet["to"]), "income_window")
    yield _rule(sheet, say("income.basis"), say(f"income.{sheet['basis']}"), "income_basis")
    line = say("income.included" if sheet["line_included"] else "income.yuan", amount=words.money(sheet["line"]))
    yield _rule(sheet, say("income.line"), line, "income_line")


# The order of the national form; fields that a pack adds follow.
ORDER = (
    "income_wage", "income_business", "income_property", "income_transfer", "business_cost", "transfer_expense",
    "selfpaid_expense", "expense_school", "expense_other", "insurance_claims",
)  # fmt: skip


def _usual(item: tuple[str, int]) -> tuple[int, str]:
    return (ORDER.index(item[0]) if item[0] in ORDER else len(ORDER), item[0])


def _rule(sheet: Mapping[str, Any], label: str, value: str, parameter: str) -> Row:
    clause = str(sheet["clauses"].get(parameter, ""))
    return Row(label, value, "rule", clause, not clause)


def _persons(sheet: Mapping[str, Any], words: Words) -> str:
    return words.say("income.persons", count=sheet["members"], how=words.say(f"income.{sheet['counted']}"))


def _yuan(fen: int, words: Words) -> str:
    return words.say("income.yuan", amount=words.money(fen))
