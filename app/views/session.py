"""Log-in, log-out, password, language."""

from flask import Blueprint, make_response, redirect, request, session, url_for
from werkzeug.wrappers import Response

from app.access import TOKEN, signed, visitor
from app.labels import refusal_sentence
from app.services import people
from app.views.errors import CODE_HEADER, note_refusal, status_of
from app.views.mail import boxes
from app.views.paths import HERE, safe_path
from app.views.shown import LANGUAGES, language, page, speech
from workflows.errors import BadValue, NotAllowed, Refused, Throttled

pages = Blueprint("session", __name__)
THROTTLED = "refused.throttled"
PROBLEMS = {"bad_value": "ui.password_short", "not_allowed": "ui.password_wrong", "throttled": THROTTLED}


@pages.route("/login", methods=["GET", "POST"])
def log_in() -> Response | str:
    """Show the log-in page; check a password and begin a session."""
    target = safe_path(request.values.get("next", HERE))
    if request.method != "POST":
        return redirect(target) if visitor().signed else page("login", target=target)
    username = request.form.get("username", "").strip()
    try:
        token = people.log_in(username, request.form.get("password", ""), source=request.remote_addr or "")
    except (NotAllowed, Throttled) as refused:
        return _not_in(refused, username, target)
    kept = language()
    session.clear()
    session.update({TOKEN: token, "lang": kept})
    return redirect(target, 303)


def _not_in(refused: Refused, username: str, target: str) -> Response:
    words = speech()
    throttled = isinstance(refused, Throttled)
    sentence = refusal_sentence(words, refused) if throttled else words.say("ui.bad_login")
    response = make_response(page("login", target=target, username=username, sentence=sentence))
    response.status_code = status_of(refused)
    response.headers[CODE_HEADER] = refused.code if throttled else "bad_login"
    return response


@pages.post("/logout")
def log_out() -> Response:
    """End the session on the server and in the browser."""
    people.log_out(session[TOKEN])
    lang = language()
    session.clear()
    session["lang"] = lang
    return redirect(url_for("session.log_in"), 303)


@pages.route("/password", methods=["GET", "POST"])
def password() -> Response | str:
    """Change one's password; all other log-ins of the account end."""
    if request.method != "POST":
        return page("password", shortest=people.SHORTEST_PASSWORD, mails=boxes(speech()))
    form = request.form
    problem = (
        "ui.password_differs"
        if form.get("new") != form.get("again")
        else _change(form.get("old", ""), form.get("new", ""))
    )
    values = {"shortest": people.SHORTEST_PASSWORD, "mails": boxes(speech())}
    shown = make_response(page("password", **values, problem=problem, done=not problem))
    shown.status_code = (429 if problem == THROTTLED else 422) if problem else 200
    return shown


def _change(old: str, new: str) -> str:
    try:
        source = request.remote_addr or ""
        people.change_password(signed().user_id, old=old, new=new, keep_token=session[TOKEN], source=source)
    except (BadValue, NotAllowed, Throttled) as refused:
        note_refusal(refused)
        return PROBLEMS[refused.code]
    return ""


@pages.post("/language")
def language_switch() -> Response:
    """Keep the language that the reader chose: for the account, or before log-in for this browser."""
    chosen = request.form.get("lang", "")
    if chosen in LANGUAGES:
        session["lang"] = chosen
        who = visitor().signed
        if who:
            people.set_language(who.user_id, chosen)
    return redirect(safe_path(request.form.get("back", HERE)), 303)
