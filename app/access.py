"""Rights of pages: who is logged in, and which roles each page is for. What is not named here is refused."""

from dataclasses import dataclass
from typing import cast

from flask import g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from app.services import people
from app.services.calendar_runs import ROLES as DAYS
from app.services.duty_reports import REGISTER
from app.services.export import EXPORTERS
from app.services.grids import ASSIGNERS
from app.services.handover import GIVERS
from app.services.households import IMPORTERS
from app.services.nudges import PRESSERS
from app.services.people import Signed
from app.services.reminders import LOOK_AT_RECEIPTS
from app.services.rights import PRINTS
from app.services.rule_runs import DECIDERS, LOOKERS
from app.services.seal_desk import READERS as SEAL_READERS
from app.services.urging_notice import URGERS
from app.services.urgings import ANSWERERS, ISSUERS
from app.services.urgings import READERS as URGING_READERS
from workflows.errors import NotAllowed
from workflows.substitutes import SUPERIORS

TOKEN = "token"  # noqa: S105 - the name of the session's entry
PUBLIC = frozenset(
    {
        "session.log_in", "session.language_switch", "check.check", "static", "bootstrap.static",
        # For machines that watch; what they may see stands in app/views/health.py.
        "health.alive", "health.healthz", "health.metrics",
    }
)  # fmt: skip
ANYBODY = frozenset(
    {
        "session.log_out", "session.password", "home.index", "boards.reminders", "boards.read_reminder",
        # The rules that bind everybody are read by everybody who is logged in.
        "rules.packs", "rules.pack", "rules.drawing", "rules.svg", "rules.sheet", "rules.pdf",
        "calendar.year",
        "mail.keep", "mail.confirm", "mail.remove", "tokens.tokens", "tokens.add", "tokens.revoke",
    }
)  # fmt: skip
WORKERS = frozenset(
    {
        "grid_member", "village_cadre", "resident_team", "township_officer", "township_leader",
        "county_lead", "sector_dept", "helper",
    }
)  # fmt: skip
READERS = WORKERS | {"auditor"}
FINDINGS = frozenset({"auditor", "county_lead", "township_officer", "township_leader"})  # of findings
NOTICES = READERS - {"helper", "sector_dept"}
# Who has duties of an area or of households helped; a grid has none of its own.
DUTIES = READERS - {"grid_member"}
GRIDS = WORKERS & frozenset(ASSIGNERS)
ABSENCES = WORKERS | {"admin"}
IMPORTS = frozenset(IMPORTERS)
SIMULATES = frozenset(LOOKERS)
PAGES: dict[str, frozenset[str]] = {
    "desk.desk": WORKERS,
    "several.form": WORKERS,
    "several.act": WORKERS,
    "cases.case": READERS,
    "cases.form": READERS,
    "cases.act": READERS,
    "households.clue": WORKERS,
    "households.register": WORKERS,
    "cases.file": READERS,
    "households.search": READERS,
    "households.household": READERS,
    "grids.grids": GRIDS,
    "grids.add": GRIDS,
    "grids.assign": GRIDS,
    "grids.move": GRIDS,
    "rosters.rosters": IMPORTS,
    "rosters.submit": IMPORTS,
    "rosters.roster": IMPORTS,
    "rosters.take": IMPORTS,
    "rosters.check_again": IMPORTS,
    "rosters.drop": IMPORTS,
    "rosters.errors": IMPORTS,
    "rosters.export_page": frozenset(EXPORTERS),
    "rule_runs.runs": frozenset(LOOKERS),
    "rule_runs.rehearse": frozenset(LOOKERS),
    "rule_runs.run": frozenset(LOOKERS),
    "rule_runs.apply": frozenset(DECIDERS),
    "rule_runs.revert": frozenset(DECIDERS),
    "receipts.receipts": frozenset(LOOK_AT_RECEIPTS),
    "receipts.nudge": frozenset(PRESSERS) | {"helper"},
    "urgings.urgings": frozenset(URGING_READERS),
    "urgings.urging": frozenset(URGING_READERS),
    "urgings.pdf": frozenset(URGING_READERS),
    "urgings.issue": frozenset(ISSUERS),
    "urgings.answer": frozenset(ANSWERERS) | frozenset(ISSUERS),
    "calendar.propose": frozenset(DAYS),
    "calendar.close": frozenset(DAYS),
    "calendar.document": frozenset(DAYS),
    "calendar.decide": frozenset(DAYS),
    "calendar.look": frozenset(DAYS),
    "calendar.withdraw": frozenset(DAYS),
    "substitutes.mine": ABSENCES,
    "substitutes.add": ABSENCES,
    "substitutes.end": ABSENCES,
    "substitutes.governed": frozenset({"admin", *(role for roles in SUPERIORS.values() for role in roles)}),
    "boards.overdue": READERS,
    "late.board": READERS,
    "late.part": READERS,
    "late.rows": READERS,
    "late.table": READERS,
    "late.heat": READERS,
    "late.answer": WORKERS,
    "late.erase": WORKERS,
    "urging.form": frozenset(URGERS),
    "urging.print_notice": frozenset(URGERS),
    "duties.duties": DUTIES,
    "duties.duty": DUTIES,
    "duties.report": DUTIES - {"auditor"},
    "duties.warn": frozenset(REGISTER),
    "boards.notices": NOTICES,
    "boards.notice": NOTICES,
    "audit.cases": frozenset({"auditor"}),
    "audit.ledger": frozenset({"auditor"}),
    "findings.items": FINDINGS,
    "findings.items_table": FINDINGS,
    "findings.form": frozenset({"auditor"}),
    "findings.find": frozenset({"auditor"}),
    "kit.sample": frozenset({"auditor"}),
    "kit.sample_table": frozenset({"auditor"}),
    "kit.lists": frozenset({"auditor"}),
    "kit.exception": frozenset({"auditor"}),
    "kit.exception_table": frozenset({"auditor"}),
    "audit.pauses": frozenset({"auditor", "county_lead", "township_leader"}),
    "audit.trail": READERS,
    "papers.of_case": frozenset(PRINTS),
    "papers.case_paper": frozenset(PRINTS),
    "papers.print_case_paper": frozenset(PRINTS),
    "papers.print_case": frozenset(PRINTS),
    "papers.print_file": frozenset(PRINTS),
    "papers.overview": frozenset(PRINTS),
    "papers.place_paper": frozenset(PRINTS),
    "papers.print_paper": frozenset(PRINTS),
    "bundles.overview": frozenset(PRINTS),
    "bundles.submit": frozenset(PRINTS),
    "bundles.bundle": frozenset(PRINTS),
    "bundles.fetch": frozenset(PRINTS),
    "bundles.drop": frozenset(PRINTS),
    "seals.seals": frozenset(SEAL_READERS),
    "seals.checkpoint": frozenset(SEAL_READERS),
    "seals.leaf": frozenset(SEAL_READERS),
    "audit.totals": frozenset({"upper_level"}),
    "accounts.accounts": frozenset({"admin"}),
    "accounts.add": frozenset({"admin"}),
    "accounts.disable": frozenset({"admin"}),
    "accounts.enable": frozenset({"admin"}),
    "accounts.appoint": frozenset({"admin"}),
    "accounts.end_office": frozenset({"admin"}),
    "handover.givers": GIVERS,
    "handover.form": GIVERS,
    "handover.hand_over": GIVERS,
    "staff.form": frozenset({"admin"}),
    "staff.judge": frozenset({"admin"}),
    "staff.take": frozenset({"admin"}),
    "staff.errors": frozenset({"admin"}),
    "staff.export": frozenset({"admin"}),
    "mail.assign": frozenset({"admin"}),
    "health.page": frozenset({"admin"}),
    "simulate.simulations": SIMULATES,
    "simulate.ask": SIMULATES,
    "simulate.result": SIMULATES,
    "simulate.as_csv": SIMULATES,
    "simulate.as_json": SIMULATES,
}
HOMES = (
    ("desk.desk", WORKERS),
    ("audit.cases", PAGES["audit.cases"]),
    ("audit.totals", PAGES["audit.totals"]),
    ("accounts.accounts", PAGES["accounts.accounts"]),
)


@dataclass(frozen=True)
class Visitor:
    """Whoever asks: a person logged in, or nobody (``signed`` is None)."""

    signed: Signed | None

    @property
    def roles(self) -> frozenset[str]:
        """The roles held today."""
        return frozenset(o.role for o in self.signed.actor.offices) if self.signed else frozenset()

    def may_open(self, endpoint: str) -> bool:
        """Tell whether a page is for this visitor."""
        if endpoint in PUBLIC:
            return True
        return self.signed is not None and (endpoint in ANYBODY or bool(self.roles & PAGES.get(endpoint, frozenset())))


def visitor() -> Visitor:
    """Return who asks, found once a request from the session's token."""
    if "visitor" not in g:
        token = session.get(TOKEN)
        g.visitor = Visitor(people.session_actor(token) if token else None)
    return cast("Visitor", g.visitor)


def signed() -> Signed:
    """Return the person logged in; only for pages behind ``guard_page``."""
    found = visitor().signed
    if found is None:
        raise NotAllowed(reason="logged_out")
    return found


def guard_page() -> Response | None:
    """Before each request: send strangers to the log-in page, refuse pages that are not for a person's roles."""
    endpoint = request.endpoint
    if endpoint is None or endpoint in PUBLIC or endpoint.startswith("api"):
        return None  # the API asks for tokens, never for the session of a browser
    if visitor().signed is None:
        if request.method == "GET":
            return redirect(url_for("session.log_in", next=request.full_path.rstrip("?")))
        return redirect(url_for("session.log_in"))
    if not visitor().may_open(endpoint):
        raise NotAllowed(page=endpoint)
    return None


def home_page() -> str:
    """Return the endpoint that a person's day begins with."""
    return next((page for page, roles in HOMES if visitor().roles & roles), "boards.reminders")
