"""How a person fills in the forms of a walk: the values of the factories as they are typed."""

from collections.abc import Mapping
from typing import Any

from tests.factories import DATES, VALUES
from tests.web.site import Browser, browser
from tests.world import StoredWalker
from workflows.clock import local_date

MONEY = (
    "income_per_head", "selfpaid_expense", "measure_amount", "income_wage", "income_business", "income_property",
    "income_transfer", "business_cost",
)  # fmt: skip


def typed(names: tuple[str, ...], walker: StoredWalker, **changes: Any) -> dict[str, Any]:
    """The fields of a form as texts."""
    today = local_date(walker.now).isoformat()
    known: Mapping[str, Any] = {**VALUES, **dict.fromkeys(DATES, today), **changes}
    return {name: as_text(name, known[name]) for name in names if name in known}


def as_text(name: str, value: Any) -> Any:
    """One value as it is typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in MONEY and isinstance(value, int):
        return f"{value // 100:,}"
    return value if isinstance(value, list) else str(value)


def step_by_page(walker: StoredWalker, role: str, action: str, **changes: Any) -> Browser:
    """Complete one action through its page, as the person in a role; the walker reads the case anew."""
    walker.place.now = walker.now
    one = browser(walker.place, walker.actor(role))
    case = walker._case_for(action)
    form = walker.rules.machine_of(case).step_of(action) or walker.rules.machine_of(case).definition.actions[action]
    kinds = tuple("other" if kind == "@any" else kind for kind in form.evidence)
    data = typed(form.fields, walker, **changes)
    one.move(f"/cases/{case.number}/acts/{action}", data, kinds)
    walker.refresh()
    return one


def clue_by_page(walker: StoredWalker, role: str, purpose: str) -> Browser:
    """Register a clue through its page."""
    walker.place.now = walker.now
    one = browser(walker.place, walker.actor(role))
    number = walker.household.number
    one.move(f"/households/{number}/clues/{purpose}", typed(("clue_source", "clue_note"), walker))
    walker.refresh()
    return one
