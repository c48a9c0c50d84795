"""Sets of rules: those in force, alone or under packs that people send, and whether they still are what was shown."""

from collections.abc import Sequence
from datetime import date

from app.rule_files import laid_over
from app.runtime import runtime
from app.services import rule_words
from app.services.cases import loaded_rules
from workflows.journal import canonical, digest
from workflows.model import area_root
from workflows.registry import Rules, load_rules
from workflows.tables import BadTable


def wanted_rules(packs: Sequence[str]) -> Rules:
    """Return the rules of the installation with some packs (TOML texts) put over them; raises BadTable."""
    if not packs:
        return loaded_rules()
    named = {f"{rule_words.pack_id(text)}.toml": text for text in packs}
    if len(named) < len(packs):
        raise BadTable(f"two packs of one id: {', '.join(sorted(ids(packs)))}")
    with laid_over(runtime().settings.policies, named) as folders:
        found, present = load_rules(*folders), loaded_rules()
    # Other rules, the same days: what is in force of the calendar holds under them too.
    found.use_documents(present.documents, stamp=present.calendar_stamp)
    return found


def ids(packs: Sequence[str]) -> list[str]:
    """Return the ids that packs (TOML texts) name."""
    return [rule_words.pack_id(text) for text in packs]


def rules_key(rules: Rules) -> str:
    """Return one digest of all rules."""
    found = sorted([*(d.digest for d in rules.definitions.values()), *(p.digest for p in rules.packs.values())])
    return digest(canonical(found))


def is_as_shown(county: str, key: str, on: date, today: date) -> bool:
    """Tell whether the rules of a digest are in force, and hold in a county today as they did on an earlier day."""
    rules = loaded_rules()
    places = ((area_root(pack.area), pack.effective) for pack in rules.packs.values())
    begun = any(on < day <= today and (root.startswith(county) or county.startswith(root)) for root, day in places)
    return on <= today and not begun and key == rules_key(rules)
