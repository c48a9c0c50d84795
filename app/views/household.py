"""People of a household as rows."""

from collections.abc import Sequence
from datetime import date, datetime

from app.labels import Speech
from app.roster import codes
from app.services.lists import Person
from workflows.clock import local_date


def people_rows(members: Sequence[Person], words: Speech, now: datetime) -> list[dict[str, str]]:
    """Return members with relation and age; the number of identity stays masked."""
    return [
        {
            "name": m.name,
            "relation": code_label(codes.RELATION, m.relation, words),
            "sex": code_label(codes.SEX, m.sex, words),
            "age": age(words, m.born, now),
            "id": m.id_masked,
        }
        for m in members
    ]


def code_label(table: codes.Table, name: str, words: Speech) -> str:
    """Return the label of a code of the roster."""
    return codes.label(table, name, language=words.lang) or name


def age(words: Speech, born: str, now: datetime) -> str:
    """Return the age in full years, empty when the day of birth is not known."""
    if len(born) != len("2000-01-01"):
        return ""
    day, today = date.fromisoformat(born), local_date(now)
    years = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    return words.say("ui.years_old", years=years)
