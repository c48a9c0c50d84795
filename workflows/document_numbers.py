"""Numbers of official papers (发文字号): mark, year in 〔〕, number in the year (GB/T 9704-2012, 7.2.5).

A pack's parameter ``document_marks`` lists the marks by office and, where a kind of paper has a series of its own, by
paper: ``"county 秀防贫发"``, ``"county:county_reply 秀防贫函"``, ``"500241102 溶溪府发"``. An office without a mark
numbers its papers by hand.
"""

import re
from collections.abc import Sequence

ROW = re.compile(r"(county|[0-9]{9})(?::([a-z_]+))? ([^\s〔〕0-9]{1,20})")


def is_marks(value: object) -> bool:
    """Tell whether a parameter is a list of marks, one for each office and paper at most."""
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        return False
    found = [ROW.fullmatch(text) for text in value]
    keys = [one.group(1, 2) for one in found if one]
    return len(keys) == len(value) == len(set(keys))


def mark_of(marks: Sequence[object], issuer: str, paper: str) -> str:
    """Return the mark of an office (12 digits: a county or township) for a paper, empty where it has none."""
    office = "county" if issuer[6:] == "000000" else issuer[:9]
    found = {one.group(1, 2): one.group(3) for one in (ROW.fullmatch(str(text)) for text in marks) if one}
    return found.get((office, paper)) or found.get((office, None)) or ""


def document_number(mark: str, year: int, number: int) -> str:
    """Return a whole number: 秀防贫发〔2026〕3号."""
    return f"{mark}〔{year}〕{number}号"
