"""Seals for auditors and those who answer for a county: checkpoints to keep, and the proof that a case is in one."""

from typing import Any

from flask import Blueprint, make_response, request, url_for
from werkzeug.wrappers import Response

from app.access import signed
from app.labels import Speech
from app.services import seal_desk
from app.services.seal_desk import Line, Proof
from app.views.plain import more_url
from app.views.shown import page, speech
from workflows.errors import NotFound

pages = Blueprint("seals", __name__)
SHORT = 16


@pages.get("/audit/seals")
def seals() -> str:
    """The checkpoints of a person's counties, their public keys, and the answer about one case."""
    actor = signed().actor
    found = seal_desk.checkpoints(actor, after=request.args.get("after", ""))
    words = speech(now=found.now)
    case = request.args.get("case", "").strip().upper()[:32]
    return page(
        "seals",
        words=words,
        rows=[_row(line, words) for line in found.rows],
        keys=seal_desk.keys_of(actor),
        case=case,
        asked=_asked(case, words) if case else None,
        more=more_url("seals.seals", found.following),
    )


def _row(line: Line, words: Speech) -> dict[str, Any]:
    return {
        "number": words.say("seal.number", county=line.county, number=line.number),
        "era": words.say("seal.era", era=line.era) if line.era > 1 else "",
        "at": words.time(line.at),
        "size": line.size,
        "root": line.root[:SHORT],
        "url": url_for("seals.checkpoint", county=line.county, serial=line.number),
    }


def _asked(case: str, words: Speech) -> dict[str, Any]:
    """Return what is said of a case: its proof, or that there is none."""
    try:
        found = seal_desk.proof(signed().actor, case)
    except NotFound:
        return {"is_good": False, "text": words.say("seal.unsealed", case=case), "url": ""}
    return {
        "is_good": found.is_proven,
        "text": _sentence(found, words),
        "later": words.say("seal.later", count=found.later) if found.later else "",
        "leaf": found.leaf.text,
        "place": words.say(
            "seal.place", index=found.proof.index + 1, size=found.checkpoint.size, steps=len(found.proof.path)
        ),
        "url": url_for("seals.leaf", number=case),
    }


def _sentence(found: Proof, words: Speech) -> str:
    key = "seal.proven" if found.is_proven else "seal.not_proven"
    line = found.checkpoint
    return words.say(key, case=found.leaf.case, seq=found.leaf.seq, number=line.number, at=words.time(line.at))


@pages.get("/audit/seals/<county>/<int(max=999999999):serial>")
def checkpoint(county: str, serial: int) -> Response:
    """The signed text of a checkpoint, to keep elsewhere."""
    found = seal_desk.checkpoint(signed().actor, county, serial)
    return as_file(found.text, f"checkpoint-{county}-{serial}.txt")


@pages.get("/cases/<number>/leaf")
def leaf(number: str) -> Response:
    """The proof that a case's newest sealed head is in the newest checkpoint."""
    return as_file(seal_desk.proof(signed().actor, number).text, f"{number}.tlog-proof")


def as_file(text: str, name: str) -> Response:
    """Return a text as a file to download."""
    response = make_response(text)
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
