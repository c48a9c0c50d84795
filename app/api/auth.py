"""Who asks by the API, and what for: a bearer token, never a session; each route has one scope and one set of roles."""

from dataclasses import dataclass
from typing import cast

from flask import g, request

from app.access import NOTICES, PAGES, READERS, WORKERS, Visitor
from app.services import tokens
from app.services.tokens import Bearer, Line
from app.views.shown import LANGUAGES
from workflows.errors import BadToken, NotAllowed
from workflows.model import Actor

ANYONE: frozenset[str] = frozenset()
ADMINS = PAGES["accounts.accounts"]


@dataclass(frozen=True)
class Right:
    """What a route asks for: a scope ("" for none), and one of some roles (none named: any account)."""

    scope: str
    roles: frozenset[str] = ANYONE


RIGHTS: dict[str, Right] = {
    "api_me.me": Right(""),
    "api_me.language": Right(""),
    "api_cases.case": Right("cases:read", PAGES["cases.case"]),
    "api_cases.form": Right("cases:read", PAGES["cases.form"]),
    "api_cases.act": Right("cases:act", PAGES["cases.act"]),
    "api_cases.act_on_several": Right("cases:act", PAGES["several.act"]),
    "api_cases.clue_form": Right("cases:read", PAGES["households.clue"]),
    "api_cases.clue": Right("cases:act", PAGES["households.register"]),
    "api_clocks.deadline": Right("cases:read", PAGES["cases.case"]),
    "api_clocks.question": Right("cases:read"),
    "api_desk.desk": Right("cases:read", PAGES["desk.desk"]),
    "api_desk.overdue": Right("cases:read", PAGES["boards.overdue"]),
    "api_desk.notices": Right("cases:read", NOTICES),
    "api_desk.totals": Right("totals:read", PAGES["audit.totals"]),
    "api_late.board": Right("cases:read", PAGES["late.board"]),
    "api_late.rows": Right("cases:read", PAGES["late.rows"]),
    "api_late.months": Right("cases:read", PAGES["late.heat"]),
    "api_late.answer": Right("cases:act", PAGES["late.answer"]),
    "api_late.erase": Right("cases:act", PAGES["late.erase"]),
    "api_late.notice": Right("trails:read", PAGES["urging.print_notice"]),
    "api_households.search": Right("households:read", READERS),
    "api_households.household": Right("households:read", READERS),
    "api_rosters.rosters": Right("rosters:manage", PAGES["rosters.rosters"]),
    "api_rosters.submit": Right("rosters:manage", PAGES["rosters.submit"]),
    "api_rosters.roster": Right("rosters:manage", PAGES["rosters.roster"]),
    "api_rosters.take": Right("rosters:manage", PAGES["rosters.take"]),
    "api_rosters.check_again": Right("rosters:manage", PAGES["rosters.check_again"]),
    "api_rosters.drop": Right("rosters:manage", PAGES["rosters.drop"]),
    "api_rosters.errors": Right("rosters:manage", PAGES["rosters.errors"]),
    "api_rosters.export_households": Right("rosters:manage", PAGES["rosters.export_page"]),
    "api_rule_runs.runs": Right("rules:manage", PAGES["rule_runs.runs"]),
    "api_rule_runs.rehearse": Right("rules:manage", PAGES["rule_runs.rehearse"]),
    "api_rule_runs.simulate": Right("rules:manage", PAGES["simulate.ask"]),
    "api_rule_runs.run": Right("rules:manage", PAGES["rule_runs.run"]),
    "api_rule_runs.apply": Right("rules:manage", PAGES["rule_runs.apply"]),
    "api_rule_runs.revert": Right("rules:manage", PAGES["rule_runs.revert"]),
    "api_calendar.year": Right("cases:read"),
    "api_calendar.propose": Right("rules:manage", PAGES["calendar.propose"]),
    "api_calendar.close": Right("rules:manage", PAGES["calendar.close"]),
    "api_calendar.document": Right("rules:manage", PAGES["calendar.document"]),
    "api_calendar.decide": Right("rules:manage", PAGES["calendar.decide"]),
    "api_calendar.look": Right("rules:manage", PAGES["calendar.look"]),
    "api_calendar.withdraw": Right("rules:manage", PAGES["calendar.withdraw"]),
    "api_evidence.upload": Right("evidence:write", WORKERS),
    "api_evidence.download": Right("evidence:read", PAGES["cases.file"]),
    "api_reminders.reminders": Right("reminders:manage"),
    "api_reminders.read": Right("reminders:manage"),
    "api_receipts.of_case": Right("cases:read", PAGES["cases.case"]),
    "api_receipts.receipts": Right("reminders:manage", PAGES["receipts.receipts"]),
    "api_receipts.nudge": Right("cases:act", PAGES["receipts.nudge"]),
    "api_urgings.urgings": Right("cases:read", PAGES["urgings.urgings"]),
    "api_urgings.issue": Right("cases:act", PAGES["urgings.issue"]),
    "api_urgings.urging": Right("cases:read", PAGES["urgings.urging"]),
    "api_urgings.answer": Right("cases:act", PAGES["urgings.answer"]),
    "api_urgings.pdf": Right("trails:read", PAGES["urgings.pdf"]),
    "api_grids.grids": Right("grids:manage", PAGES["grids.grids"]),
    "api_grids.add": Right("grids:manage", PAGES["grids.add"]),
    "api_grids.assign": Right("grids:manage", PAGES["grids.assign"]),
    "api_duties.duties": Right("duties:read", PAGES["duties.duties"]),
    "api_duties.duty": Right("duties:read", PAGES["duties.duty"]),
    "api_duties.report": Right("duties:report", PAGES["duties.report"]),
    "api_duties.warn": Right("duties:report", PAGES["duties.warn"]),
    "api_trails.trail": Right("trails:read", PAGES["audit.trail"]),
    "api_bundles.mine": Right("trails:read", PAGES["bundles.overview"]),
    "api_bundles.submit": Right("trails:read", PAGES["bundles.submit"]),
    "api_bundles.bundle": Right("trails:read", PAGES["bundles.bundle"]),
    "api_bundles.fetch": Right("trails:read", PAGES["bundles.fetch"]),
    "api_bundles.drop": Right("trails:read", PAGES["bundles.drop"]),
    "api_papers.overview": Right("trails:read", PAGES["papers.overview"]),
    "api_papers.print_paper": Right("trails:read", PAGES["papers.print_paper"]),
    "api_papers.print_file": Right("trails:read", PAGES["papers.print_file"]),
    "api_papers.of_case": Right("trails:read", PAGES["papers.of_case"]),
    "api_papers.print_case": Right("trails:read", PAGES["papers.print_case"]),
    "api_papers.print_case_paper": Right("trails:read", PAGES["papers.print_case_paper"]),
    "api_audit.cases": Right("audit:read", PAGES["audit.cases"]),
    "api_kit.find": Right("cases:act", PAGES["findings.find"]),
    "api_kit.open_items": Right("audit:read", PAGES["findings.items"]),
    "api_kit.sample": Right("audit:read", PAGES["kit.sample"]),
    "api_kit.lists": Right("audit:read", PAGES["kit.lists"]),
    "api_kit.exception": Right("audit:read", PAGES["kit.exception"]),
    "api_audit.pauses": Right("audit:read", PAGES["audit.pauses"]),
    "api_audit.ledger": Right("audit:read", PAGES["audit.ledger"]),
    "api_seals.seals": Right("audit:read", PAGES["seals.seals"]),
    "api_seals.checkpoint": Right("audit:read", PAGES["seals.checkpoint"]),
    "api_seals.step": Right("audit:read", PAGES["seals.checkpoint"]),
    "api_seals.leaf": Right("audit:read", PAGES["seals.leaf"]),
    "api_check.code": Right(""),
    "api_check.file": Right(""),
    "api_accounts.accounts": Right("accounts:manage", PAGES["accounts.accounts"]),
    "api_accounts.add": Right("accounts:manage", PAGES["accounts.add"]),
    "api_accounts.disable": Right("accounts:manage", PAGES["accounts.disable"]),
    "api_accounts.enable": Right("accounts:manage", PAGES["accounts.enable"]),
    "api_accounts.appoint": Right("accounts:manage", PAGES["accounts.appoint"]),
    "api_accounts.end_office": Right("accounts:manage", PAGES["accounts.end_office"]),
    "api_handover.givers": Right("cases:read", PAGES["handover.givers"]),
    "api_handover.hand_over": Right("cases:act", PAGES["handover.hand_over"]),
    "api_substitutes.substitutions": Right("substitutes:manage", PAGES["substitutes.mine"]),
    "api_substitutes.governed": Right("substitutes:manage", PAGES["substitutes.governed"]),
    "api_substitutes.add": Right("substitutes:manage", PAGES["substitutes.add"]),
    "api_substitutes.end": Right("substitutes:manage", PAGES["substitutes.end"]),
    "api_staff.take": Right("accounts:manage", PAGES["staff.take"]),
    "api_staff.export": Right("accounts:manage", PAGES["staff.export"]),
    "api_mail.mine": Right("reminders:manage"),
    "api_mail.keep": Right("reminders:manage"),
    "api_mail.confirm": Right("reminders:manage"),
    "api_mail.remove": Right("reminders:manage"),
    "api_mail.assign": Right("accounts:manage", PAGES["mail.assign"]),
    "api_tokens.tokens": Right("tokens:manage"),
    "api_tokens.add": Right("tokens:manage"),
    "api_tokens.revoke": Right("tokens:manage"),
    "api_webhooks.hooks": Right("webhooks:manage", ADMINS),
    "api_webhooks.add": Right("webhooks:manage", ADMINS),
    "api_webhooks.switch": Right("webhooks:manage", ADMINS),
    "api_webhooks.deliveries": Right("webhooks:manage", ADMINS),
    "api_webhooks.replay": Right("webhooks:manage", ADMINS),
}


def guard() -> None:
    """Before each request of the API: whose token it is, in which language to answer, and whether it is for this."""
    g.lang = wanted_language()
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise BadToken()
    g.bearer = tokens.bearer(token.strip(), source=request.remote_addr or "")
    g.visitor = Visitor(g.bearer.signed)
    g.lang = g.lang or g.bearer.signed.lang
    right = RIGHTS.get(str(request.endpoint))
    if right is None:
        raise NotAllowed(page=str(request.endpoint))
    g.bearer.ensure_scope(right.scope)
    if right.roles and not right.roles & g.visitor.roles:
        raise NotAllowed(page=str(request.endpoint))


def wanted_language() -> str:
    """Return the language that the request asks for, or an empty text to leave it to the account."""
    sent = request.accept_languages
    return (sent.best_match(LANGUAGES) or "") if sent else ""


def bearer() -> Bearer:
    """Return who asks; only behind ``guard``."""
    return cast("Bearer", g.bearer)


def actor() -> Actor:
    """Return the person who asks, with the offices that the token leaves."""
    return bearer().signed.actor


def token() -> Line:
    """Return the token that was sent."""
    return bearer().token
