"""Identity numbers (GB 11643-1999) and disability certificate numbers: read, check, mask."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from operator import mul

#: GB 11643-1999 §4.4 (ISO 7064 MOD 11-2): weight of each of the 17 digits, check character by rest.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_ZEROS = ord("0") * sum(_WEIGHTS)

#: GB/T 2260 province codes; 81-83 stand on residence permits of Hong Kong, Macao and Taiwan people.
_PROVINCE_LIST = (
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
)
_PROVINCES = frozenset(_PROVINCE_LIST.split())
#: No place has this code: numbers that begin so are made up, for the demo and for tests.
SYNTHETIC_REGION = "999999"

_SHAPE = re.compile(r"\d{17}[\dX]")
_PLAIN = re.compile(r"[0-9]{17}[0-9X]")
#: Disability certificate: the identity number, kind 1-7, grade 1-4, and B + number when re-issued.
_CERTIFICATE = re.compile(r"([1-7])([1-4])(?:B\d|\d\d)?")
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.IGNORECASE)
_JUNK = re.compile(r"[\s'’‘`\u200b-\u200f\u202a-\u202e\u2060\ufeff-]+")
_MAX_EXACT = 10**15
_LENGTHS = frozenset({18, 20, 22})
_OLDEST_YEARS = 130


class IdNumberError(ValueError):
    """An identity number is wrong; `code` says how. The number itself is never in the message.

    Codes: id_missing, id_number_cell (a number cell or E+17: the last digits are lost),
    id_length, id_shape, id_region, id_birth, id_future, id_check, id_certificate.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class IdNumber:
    """A valid number. `full` is what was written (18, 20 or 22 characters), `core` its first 18."""

    full: str = field(repr=False)
    birth: date = field(repr=False)
    sex: str
    region: str
    disability_kind: int | None = None
    disability_grade: int | None = None

    @property
    def core(self) -> str:
        return self.full[:18]

    @property
    def is_synthetic(self) -> bool:
        return self.region == SYNTHETIC_REGION

    def __str__(self) -> str:
        return mask(self.full)


def normalise(value: str | float) -> str:
    """Upper-case half-width digits without blanks, quotes and hyphens; raises IdNumberError.

    A number cell keeps 15 digits only, so one of 16 digits or more has lost its end.
    """
    if isinstance(value, int | float):
        if abs(value) >= _MAX_EXACT:
            raise IdNumberError("id_number_cell")
        value = f"{value:.0f}"
    if _PLAIN.fullmatch(value):
        return value
    text = _JUNK.sub("", unicodedata.normalize("NFKC", value)).upper()
    # Cyrillic and Greek look-alikes of X come from hand-typed lists.
    text = text.translate({0x0425: "X", 0x03A7: "X", 0x00D7: "X"})
    if _SCIENTIFIC.fullmatch(text):
        raise IdNumberError("id_number_cell")
    return text


def check_character(digits: str) -> str:
    """The 18th character for 17 digits (GB 11643-1999)."""
    total = sum(map(mul, digits.encode(), _WEIGHTS)) - _ZEROS
    return _CHECKS[total % 11]


def parse(value: str | float, *, today: date, allow_synthetic: bool = False) -> IdNumber:
    """Read and check a number as typed; raises IdNumberError with a code.

    `allow_synthetic` lets region 999999 pass, which no real person has.
    """
    text = normalise(value)
    if not text:
        raise IdNumberError("id_missing")
    if len(text) not in _LENGTHS:
        raise IdNumberError("id_length")
    core, tail = text[:18], text[18:]
    if not (text.isascii() and _SHAPE.fullmatch(core)):
        raise IdNumberError("id_shape")
    _ensure_region(core[:6], allow_synthetic)
    birth = _birth(core[6:14], today)
    if check_character(core[:17]) != core[17]:
        raise IdNumberError("id_check")
    kind, grade = _certificate(tail)
    sex = "male" if int(core[16]) % 2 else "female"
    return IdNumber(text, birth, sex, core[:6], kind, grade)


def is_identity(text: str) -> bool:
    """Whether a text has an identity number's shape, a year that fits and the right check digit."""
    core = text[:18]
    if len(text) not in _LENGTHS or not (core.isascii() and _SHAPE.fullmatch(core)):
        return False
    return core[6:8] in {"18", "19", "20"} and check_character(core[:17]) == core[17]


def mask(number: str) -> str:
    """50024119850101001X becomes 500241********001X; a shorter text keeps two characters."""
    text = number.strip()
    if len(text) >= 18:
        return f"{text[:6]}********{text[14:18]}" + "*" * (len(text) - 18)
    return text[:2] + "*" * max(len(text) - 2, 0)


def make_synthetic(birth: date, serial: int, *, sex: str, region: str = SYNTHETIC_REGION) -> str:
    """A valid, made-up number; `serial` 0-499 tells people of one birth date and sex apart."""
    if not 0 <= serial <= 499:
        raise ValueError("serial must be 0-499")
    order = serial * 2 + (1 if sex == "male" else 0)
    digits = f"{region}{birth:%Y%m%d}{order:03d}"
    return digits + check_character(digits)


def _ensure_region(region: str, allow_synthetic: bool) -> None:
    if allow_synthetic and region == SYNTHETIC_REGION:
        return
    if region[:2] not in _PROVINCES or region[2:] == "0000":
        raise IdNumberError("id_region")


def _birth(digits: str, today: date) -> date:
    try:
        birth = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise IdNumberError("id_birth") from None
    if birth > today:
        raise IdNumberError("id_future")
    if today.year - birth.year > _OLDEST_YEARS:
        raise IdNumberError("id_birth")
    return birth


def _certificate(tail: str) -> tuple[int | None, int | None]:
    if not tail:
        return None, None
    found = _CERTIFICATE.fullmatch(tail)
    if not found:
        raise IdNumberError("id_certificate")
    return int(found[1]), int(found[2])
