"""Why something fell late: the words of whoever answers for it, kept apart so that they may be erased."""

import secrets
from datetime import datetime

from app.services.cases import county_of
from app.services.late import awaited, is_answerable
from app.services.lists import load_texts
from app.services.rights import ensure_visible
from app.store import cases as case_store
from app.store import late as store
from app.store import ledger
from app.store.cases import household_of
from app.store.late import Key
from app.store.transaction import writing
from app.tables import DeadlineRow
from workflows.clock import utc_text
from workflows.errors import BadValue, NotFound, WrongOffice, WrongState
from workflows.journal import commit
from workflows.model import Actor, Dossier

LONGEST_REASON = 500
FIELD = "late_reason"


def give_reason(actor: Actor, *, case: str, kind: str, generation: int, text: str) -> None:
    """Record why a running period is late, by somebody whom its case waits for; the ledger gets the digest alone.

    Raises NotFound, WrongOffice (somebody else answers for it), WrongState (not late) or BadValue (reason).
    """
    words = text.strip()
    if not words or len(words) > LONGEST_REASON or not words.replace("\n", "").isprintable():
        raise BadValue(field="late_reason", value="")
    key = (county_of(case), case, kind, generation)
    with writing() as now:
        found, dossier = _period(actor, key)
        present = dossier.by_number(case)
        if present is None or not is_answerable(actor, present, dossier.subject.area, dossier):
            raise WrongOffice(roles=awaited(present) if present else [])
        if found.ended_how is not None or found.due_at > utc_text(now):
            raise WrongState(action=FIELD, state=present.state)
        salt = secrets.token_hex(16)
        digest = commit(salt, FIELD, words)["sha256"]
        store.add_reason(key, user=actor.id, text=words, salt=salt, digest=digest, now=now)
        _note(actor, key, now, kind="late_reason", digest=digest)


def erase_reasons(actor: Actor, *, case: str, kind: str, generation: int) -> int:
    """Erase the words of a period's reasons, by who gave one or by the county's office; return how many there were.

    Their digests stay in the ledger. Raises NotFound or WrongOffice.
    """
    key = (county_of(case), case, kind, generation)
    with writing() as now:
        _, dossier = _period(actor, key)
        given = store.reasons_of(key)
        leads = any(o.role == "county_lead" and o.covers(dossier.subject.area) for o in actor.own_offices)
        if not given or not (leads or any(one.user == actor.id for one in given)):
            raise WrongOffice(roles=["county_lead"])
        erased = store.erase_reasons(key)
        _note(actor, key, now, kind="late_reason_erased", digest=given[-1].digest)
        return erased


def _period(actor: Actor, key: Key) -> tuple[DeadlineRow, Dossier]:
    """Return a period and its household under lock; NotFound for what is not there or not to be seen."""
    county, case, _, _ = key
    locked = case_store.lock_dossiers(county, [household_of(case)]).get(household_of(case))
    if locked is None:
        raise NotFound(case=case)
    ensure_visible(actor, locked.dossier)
    found = store.period(key)
    if found is None:
        raise NotFound(case=case)
    load_texts(locked.dossier.cases)
    return found, locked.dossier


def _note(actor: Actor, key: Key, now: datetime, *, kind: str, digest: str) -> None:
    detail = {"timer": key[2], "generation": str(key[3]), "digest": digest}
    ledger.append(key[0], user=actor.id, kind=kind, subject=key[1], now=now, detail=detail)
