"""Sealing a move: the body of its entry (fp-entry-v1) and the case as it stands after it."""

from typing import Any

from workflows.clock import utc_text
from workflows.clocks import ClockChange, Turn
from workflows.definition import Step
from workflows.draft import Draft
from workflows.guards import Context
from workflows.income import SHEET
from workflows.journal import GENESIS, seal
from workflows.machine import NEW
from workflows.model import Case, Command, Move, Office


def seal_move(context: Context, command: Command, draft: Draft, *, turn: Turn, change: ClockChange) -> Move:
    definition, pack = context.compiled.definition, context.compiled.pack
    subject = context.dossier.subject
    body = {
        "county": subject.county,
        "case": turn.case,
        "seq": draft.seq,
        "prev": context.case.head if context.case else GENESIS,
        "definition": f"{definition.id}:{definition.digest}",
        "policy": f"{pack.id}:{pack.digest}",
        "purpose": context.compiled.purpose,
        "subject": f"{subject.kind}:{subject.number}",
        "at": utc_text(context.now),
        "actor": _actor_body(context, turn.office),
        "behalf": turn.office.behalf.as_json() if turn.office.behalf else None,
        "action": turn.action,
        "gate": context.gate,
        "source": "" if turn.source == NEW else turn.source,
        "target": turn.target,
        "closed": context.compiled.is_closed(turn.target),
        "changes": draft.changes,
        "evidence": [item.as_json() for item in command.evidence],
        "clauses": _clauses(context, draft, change),
        "deadlines": _deadlines_body(context, change),
        "command": command.key,
    }
    sealed = seal(body)
    case = Case(
        county=subject.county,
        number=turn.case,
        definition=definition.id,
        definition_digest=definition.digest,
        policy=pack.id,
        policy_digest=pack.digest,
        purpose=context.compiled.purpose,
        subject=f"{subject.kind}:{subject.number}",
        state=turn.target,
        seq=draft.seq,
        head=sealed.hash,
        closed=context.compiled.is_closed(turn.target),
        fields=draft.fields,
        clocks=change.clocks,
        opened_at=context.case.opened_at if context.case else utc_text(context.now),
    )
    return Move(case, sealed, tuple(draft.disclosures), body)


def _actor_body(context: Context, office: Office) -> dict[str, str]:
    actor = context.actor
    return {
        "id": actor.id,
        "name": actor.name,
        "office": office.area,
        "office_name": office.name,
        "person": actor.person,
        "role": office.role,
    }


def _clauses(context: Context, draft: Draft, change: ClockChange) -> list[str]:
    compiled = context.compiled
    named = [d.clock.clause for d in change.started]
    if SHEET in draft.changes:
        named += draft.fields[SHEET]["clauses"].values()
    if compiled.order and isinstance(context.form, Step):
        named.append(compiled.pack.sequence(compiled.definition.id, compiled.purpose).clause)
    for ended in change.ended:
        clock = context.case.clocks.get(ended.kind) if context.case else None
        named.append(clock.clause if clock else "")
    return sorted({clause for clause in named if clause})


def _deadlines_body(context: Context, change: ClockChange) -> dict[str, Any]:
    before = context.case.clocks if context.case else {}
    return {
        "started": [d.clock.as_json() for d in change.started],
        "ended": [
            {"kind": e.kind, "generation": e.generation, "due": before[e.kind].due, "how": e.how} for e in change.ended
        ],
    }
