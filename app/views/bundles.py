"""Bundles of trails on pages: asked for, made in the background with a progress bar, fetched."""

from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from app.access import signed
from app.services import bundles
from app.services.bundles import Wish
from app.views.errors import refused_page
from app.views.shown import language, page, speech
from workflows.errors import BadValue
from workflows.model import Actor
from workflows.variants import FULL, VARIANTS

pages = Blueprint("bundles", __name__)
SECONDS = 2
TYPES = {"pdf": "application/pdf", "zip": "application/zip"}
MIB = 1024 * 1024


@pages.get("/bundles")
def overview() -> str:
    """The form to ask for a bundle, and one's own bundles of the last days."""
    return _form()


def _form(**values: Any) -> str:
    actor, words = signed().actor, speech()
    gates = [(gate.id, words.named(f"gate.{gate.id}", gate.label, gate.id)) for gate in bundles.gates()]
    return page(
        "bundles", words=words, jobs=bundles.jobs(actor), areas=bundles.areas(actor), gates=gates, form=request.form,
        variants=VARIANTS,
        **values,
    )  # fmt: skip


@pages.post("/bundles")
def submit() -> Answer | str:
    """Ask for a bundle."""
    area, since, until, kind, gate, variant = (
        request.form.get(name, "")[:40] for name in ("area", "since", "until", "kind", "gate", "variant")
    )
    wish = Wish(area, gate, since, until, kind=kind, lang=language(), variant=variant or FULL)
    try:
        job = bundles.submit(signed().actor, wish)
    except BadValue as refused:
        return refused_page(refused, _form(problem=refused.params["field"]))
    return redirect(url_for("bundles.bundle", token=job.token))


@pages.get("/bundles/<token>")
def bundle(token: str) -> Answer | str:
    """Where a bundle stands; while it is made the page comes again by itself."""
    job = bundles.job_of(signed().actor, token)
    response = make_response(page("bundle", job=job, mib=f"{job.size / MIB:.1f}"))
    if job.is_waiting:
        response.headers["Refresh"] = str(SECONDS)
    return response


@pages.post("/bundles/<token>/file")
def fetch(token: str) -> Response:
    """A bundle that is made; that it was handed out is written down, so this is a POST."""
    return handed_out(signed().actor, token)


def handed_out(actor: Actor, token: str) -> Response:
    """Answer with a bundle in pieces; the line in the access ledger comes first."""
    job, pieces = bundles.result(actor, token)
    bundles.note_handed_out(actor, job)
    response = Response(pieces, content_type=TYPES[job.wish.kind])
    response.headers["Content-Length"] = str(job.size)
    response.headers["Content-Disposition"] = f'attachment; filename="{job.name}"'
    return response


@pages.post("/bundles/<token>/drop")
def drop(token: str) -> Answer:
    """Throw a bundle away, also one that is being made."""
    bundles.drop(signed().actor, token)
    return redirect(url_for("bundles.overview"))
