"""The rules for everybody to read: diagrams, handbook, permissions and clauses of a pack, as pages, SVG and PDF."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, make_response, request, url_for
from werkzeug.wrappers import Response

from app import printing
from app.access import signed
from app.labels import Speech
from app.runtime import runtime
from app.services import rule_books
from app.services.clause_list import clauses
from app.services.drawing import diagram
from app.services.guide import Guide, head_of
from app.services.handbook import handbook
from app.services.matrix import matrix
from app.views.shown import download, page, speech
from workflows.machine import Compiled
from workflows.policy import Pack
from workflows.registry import Rules

pages = Blueprint("rules", __name__)
SHEETS: Mapping[str, Callable[[Speech, Pack, Rules], dict[str, Any]]] = {
    "handbook": handbook,
    "matrix": matrix,
    "clauses": clauses,
}
FAMILY = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Source Han Sans SC, sans-serif"


@pages.get("/rules")
def packs() -> str:
    """The packs: that of the reader's own place first."""
    words = speech()
    mine, others = rule_books.packs_for([o.area for o in signed().actor.offices], words.day)
    return page("rules", words=words, mine=[_line(p) for p in mine], others=[_line(p) for p in others])


def _line(pack: Pack) -> dict[str, str]:
    return {**head_of(speech(pack.area), pack), "url": url_for("rules.pack", pack=pack.id)}


@pages.get("/rules/<pack>")
def pack(pack: str) -> str:
    """One pack: what it is, its documents, and ways to everything made from it."""
    found = rule_books.pack_named(pack)
    words = speech(found.area)
    guide = Guide(words, _machines(found)[0], runtime().rules)
    drawings = [
        {"label": words.pick(d.label, d.id), "url": url_for("rules.drawing", pack=pack, definition=d.id)}
        for d in sorted(runtime().rules.definitions.values(), key=lambda d: (not d.gates, d.id))
    ]
    sheets = [
        {"label": words.say(f"rules.{kind}"), "about": words.say(f"rules.{kind}_under"),
         "url": url_for("rules.sheet", pack=pack, sheet=kind), "pdf": url_for("rules.pdf", pack=pack, sheet=kind)}
        for kind in SHEETS
    ]  # fmt: skip
    sources = guide.sources(found.sources)
    return page("rule_pack", words=words, head=head_of(words, found), area=found.area, drawings=drawings,
                sheets=sheets, sources=sources)  # fmt: skip


def _machines(pack: Pack, definition: str = "household_case") -> list[Compiled]:
    return rule_books.machines(pack, rule_books.definition_named(definition))


@pages.get("/rules/<pack>/draw/<definition>")
def drawing(pack: str, definition: str) -> str:
    """The diagrams of a definition under a pack, one for each purpose, with the same in words beneath."""
    found = rule_books.pack_named(pack)
    words = speech(found.area)
    parts = []
    for compiled in _machines(found, definition):
        guide = Guide(words, compiled, runtime().rules)
        svg = url_for("rules.svg", pack=pack, definition=definition, purpose=compiled.purpose)
        parts.append({"title": guide.title, "svg": svg, **drawn(diagram(guide), compiled.purpose)})
    return page("rule_drawing", words=words, head=head_of(words, found), parts=parts, pack=pack,
                what=words.pick(rule_books.definition_named(definition).label))  # fmt: skip


def drawn(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a diagram in both shapes, for wide screens and for phones, with its values for the text beneath."""
    shapes = {shape: printing.draw(values, shape=shape, name=name) for shape in ("wide", "narrow")}
    return {"values": values, **shapes}


@pages.get("/rules/<pack>/draw/<definition>.svg")
def svg(pack: str, definition: str) -> Response:
    """One diagram as a file."""
    found = rule_books.pack_named(pack)
    machines = _machines(found, definition)
    asked = request.args.get("purpose", machines[0].purpose)
    compiled = next((m for m in machines if m.purpose == asked), machines[0])
    values = diagram(Guide(speech(found.area), compiled, runtime().rules))
    text = printing.draw(values, shape="wide", family=FAMILY)
    return download(text.encode(), "image/svg+xml", f"{found.id}-{compiled.definition.id}-{compiled.purpose}.svg")


@pages.get("/rules/<pack>/<sheet>")
def sheet(pack: str, sheet: str) -> str:
    """Handbook, permissions or clauses as a page."""
    found = rule_books.pack_named(pack)
    words = speech(found.area)
    values = _values(sheet, words, found)
    if sheet == "handbook":
        for part in values["parts"]:
            part.update(drawn(part["drawing"], part["id"]))
    return page(f"rule_{sheet}", words=words, v=values, pack=pack, pdf=url_for("rules.pdf", pack=pack, sheet=sheet))


@pages.get("/rules/<pack>/<sheet>.pdf")
def pdf(pack: str, sheet: str) -> Response:
    """The same on paper. It names no household, so it is no print that the access ledger knows."""
    found = rule_books.pack_named(pack)
    data = printing.print_rules(sheet, _values(sheet, speech(found.area), found))
    response = make_response(data)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{found.id}-{sheet}-{found.digest[:12]}.pdf"'
    return response


def _values(sheet: str, words: Speech, found: Pack) -> dict[str, Any]:
    if sheet not in SHEETS:
        abort(404)
    for definition in runtime().rules.definitions.values():
        rule_books.machines(found, definition)
    return SHEETS[sheet](words, found, runtime().rules)
