"""The place of an office: found by code or by names, in the counties that an administrator keeps."""

from collections.abc import Iterable, Sequence

from app.places import is_grouping, short_area
from app.roster.values import CellError
from app.roster.villages import plain_village
from app.services.accounts import is_of_level
from app.store import areas
from app.store import staff as store
from workflows.model import LEVEL_DIGITS, ROLE_LEVELS, area_prefix


class Places:
    """All areas of some counties by code, and by name with or without what holds them; made inside a reading."""

    def __init__(self, counties: Sequence[str]) -> None:
        self.counties = counties
        self._paths = {code: (*_above(code), name) for code, name in _outermost(counties)}
        for code, name, parent in store.places(counties):
            self._paths.setdefault(code, (*self._paths.get(parent, ()), name))
        self._by_name: dict[str, set[str]] = {}
        for code, path in self._paths.items():
            names = [plain_village(part) for part in path]
            for start in range(len(names)):
                self._by_name.setdefault("".join(names[start:]), set()).add(code)

    def find(self, role: str, *, code: str, parts: Sequence[str]) -> str:
        """Return the area that somebody named for a role; raises CellError.

        A role of the county needs no name where only one county is kept.
        """
        if code:
            return self._fitting(role, {code} & self._paths.keys(), code)
        if parts:
            return self._fitting(role, self._by_name.get("".join(parts), set()), "/".join(parts))
        if ROLE_LEVELS[role] != "county" or len(self.counties) != 1:
            raise CellError("area_missing")
        return self.counties[0].ljust(12, "0")

    def path(self, code: str) -> str:
        """Return how an area is written: its names below the county, or the county's own."""
        path = self._paths.get(code, (code,))
        outside = len(self._paths.get(code[:6].ljust(12, "0"), ()))
        return "/".join(short_area(name) for name in path[outside:] or path[-1:])

    @staticmethod
    def _fitting(role: str, found: Iterable[str], shown: str) -> str:
        known = sorted(found)
        if not known:
            raise CellError("area_unknown", value=shown[:40])
        fitting = [code for code in known if is_of_level(role, code)]
        exact = [code for code in fitting if len(code) == LEVEL_DIGITS["grid"]] or fitting
        if not fitting:
            raise CellError("area_level", value=shown[:40], what=shown[:40])
        if len(exact) > 1:
            raise CellError("area_ambiguous", value=shown[:40])
        return exact[0]


def _outermost(counties: Iterable[str]) -> list[tuple[str, str]]:
    codes = [county.ljust(12, "0") for county in counties]
    return [(code, area.name) for code, area in areas.with_codes(codes).items()]


def _above(county: str) -> tuple[str, ...]:
    """The names of province and prefecture; levels of statistics alone left out."""
    codes = [area_prefix(county, level).ljust(12, "0") for level in ("province", "prefecture")]
    found = areas.with_codes(codes)
    return tuple(found[code].name for code in codes if code in found and not is_grouping(found[code].name))
