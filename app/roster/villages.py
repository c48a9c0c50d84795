"""Finds a row's village among the known ones, by 12-digit code or by the names of its columns."""

import re
from collections.abc import Mapping

from app.roster.messages import scrub
from app.roster.values import CellError

_SPLIT = re.compile(r"[/>\\\s]+")
_CODE = re.compile(r"\d{12}")
_ENDINGS = (
    ("社区居民委员会", "社区"),
    ("社区居委会", "社区"),
    ("居民委员会", "社区"),
    ("居委会", "社区"),
    ("村村民委员会", "村"),
    ("村民委员会", "村"),
    ("村村委会", "村"),
    ("村委会", "村"),
)


def plain_village(name: str) -> str:
    """平所村村民委员会 and 平所村委会 are both 平所村; 隘口社区居民委员会 is 隘口社区."""
    text = "".join(name.split())
    for ending, kept in _ENDINGS:
        if text.endswith(ending):
            return text.removesuffix(ending) + kept
    return text


def _plain_township(name: str) -> str:
    return "".join(name.split()).removesuffix("人民政府").removesuffix("办事处")


class Villages:
    """The known villages, by code, and by name alone or with township and county before it.

    `known` maps a name path ("重庆市/…/隘口镇/平所村村民委员会", parts split by / or >, the village
    last, its township before it, its county before that) or a 12-digit code to the village's code.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._codes = set(known.values())
        self._names: dict[tuple[str, ...], set[str]] = {}
        for path, code in known.items():
            if not _CODE.fullmatch(path):
                self._index(path, code)

    def find(self, *, code: str, county: str, township: str, village: str) -> str:
        """The 12-digit code; raises CellError village_unknown or village_ambiguous."""
        if code:
            if code not in self._codes:
                shown = code if _CODE.fullmatch(code) else scrub(code)
                raise CellError("village_unknown", value=shown)
            return code
        shown = scrub(" ".join(part for part in (township, village) if part))
        if not village:
            raise CellError("required")
        found = self._candidates(county, township, village)
        if not found:
            raise CellError("village_unknown", value=shown)
        if len(found) > 1:
            raise CellError("village_ambiguous", value=shown)
        return next(iter(found))

    def _index(self, path: str, code: str) -> None:
        parts = [part for part in _SPLIT.split(path.strip()) if part]
        names = [plain_village(parts[-1]), *map(_plain_township, parts[-2:-4:-1])]
        short = names[0].removesuffix("社区").removesuffix("村")
        for first in {names[0], short}:
            for depth in range(len(names)):
                key = (first, *names[1 : depth + 1])
                self._names.setdefault(key, set()).add(code)

    def _candidates(self, county: str, township: str, village: str) -> set[str]:
        first = plain_village(village)
        if not township:
            return self._names.get((first,), set())
        found = self._names.get((first, _plain_township(township)), set())
        if len(found) > 1 and county:
            return self._names.get((first, _plain_township(township), county), found)
        return found
