"""Commands and the case page: open the transaction, read under lock, ask ``apply``, record, answer."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from app.runtime import runtime
from app.services.rights import ensure_visible, only_audits
from app.store import cases as store
from app.store import ledger, people
from app.store.transaction import reading, writing
from app.tables import Household, Member
from workflows.decide import Allowed, allowed_actions, apply
from workflows.errors import BadValue, KeyReused, NotFound, Refused
from workflows.journal import canonical, digest
from workflows.machine import Compiled
from workflows.model import Actor, Case, Command, Dossier, Evidence
from workflows.registry import Rules


@dataclass(frozen=True)
class Done:
    """The answer to a command: the case as it stood after it, and whether the same key was answered before."""

    case: str
    seq: int
    repeated: bool


@dataclass(frozen=True)
class CaseView:
    """Everything that the case page shows, read in one snapshot."""

    household: Household
    members: Sequence[Member]
    dossier: Dossier
    case: Case
    compiled: Compiled
    allowed: Sequence[Allowed]
    entries: Sequence[Mapping[str, Any]]
    values: Mapping[tuple[str, int, str], str]
    now: datetime


def county_of(number: str) -> str:
    """Return the county of a household or case number."""
    return number[:6]


def register_clue(
    actor: Actor,
    *,
    household: str,
    purpose: str,
    data: Mapping[str, Any],
    key: str,
    evidence: Sequence[Evidence] = (),
) -> Done:
    """Open a case for a household from a clue; raises Refused, and then nothing but the access ledger has changed."""
    command = _command("report_clue", data, evidence, key, definition="household_case", purpose=purpose)
    return perform(actor, household, command)


def act(
    actor: Actor,
    *,
    case: str,
    action: str,
    data: Mapping[str, Any],
    key: str,
    evidence: Sequence[Evidence] = (),
    version: int | None = None,
) -> Done:
    """Carry out an action on a case; ``version`` is the entry count that the person's page showed."""
    command = _command(action, data, evidence, key, case=case, version=version)
    return perform(actor, store.household_of(case), command)


def _command(
    action: str,
    data: Mapping[str, Any],
    evidence: Sequence[Evidence],
    key: str,
    **more: Any,
) -> Command:
    more.setdefault("definition", "")
    return Command(
        action=action,
        key=key,
        salt_seed=secrets.token_bytes(32),
        data=data,
        evidence=tuple(evidence),
        **more,
    )


def perform(actor: Actor, household: str, command: Command) -> Done:
    """Run one command in one transaction; a refusal is written to the access ledger and raised again."""
    try:
        with writing() as now:
            return perform_inside(actor, household, command, now)
    except Refused as refusal:
        if not actor.is_system:
            _note_refusal(actor, household, command, refusal)
        raise


def perform_inside(actor: Actor, household: str, command: Command, now: datetime) -> Done:
    """Run one command inside the caller's writing transaction (the sweep marks its deadline in the same one)."""
    rules = loaded_rules()
    dossier = store.lock_dossier(county_of(household), household)
    if not actor.is_system:
        ensure_visible(actor, dossier)
    fingerprint = _fingerprint(actor, household, command)
    earlier = store.earlier_command(county_of(household), command.key)
    if earlier is not None:
        if earlier.digest != fingerprint:
            raise KeyReused(key=command.key)
        return Done(earlier.case, earlier.seq, repeated=True)
    ensure_rules(rules, dossier)
    command = _with_people(rules, dossier, command, now)
    outcome = apply(rules, dossier, command, actor, now)
    store.record(rules, outcome, command, actor, dossier=dossier, digest=fingerprint, now=now)
    return Done(outcome.case.number, outcome.case.seq, repeated=False)


def _fingerprint(actor: Actor, household: str, command: Command) -> str:
    """Digest of what was asked, to tell a repeated command from another one under the same key."""
    evidence = [asdict(item) for item in command.evidence]
    asked = [
        actor.id,
        household,
        command.case,
        command.action,
        command.purpose,
        dict(command.data),
        evidence,
    ]
    return digest(canonical(asked))


def _note_refusal(actor: Actor, household: str, command: Command, refusal: Refused) -> None:
    with writing() as now:
        ledger.append(
            county_of(household),
            user=actor.id,
            kind="refused",
            subject=command.case or household,
            now=now,
            detail={"action": command.action, "code": refusal.code},
        )


def loaded_rules() -> Rules:
    """Return the rules of this installation."""
    return runtime().rules


def ensure_rules(rules: Rules, dossier: Dossier) -> None:
    """Load the kept texts of definitions and packs that are no longer among the files."""
    wanted = {d for c in dossier.cases for d in (c.definition_digest, c.policy_digest)}
    missing = [d for d in wanted if not rules.knows(d)]
    if missing:
        for kept in store.kept_texts(missing):
            rules.add_text(kept.kind, kept.text)


def _with_people(rules: Rules, dossier: Dossier, command: Command, now: datetime) -> Command:
    """Replace account ids by the person's id, name and key where a form names a person."""
    case = dossier.by_number(command.case) if command.case else None
    if case is None:
        return command
    fields = rules.machine_of(case).fields
    named = {name: fields[name] for name in command.data if name in fields and fields[name].type == "person"}
    resolved = {
        name: resolve_person(str(command.data[name]), spec.role, dossier.subject.area, now)
        for name, spec in named.items()
        if command.data[name]
    }
    return replace(command, data={**command.data, **resolved}) if resolved else command


def resolve_person(account: str, role: str, area: str, now: datetime) -> dict[str, str]:
    """Return id, name and person key of an active account that holds a role over an area; raise BadValue."""
    user = people.user_by_id(int(account[1:])) if account[:1] == "u" and account[1:].isdigit() else None
    offices = people.offices_of(user.id, now) if user and user.active else ()
    fitting = [o for o in offices if (not role or o.role == role) and o.covers(area)]
    if user is None or not fitting:
        raise BadValue(field=role or "substitute", value=account)
    return {"id": f"u{user.id}", "name": user.name, "person": user.person}


def case_view(actor: Actor, *, case: str) -> CaseView:
    """Return the case page for a person; an auditor's look is written to the access ledger before it is shown."""
    with reading() as now:
        view = _read_view(actor, case, now)
    if only_audits(actor):
        with writing() as now:
            ledger.append(
                county_of(case),
                user=actor.id,
                kind="case_read",
                subject=case,
                now=now,
                detail={"seq": view.case.seq},
            )
    return view


def _read_view(actor: Actor, case: str, now: datetime) -> CaseView:
    county = county_of(case)
    number = store.household_of(case)
    dossier = store.read_dossier(county, number)
    ensure_visible(actor, dossier)
    rules = loaded_rules()
    ensure_rules(rules, dossier)
    found = dossier.by_number(case)
    if found is None:
        raise NotFound(case=case)
    numbers = [c.number for c in dossier.cases]
    disclosed = store.disclosures_of(county, numbers)
    household = store.household_row(county, number)
    members = store.members_of(county, number)
    return CaseView(
        household=household,
        members=members,
        dossier=dossier,
        case=found,
        compiled=rules.machine_of(found),
        allowed=allowed_actions(rules, dossier, found, actor, now),
        entries=[entry.body for entry in store.entries_of(county, case)],
        values={(item.case, item.seq, item.field): item.value for item in disclosed},
        now=now,
    )
