"""Commands and the case page: open the transaction, read under lock, ask ``apply``, record, answer."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from app.runtime import runtime
from app.services import department, past
from app.services.rights import ensure_visible, only_audits
from app.store import cases as store
from app.store import evidence as files
from app.store import ledger, people
from app.store.transaction import committing, reading, sealing_time, writing
from app.tables import Household, Member
from workflows.decide import Allowed, allowed_actions, apply
from workflows.errors import BadValue, BrokenChain, KeyReused, MissingEvidence, NotFound, Refused
from workflows.journal import Disclosure, Sealed, canonical, check_chain, check_disclosures, digest, pins_of
from workflows.machine import Compiled
from workflows.model import Actor, Case, Command, Dossier, Evidence
from workflows.registry import Rules

KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class Done:
    """The answer to a command: the case as it stood after it, and whether the same key was answered before."""

    case: str
    seq: int
    repeated: bool


@dataclass(frozen=True)
class CaseView:
    """Everything that the case page shows, read in one snapshot; not ``is_whole`` when a department looks."""

    household: Household
    members: Sequence[Member]
    dossier: Dossier
    case: Case
    compiled: Compiled
    allowed: Sequence[Allowed]
    entries: Sequence[Mapping[str, Any]]
    values: Mapping[tuple[str, int, str], str]
    now: datetime
    # Of the files in this case that serve more than once: how many households and kinds. Minutes of one meeting may
    # well serve many households, so this is shown to those who review, and refused to nobody.
    shared_files: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    is_whole: bool = True
    # The day (ISO) at whose end the case is shown; empty: as it stands now. Nothing may be done then.
    as_of: str = ""


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
    command = make_command("report_clue", data, evidence, key, definition="household_case", purpose=purpose)
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
    command = make_command(action, data, evidence, key, case=case, version=version)
    return perform(actor, store.household_of(case), command)


def make_command(
    action: str,
    data: Mapping[str, Any],
    evidence: Sequence[Evidence],
    key: str,
    **more: Any,
) -> Command:
    """Return a command with a fresh seed for its salts."""
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
        with committing():
            return perform_inside(actor, household, command)
    except Refused as refusal:
        if not actor.is_system:
            _note_refusal(actor, household, command, refusal)
        raise


def perform_inside(actor: Actor, household: str, command: Command, now: datetime | None = None) -> Done:
    """Run one command inside the caller's writing transaction (the sweep marks its deadline in the same one)."""
    command = command if actor.is_system else replace(command, key=own_key(actor, command.key))
    locked = store.lock_dossier(county_of(household), household, command.key)
    found = judge(actor, locked, command, now=now)
    if isinstance(found, Done):
        return found
    store.record(loaded_rules(), found)
    return Done(found.outcome.case.number, found.outcome.case.seq, repeated=False)


def judge(actor: Actor, locked: store.Locked, command: Command, *, now: datetime | None = None) -> Done | store.Decided:
    """Decide a command on a household under lock: all that stands between reading and recording, or what was answered.

    Raises Refused; writes nothing.
    """
    ensure_visible(actor, locked.dossier)
    repeated, fingerprint = answered_before(locked.earlier, actor, locked.dossier.subject.number, command)
    if repeated:
        return repeated
    return decide(loaded_rules(), locked, command, actor, fingerprint=fingerprint, now=now or locked.now)


def answered_before(
    earlier: store.Earlier | None, actor: Actor, household: str, command: Command
) -> tuple[Done | None, str]:
    """Return the answer that a command got before, if any, and its fingerprint; raise KeyReused for another one."""
    fingerprint = _fingerprint(actor, household, command)
    if earlier is None:
        return None, fingerprint
    if earlier.digest != fingerprint:
        raise KeyReused(key=command.key)
    return Done(earlier.case, earlier.seq, repeated=True), fingerprint


def decide(
    rules: Rules, locked: store.Locked, command: Command, actor: Actor, *, fingerprint: str, now: datetime
) -> store.Decided:
    """Decide a command on a household under lock: everything that stands between reading and recording."""
    dossier = locked.dossier
    now = sealing_time(locked.latest, now)
    ensure_rules(rules, dossier)
    ensure_evidence_is_own(actor, dossier.subject.county, command.evidence)
    command = _with_looked_up(rules, dossier, command, actor, now)
    outcome = apply(rules, dossier, command, actor, now)
    return store.Decided(outcome, command, actor, dossier, fingerprint, now, locked.listens)


def own_key(actor: Actor, key: str) -> str:
    """Return an idempotency key within the person's own name, so that it meets neither another's nor the clock's."""
    if not KEY.fullmatch(key):
        raise BadValue(field="key", value="")
    return f"{actor.id}/{key}"


def ensure_evidence_is_own(actor: Actor, county: str, evidence: Sequence[Evidence]) -> None:
    """Each file that a command names must have been handed in by this person, once, exactly as named."""
    if len({(item.kind, item.sha256) for item in evidence}) != len(evidence):
        raise BadValue(field="evidence", value="")
    for item in evidence:
        row = files.file_row(county, item.sha256)
        if row is None or row.uploaded_by != actor.id or (row.bytes, row.mime) != (item.bytes, item.mime):
            raise MissingEvidence(kind=item.kind)


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
        note_refusal(county_of(household), actor, command.case or household, command.action, refusal, now)


def note_refusal(county: str, actor: Actor, subject: str, action: str, refusal: Refused, now: datetime) -> None:
    """Write a refusal into a county's access ledger, in the caller's transaction."""
    refusal.noted = True
    detail = {"action": action, "code": refusal.code}
    ledger.append(county, user=actor.id, kind="refused", subject=subject, now=now, detail=detail)


def loaded_rules() -> Rules:
    """Return the rules of this installation."""
    return runtime().rules


def ensure_rules(rules: Rules, dossier: Dossier) -> None:
    """Load the kept texts of definitions and packs that are no longer among the files."""
    ensure_texts(rules, {d for c in dossier.cases for d in (c.definition_digest, c.policy_digest)})


def ensure_texts(rules: Rules, wanted: Iterable[str]) -> None:
    """Load kept texts by digest."""
    missing = [d for d in wanted if not rules.knows(d)]
    if missing:
        for kept in store.kept_texts(missing):
            rules.add_text(kept.kind, kept.text)


def _with_looked_up(rules: Rules, dossier: Dossier, command: Command, actor: Actor, now: datetime) -> Command:
    """Replace account ids by the person's id, name and key, and make sure that a case named in a form is there."""
    case = dossier.by_number(command.case) if command.case else None
    if case is None:
        return command
    machine = rules.machine_of(case)
    resolved = {}
    for name, value in command.data.items():
        spec = machine.fields.get(name)
        if spec and spec.type == "person" and value:
            roles = (spec.role,) if spec.role else machine.current_roles(case.state)
            resolved[name] = resolve_person(str(value), name, roles, dossier.subject.area, now)
        elif spec and spec.type == "case" and value:
            ensure_case_is_there(actor, str(value))
    return replace(command, data={**command.data, **resolved}) if resolved else command


def ensure_case_is_there(actor: Actor, number: str) -> None:
    """Raise BadValue unless a case that a form names exists and the person may see it."""
    try:
        dossier = store.read_dossier(county_of(number), store.household_of(number))
        ensure_visible(actor, dossier)
    except NotFound as error:
        raise BadValue(field="merged_into", value="") from error
    if dossier.by_number(number) is None:
        raise BadValue(field="merged_into", value="")


def resolve_person(account: str, field: str, roles: Sequence[str], area: str, now: datetime) -> dict[str, str]:
    """Return id, name and person key of an active account that holds one of some roles over an area, or BadValue."""
    number = account[1:] if account[:1] == "u" and account[1:].isascii() and account[1:].isdigit() else ""
    user = people.user_by_id(int(number)) if 0 < len(number) <= 15 else None
    offices = people.offices_of(user.id, now) if user and user.active else ()
    if user is None or not any(o.role in roles and o.covers(area) for o in offices):
        raise BadValue(field=field, value="")
    return {"id": f"u{user.id}", "name": user.name, "person": user.person}


def case_view(actor: Actor, *, case: str, as_of: str = "") -> CaseView:
    """Return the case page for a person; an auditor's look is written to the access ledger before it is shown.

    ``as_of``: a day (ISO) at whose end it is shown; BadValue for a later day, NotFound for one before the case began.
    Household and members are always those of today: they are records of their own.
    """
    with reading() as now:
        view = _read_view(actor, case, past.end_of(as_of, now) if as_of else now, as_of)
    if only_audits(actor):
        with writing() as now:
            ledger.append(
                county_of(case),
                user=actor.id,
                kind="case_read",
                subject=case,
                now=now,
                detail={"seq": view.case.seq, **({"as_of": as_of} if as_of else {})},
            )
    return view


def _read_view(actor: Actor, case: str, now: datetime, as_of: str = "") -> CaseView:
    county = county_of(case)
    number = store.household_of(case)
    dossier = store.read_dossier(county, number)
    ensure_visible(actor, dossier)
    rules = loaded_rules()
    ensure_rules(rules, dossier)
    found = _there(dossier, case)
    numbers = [c.number for c in dossier.cases]
    disclosed = store.disclosures_of(county, numbers)
    entries = store.entries_of(county, case)
    ensure_sealed(found, entries, [item for item in disclosed if item.case == case])
    if as_of:
        chains = store.entries_of_all(county, numbers)
        for other in dossier.cases:
            ensure_sealed(other, chains[other.number], [])
        entries, dossier = past.entries_until(entries, now), past.dossier_until(dossier, chains, now)
        found = _there(dossier, case)
    bodies = [entry.body for entry in entries]
    ensure_texts(rules, {name for body in bodies for name in pins_of(body)})
    view = CaseView(
        household=store.household_row(county, number),
        members=store.members_of(county, number),
        dossier=dossier,
        case=found,
        compiled=rules.machine_of(found),
        allowed=() if as_of else allowed_actions(rules, dossier, found, actor, now),
        entries=bodies,
        values={(item.case, item.seq, item.field): item.value for item in disclosed},
        now=now,
        shared_files=files.uses_elsewhere(county, case),
        as_of=as_of,
    )
    return view if department.sees_whole(actor, dossier) else _part_of(actor, view)


def _there(dossier: Dossier, case: str) -> Case:
    found = dossier.by_number(case)
    if found is None:
        raise NotFound(case=case)
    return found


def _part_of(actor: Actor, view: CaseView) -> CaseView:
    """Return what a department sees of a case."""
    seen = department.fields_seen(view.compiled)
    return replace(
        view,
        household=department.household_part(view.household),
        members=(),
        entries=[department.entry_part(actor, dict(body), view.compiled) for body in view.entries],
        values={key: value for key, value in view.values.items() if key[0] == view.case.number and key[2] in seen},
        is_whole=False,
    )


def ensure_sealed(case: Case, entries: Sequence[Sealed], disclosed: Sequence[Disclosure]) -> None:
    """Raise BrokenChain unless what is stored of a case is what was sealed, personal values included."""
    findings = check_chain(case.number, [entry.text for entry in entries], case.head, case.seq)
    findings += check_disclosures({(entry.case, entry.seq): entry.text for entry in entries}, disclosed)
    if findings:
        raise BrokenChain(case=case.number)
