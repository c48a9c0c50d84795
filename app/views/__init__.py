"""Pages: put together here with their guards, headers and words."""

from flask import Flask, Response, request
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from app.access import guard_page
from app.roster.workbook import MAX_FILE
from app.services.public_check import LARGEST
from app.views import (
    accounts,
    audit,
    boards,
    bundles,
    calendar,
    cases,
    check,
    desk,
    duties,
    errors,
    findings,
    grids,
    handover,
    health,
    home,
    households,
    kit,
    late,
    mail,
    observed,
    papers,
    receipts,
    rosters,
    rule_runs,
    rules,
    seals,
    session,
    several,
    shown,
    simulate,
    staff,
    substitutes,
    tokens,
    urging,
    urgings,
)
from workflows.characters import ensure_seen

POLICY = (
    "default-src 'self'; "
    "img-src 'self' data: blob:; "
    "object-src 'none'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
FORM = 64 << 10  # what surrounds a file that is sent
HSTS = "max-age=31536000; includeSubDomains"
BLUEPRINTS = (
    home, session, desk, several, cases, households, grids, boards, duties, audit, accounts, staff, rosters, handover,
    health, tokens, mail, rules, rule_runs, simulate, calendar, substitutes,
    late, urging, receipts, urgings, seals, papers, bundles, check, kit, findings,
)  # fmt: skip


def init_views(app: Flask) -> None:
    """Add all pages to the application."""
    app.config.update(
        SESSION_COOKIE_NAME="fangpin",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        BOOTSTRAP_SERVE_LOCAL=True,
        SEND_FILE_MAX_AGE_DEFAULT=86400,
    )
    Bootstrap5(app)
    observed.init_observation(app)
    app.before_request(guard_page)
    app.before_request(allow_large)
    app.before_request(refuse_hidden)
    CSRFProtect(app)
    for module in BLUEPRINTS:
        app.register_blueprint(module.pages)
    errors.init_errors(app)
    shown.init_words(app)
    app.after_request(secure)


def allow_large() -> None:
    """Before a form is read: a roster, or a print that somebody checks, may be larger than any photo."""
    if request.endpoint == "rosters.submit":
        request.max_content_length = MAX_FILE + FORM
    elif request.endpoint in ("check.check", "api_check.file"):
        request.max_content_length = LARGEST + FORM


def refuse_hidden() -> None:
    """Before each request, after its rights: what is entered can be seen, whichever form it stands in.

    No text of ours holds NUL, and PostgreSQL cannot even compare with it.
    """
    sent = [request.path, *_texts(request.args), *_texts(request.form)]
    if any("\0" in text for text in sent):
        raise BadRequest
    ensure_seen(*(text for name, text in request.form.items(multi=True) if "password" not in name))


def _texts(sent: MultiDict[str, str]) -> list[str]:
    return [text for pair in sent.items(multi=True) for text in pair]


def secure(response: Response) -> Response:
    """Add the headers that keep pages to themselves; what is personal is kept by no cache."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    if request.endpoint not in ("static", "bootstrap.static"):
        response.headers["Cache-Control"] = "no-store"
    return response
