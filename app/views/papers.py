"""Papers of the process: what can be printed of a case or a place, a look at each, and the PDF."""

import re
from typing import Any

from flask import Blueprint, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app import printing
from app.access import signed
from app.labels import Labels, Speech
from app.paper_list import Paper
from app.services import cases, papers
from app.services.cases import CaseView
from app.services.papers import Made, Option
from app.views.shown import download, labels_for, page, speech
from workflows.errors import NotFound

pages = Blueprint("papers", __name__)
PDF = "application/pdf"
NUMBERED = re.compile(r"［U\+[0-9A-F]{4,6}］")


@pages.get("/cases/<number>/papers")
def of_case(number: str) -> str:
    """The papers of a case: what can be printed now, and why not."""
    view = cases.case_view(signed().actor, case=number)
    words = speech(view.household.area, now=view.now)
    labels = labels_for(view.compiled, words)
    found = papers.options_of(signed().actor, view)
    rows = [option_row(one, labels, number) for one in found]
    return page("papers_case", words=words, number=number, head=view.household.head_name, rows=rows)


def option_row(one: Option, labels: Labels, number: str) -> dict[str, Any]:
    """Return a paper as the list of a case shows it."""
    words, paper = labels.speech, one.paper
    return {
        "id": paper.id,
        "title": words.say(f"paper.{paper.id}"),
        "why": why_not(one, labels),
        "url": url_for("papers.case_paper", number=number, paper=paper.id),
        "blank": paper.blank and one.is_mine,
        "pdf": url_for("papers.print_case_paper", number=number, paper=paper.id),
    }


def why_not(one: Option, labels: Labels) -> str:
    """Return why a paper cannot be printed filled, empty where it can."""
    words = labels.speech
    if not one.is_mine:
        return words.say("papers.not_yours", roles=words.roles(one.paper.roles))
    named = words.say("papers.or").join(labels.action(action) for action in one.after)
    return "" if one.is_ready else words.say("papers.after", action=named)


@pages.get("/cases/<number>/papers/<paper>")
def case_paper(number: str, paper: str) -> str:
    """A look at a paper of a case."""
    blank = request.args.get("blank") == "1"
    made = papers.of_case(signed().actor, case=number, paper=paper, blank=blank)
    url = url_for("papers.print_case_paper", number=number, paper=paper)
    return look(made, url, url_for("papers.of_case", number=number), blank="1" if blank else "")


@pages.post("/cases/<number>/papers/<paper>")
def print_case_paper(number: str, paper: str) -> Response:
    """A paper of a case as PDF; that it was printed is written down."""
    made = papers.of_case(signed().actor, case=number, paper=paper, blank=request.form.get("blank") == "1")
    return download(printing.print_papers(signed().actor, [made]), PDF, made.file_name)


@pages.post("/cases/<number>/papers")
def print_case(number: str) -> Response:
    """All papers of a case that can be printed now, as one PDF with bookmarks."""
    view = cases.case_view(signed().actor, case=number)
    return download(printing.print_papers(signed().actor, all_of(view)), PDF, f"papers-{view.case.number}.pdf")


def all_of(view: CaseView) -> list[Made]:
    """Return the papers of a case that the reader may print now; NotFound when there is none."""
    made = list(papers.ready_of(signed().actor, view))
    if not made:
        raise NotFound(case=view.case.number)
    return made


@pages.post("/households/<number>/papers")
def print_file(number: str) -> Response:
    """A household's whole file (一户一档) as one PDF."""
    actor = signed().actor
    pdf = printing.print_archive(actor, papers.archive_of(actor, household=number))
    return download(pdf, PDF, f"archive-{number}.pdf")


@pages.get("/papers")
def overview() -> str:
    """Blank forms, leaflets, and the lists and notices of a place."""
    actor, words = signed().actor, speech()
    found = papers.printable(actor)
    return page(
        "papers",
        words=words,
        blanks=[paper_row(one, words) for one in found if one.blank or one.of == "place"],
        lists=[
            row for one in found if (row := {**paper_row(one, words), "areas": papers.places_of(actor, one)})["areas"]
        ],
        of_cases=[paper_row(one, words) for one in found if one.of == "case"],
    )


def paper_row(one: Paper, words: Speech) -> dict[str, str]:
    """Return a paper as the overview shows it."""
    return {
        "id": one.id,
        "of": one.of,
        "title": words.say(f"paper.{one.id}"),
        "url": url_for("papers.place_paper", paper=one.id),
    }


@pages.get("/papers/<paper>")
def place_paper(paper: str) -> str:
    """A look at a blank form or leaflet, or at a list of an area."""
    area, purpose = request.args.get("area", ""), request.args.get("purpose", "")
    made = made_of(paper, area, purpose)
    url = url_for("papers.print_paper", paper=paper)
    return look(made, url, url_for("papers.overview"), area=area, purpose=purpose)


@pages.post("/papers/<paper>")
def print_paper(paper: str) -> Response:
    """A blank form, a leaflet, a list of an area, or a paper of several cases; that it was printed is written down."""
    numbers = request.form.get("cases", "").upper().split()
    if numbers:
        several = papers.of_cases(signed().actor, cases=numbers, paper=paper)
        return download(printing.print_papers(signed().actor, several), PDF, f"{paper}-{len(several)}.pdf")
    made = made_of(paper, request.form.get("area", ""), request.form.get("purpose", ""))
    return download(printing.print_papers(signed().actor, [made]), PDF, made.file_name)


def made_of(paper: str, area: str, purpose: str) -> Made:
    """Return a paper of an area, or without one a blank form of the reader's own place."""
    actor = signed().actor
    if area:
        return papers.of_area(actor, paper=paper, area=area, purpose=purpose)
    return papers.blank_of(actor, paper=paper)


def look(made: Made, url: str, back: str, **hidden: str) -> str:
    """Return the page on which a paper is looked at before it is printed."""
    # Our sandbox escaped every value, and nothing but text, tables and own pictures passed its gate.
    pictures = url_for("cases.file", county=made.county, sha256="x").removesuffix("x")
    html = Markup(printing.paper_html(made).replace('src="paper-picture:', f'src="{pictures}'))  # noqa: S704
    given = {name: value for name, value in hidden.items() if value}
    # Rare beyond the fonts, or invisible: printed as a number, and told before it goes out.
    numbers = sorted(set(NUMBERED.findall(html)))
    return page("paper", made=made, html=html, url=url, back=back, hidden=given, numbers=numbers)
