"""The check code of a printed paper: short enough to type, so that anyone can ask whether it is of the newest state.

24 characters of Crockford's base 32: the case (59 bits), a digest of what was printed (56 bits), a check character.
Deterministic: the same case, number of entries, head and variant give the same code.

An official paper (a letter, a list of an area) names instead of a case the line of its county's ledger under which it
was issued: a letter of a case's number beyond Z marks it, and its place holds the number of the line.
"""

import hashlib
import re
from dataclasses import dataclass

from workflows.journal import canonical
from workflows.variants import FULL

FORMAT = "fp-code-v1"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("OIL", "011")
CASE = re.compile(r"([0-9]{6})H([0-9]{7})-([A-Z])([1-9][0-9]{0,2}|10[01][0-9]|102[0-3])")
LENGTH, GROUP = 24, 4
DIGEST_BITS, NUMBER_BITS, LETTER_BITS, HOUSEHOLD_BITS = 56, 10, 5, 24
LONGEST = 100  # characters in a QR symbol
PAPER = 31  # stands where a case has its letter (A is 0, Z is 25)


class BadCode(ValueError):
    """A text is no check code: ``reason`` form (length, characters) or typo (the check character does not fit)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Code:
    """What a code says: which case, or which paper (line of a county's ledger), and the digest of what was printed."""

    case: str
    digest: int
    county: str = ""
    line: int = 0


def digest_of(case: str, entries: int, head: str, variant: str = FULL) -> int:
    """Return what a code commits to: the first 56 bits of SHA-256 over case, entries, trail head and variant."""
    text = canonical([FORMAT, case, entries, head, variant])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[: DIGEST_BITS // 8], "big")


def code_of(case: str, entries: int, head: str, variant: str = FULL) -> str:
    """Return the code of a print in groups of four; empty for a case whose number has no place in a code."""
    found = CASE.fullmatch(case)
    if not found:
        return ""
    county, household, letter, number = found.groups()
    told = digest_of(case, entries, head, variant)
    return _text(int(county), int(household), ord(letter) - ord("A"), int(number), told)


def paper_code(county: str, line: int, content: str) -> str:
    """Return the code of an official paper: issued by a line of a county's ledger, of some content (hex digest)."""
    return _text(int(county), line >> NUMBER_BITS, PAPER, line & (1 << NUMBER_BITS) - 1, paper_digest(content))


def paper_digest(content: str) -> int:
    """Return what the code of an official paper commits to: the first 56 bits of its content's digest."""
    return int(content[: DIGEST_BITS // 4], 16)


def _text(county: int, household: int, letter: int, number: int, told: int) -> str:
    value = county << HOUSEHOLD_BITS | household
    value = value << LETTER_BITS | letter
    value = value << NUMBER_BITS | number
    value = value << DIGEST_BITS | told
    digits = [value >> 5 * place & 31 for place in reversed(range(LENGTH - 1))]
    text = "".join(ALPHABET[digit] for digit in [*digits, _check(digits)])
    return "-".join(text[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def read_code(text: str) -> Code:
    """Return what a typed code says: any case, blanks and dashes anywhere, O for 0, I and L for 1; raises BadCode."""
    plain = re.sub(r"[\s\-–—_.]", "", text).upper().translate(READ_AS)
    if len(plain) != LENGTH or set(plain) - set(ALPHABET):
        raise BadCode("form")
    digits = [ALPHABET.index(letter) for letter in plain]
    if _check(digits[:-1]) != digits[-1]:
        raise BadCode("typo")
    value = 0
    for digit in digits[:-1]:
        value = value << 5 | digit
    value, told = value >> DIGEST_BITS, value & (1 << DIGEST_BITS) - 1
    value, number = value >> NUMBER_BITS, value & (1 << NUMBER_BITS) - 1
    value, letter = value >> LETTER_BITS, value & (1 << LETTER_BITS) - 1
    county, household = value >> HOUSEHOLD_BITS, value & (1 << HOUSEHOLD_BITS) - 1
    if letter == PAPER and county < 10**6 and (line := household << NUMBER_BITS | number):
        return Code("", told, f"{county:06d}", line)
    case = f"{county:06d}H{household:07d}-{chr(ord('A') + letter)}{number}"
    if not CASE.fullmatch(case):
        raise BadCode("form")
    return Code(case, told)


def qr_text(case: str, entries: int, head: str, variant: str = FULL) -> str:
    """Return what the QR symbol says, at most 100 characters: format, case, entries, 32 digits of the head, the code.

    All of it is from the symbol's own alphabet of 45 characters, so that the symbol stays coarse enough for a bad scan.
    """
    code = code_of(case, entries, head, variant)
    text = f"FP1:{case}:{entries}:{head[:32].upper()}:{code}" if code else ""
    return text if len(text) <= LONGEST else ""


def paper_qr_text(county: str, line: int, rows: int, content: str) -> str:
    """Return what the QR symbol of an official paper says: its line, how many households stand on it, the code."""
    return f"FP1:{county}P{line}:{rows}:{content[:32].upper()}:{paper_code(county, line, content)}"


def code_in(text: str) -> str:
    """Return the code of a QR symbol's text, or the text itself where it is none."""
    parts = text.strip().split(":")
    return parts[-1] if len(parts) == 5 and parts[0].upper() == "FP1" else text


def _check(digits: list[int]) -> int:
    """A cyclic code over GF(32), x^5 + x^2 + 1: finds each wrong character, and any two of them changed about."""
    total = 0
    for digit in digits:
        total = _twice(total) ^ digit
    return _twice(total)


def _twice(value: int) -> int:
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 32 else doubled
