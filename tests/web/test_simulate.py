"""The pages of a simulation: a form that keeps what was typed, a result with plots and tables, figures to download."""

import csv
import io
import json
import re

import pytest

from app.services import rule_runs
from tests.bench import simulate as bench
from tests.web.site import Browser, browser
from tests.world import World

TYPED = {
    "line": "＋10％",
    "limit.household_case.verify": "3",
    "unit.household_case.verify": "working_days",
    "unit.household_case.id_total": "calendar_days",
    "limit.assist.visit_open": "2",
    "unit.assist.visit_open": "month",
    "staff.township_officer": "1",
    "acts.village_cadre": "4",
    "seed": "7",
}
NOTICE = {"zh": "推演结果不是决定", "en": "A simulation is no decision"}


@pytest.fixture
def lead(world: World) -> Browser:
    """The county office's browser, in a county of some households."""
    bench.fill(world, 200)
    return browser(world, world.person("county_lead"))


def speaking(one: Browser, lang: str) -> Browser:
    """The same browser in a language."""
    one.get("/simulations")
    return one.post("/language", {"lang": lang, "back": "/simulations"})


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_simulation_from_the_form_to_the_figures(lead: Browser, lang: str) -> None:
    speaking(lead, lang)
    assert NOTICE[lang] in lead.text
    assert "8,300" in lead.text
    lead.post("/simulations", TYPED)
    address = re.search(r'href="(/simulations/\d+)"', lead.text)
    assert address
    assert {"zh": "正在推演", "en": "Being simulated"}[lang] in lead.text
    assert lead.get(f"{address[1]}.csv").status == 404
    rule_runs.work()
    lead.get(address[1].replace("simulations", "changes"))  # among all runs
    assert lead.last is not None
    assert (lead.status, lead.last.headers["Location"]) == (303, address[1])
    page = lead.get(address[1]).text
    assert NOTICE[lang] in page
    assert {"zh": "由 8,300 改为 9,130", "en": "from 8,300 to 9,130"}[lang] in page
    assert {"zh": "3个工作日", "en": "3 working days"}[lang] in page
    assert not re.search(r"\b(style=|<script(?! src=))", page)
    plots = re.findall(r'<svg class="chart".*?</svg>', page, re.S)
    assert len(plots) == 7
    assert all('role="img" aria-label="' in plot for plot in plots)
    assert page.count('<table class="figures">') >= 11
    assert ">None<" not in page
    figures = json.loads(lead.get(f"{address[1]}.json").text)
    assert figures["notice"].startswith(NOTICE[lang])
    assert figures["inputs"]["seed"] == 7
    assert figures["inputs"]["acts"] == {}  # as many as by default: nothing was moved
    rows = list(csv.reader(io.StringIO(lead.get(f"{address[1]}.csv").text.removeprefix("\ufeff"))))
    assert rows[0][0].startswith(NOTICE[lang])
    assert len(rows) > 80


def test_what_was_typed_wrong_is_named_and_all_of_it_kept(lead: Browser) -> None:
    wrong = {"line": "很多", "limit.household_case.verify": "0", "staff.helper": "-1", "months": "99"}
    one = lead.get("/simulations").post("/simulations", {**TYPED, **wrong})
    assert (one.status, one.code) == (422, "bad_value")
    assert "有 4 处填写不符合要求" in one.text
    for key, text in {**TYPED, **wrong}.items():
        if not key.startswith("unit."):
            field = re.search(rf'<input[^>]* name="{re.escape(key)}" value="([^"]*)"([^>]*)>', one.text)
            assert field, key
            assert field[1] == text.replace("＋", "+").replace("％", "%"), key
            assert ("aria-invalid" in field[2]) == (key in wrong), key
    assert '<option value="month" selected>' in one.text
    assert "还没有做过推演" in one.text


def test_an_earlier_simulation_is_adjusted(lead: Browser, world: World) -> None:
    run = rule_runs.ask_simulation(world.person("county_lead"), bench.COUNTY, bench.ASKED)
    page = lead.get(f"/simulations?like={run.id}").text
    for name, value in (("line", "+10%"), ("limit.household_case.verify", "3"), ("staff.township_officer", "1")):
        assert f'name="{name}" value="{value}"' in page
    assert lead.get("/simulations?like=x").status == 200
    assert lead.get("/simulations?like=9999").status == 404


def test_a_rehearsal_is_no_simulation_and_others_see_nothing(lead: Browser, world: World) -> None:
    run = rule_runs.ask_rehearsal(world.person("county_lead"), bench.COUNTY)
    assert lead.get(f"/simulations/{run.id}").status == 404
    for role in ("village_cadre", "auditor", "helper"):
        assert browser(world, world.person(role)).get("/simulations").status == 403
    mine = rule_runs.ask_simulation(world.person("county_lead"), bench.COUNTY, {})
    elsewhere = browser(world, world.person("county_lead", "500230001201"))
    assert elsewhere.get(f"/simulations/{mine.id}").status == 404
