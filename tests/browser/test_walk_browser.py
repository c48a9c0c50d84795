"""One household from clue to stable elimination through real pages, each step by the account whose step it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, expect

from app.printing import verify
from app.services.deliver import deliver
from app.services.sweep import sweep
from tests.browser.people import PHONE, SHOTS, Person, Watch
from tests.browser.town import HEAD, HOUSEHOLD, ROLES, Town

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ON_TELEPHONES = ("grid_member", "village_cadre", "resident_team", "helper")


@dataclass
class Team:
    """Everybody who takes part, by role; each opens a browser when first asked for."""

    town: Town
    browser: Browser
    address: str
    watch: Watch
    there: dict[str, Person] = field(default_factory=dict)

    def __call__(self, role: str) -> Person:
        if role not in self.there:
            more = {"viewport": PHONE} if role in ON_TELEPHONES else {}
            self.there[role] = Person.arrive(self.browser, self.address, ROLES[role], self.watch, **more)
        return self.there[role]

    def night(self, days: int) -> None:
        """Let days pass; the scheduler works through what they brought."""
        self.town.wait(days=days)
        sweep()
        deliver()

    def close(self) -> None:
        """Close all browsers."""
        for person in self.there.values():
            person.page.context.close()


@pytest.fixture
def team(town: Town, chromium: Browser, address: str, watch: Watch) -> Iterator[Team]:
    """The eight accounts and the auditor."""
    one = Team(town, chromium, address, watch)
    yield one
    one.close()


def test_a_household_comes_in_is_helped_and_goes_out_for_good(team: Team) -> None:
    """Clue, five gates in, help over months, five gates out, half a year's watch, the trail printed and verified."""
    take_in(team)
    help_on(team)
    take_out(team)
    watch_on(team)
    print_and_verify(team)


def take_in(team: Team) -> None:
    """From the clue to the registration."""
    town = team.town
    team("grid_member").check_bands()
    report(team("grid_member"), "include")
    team("village_cadre").check_bands().desk().shoot("desk")
    team("village_cadre").to_case(HEAD).shoot("case-clue")
    nominate_with_a_double_click(team)
    team("village_cadre").act("sign_authorization")
    verify_by_two(team)
    team("sector_dept").to_case(HEAD).act("record_comparison")
    team.night(1)
    review_and_post(team)
    close_the_notice_early(team)
    team.night(6)
    team("resident_team").to_case(HEAD).act("close_publicity")
    team("township_officer").to_case(HEAD).act("township_audit")
    team("county_lead").to_case(HEAD).shoot("case-county").act("county_approve").shoot("case-done")
    assert town.state("S1") == "active"
    team("township_leader").to_case(HEAD).act("announce")
    team("township_officer").to_case(HEAD, "纳入").act("register")
    assert town.state("C1") == "concluded"


def report(person: Person, purpose: str) -> None:
    """Find the household by name and register a clue."""
    person.open("/households?q=" + HEAD)
    person.shoot("search")
    person.follow(person.page.locator("a.rowlink", has_text=HEAD)).shoot("household")
    person.follow(person.page.locator(f'a[href$="/clues/{purpose}"]')).fill().send()


def nominate_with_a_double_click(team: Team) -> None:
    """Two clicks on the button and a step back and forth make one move."""
    cadre, town = team("village_cadre"), team.town
    cadre.begin("nominate").shoot("form-empty").fill().shoot("form-filled")
    cadre.page.locator("form.form-wide .buttons button").dblclick()
    cadre.page.wait_for_url("**/cases/*done=*")
    assert town.cases()["C1"] == ("nominated", 2)
    with cadre.refused():
        cadre.page.go_back()
        again = cadre.page.locator("form.form-wide .buttons button")
        if again.count():
            cadre.fill()
            with cadre.page.expect_navigation():
                again.click()
    assert town.cases()["C1"] == ("nominated", 2)
    cadre.to_case(HEAD)


def verify_by_two(team: Team) -> None:
    """The first signature leaves the case where it is, and says who is still to sign."""
    cadre, town = team("village_cadre"), team.town
    cadre.to_case(HEAD).begin("verify").fill().send().shoot("case-half-signed")
    assert town.state("C1") == "verifying"
    team("resident_team").to_case(HEAD).act("verify")
    assert town.state("C1") == "comparing"


def review_and_post(team: Team) -> None:
    """The village meets and votes; the notice is posted, and its page holds nothing that is private."""
    team("village_cadre").to_case(HEAD).begin("record_review").shoot("form-vote").fill().send()
    team("resident_team").to_case(HEAD).act("post_notice")
    leader = team("village_cadre").open("/notices").shoot("notices")
    leader.follow(leader.page.locator('a[href*="/notices/"]').first).shoot("notice")
    for private in ("999999", "139", "因病", "7,200", "住院"):
        assert private not in leader.text()


def close_the_notice_early(team: Team) -> None:
    """Refused on the page with a sentence, and by the server when the page is passed by; nothing changes."""
    cadre, town = team("resident_team"), team.town
    cadre.to_case(HEAD).shoot("case-notice")
    before, size, refused = town.cases(), town.journal_size(), town.ledger("refused")
    assert cadre.page.locator('a[href$="/acts/close_publicity"]').count() == 0
    with cadre.refused():
        cadre.page.goto(f"{cadre.base}/cases/{HOUSEHOLD}-C1/acts/close_publicity")
        cadre.shoot("refused-early")
        assert "公示" in cadre.text()
        answer = cadre.page.evaluate(SEND, f"/cases/{HOUSEHOLD}-C1/acts/close_publicity")
    assert answer == [409, "too_early"]
    assert (town.cases(), town.journal_size()) == (before, size)
    assert town.ledger("refused") == refused + 1


SEND = """async path => {
  const body = new FormData();
  body.set('csrf_token', document.querySelector('[name=csrf_token]').value);
  body.set('publicity_result', '无异议');
  body.set('key', 'early');
  const answer = await fetch(path, {method: 'POST', body, redirect: 'manual'});
  return [answer.status, answer.headers.get('X-Fangpin-Code')];
}"""


def help_on(team: Team) -> None:
    """A helper, a plan, a measure, visits; a month that goes by without a visit is noticed and the helper told."""
    helper, town = team("helper"), team.town
    team("village_cadre").to_case(HEAD, "帮扶").begin("assign_helper").shoot("form-person").fill().send()
    team.night(0)
    assert any(HEAD in one for one in helper.reminders())
    helper.shoot("reminders-first").to_case(HEAD).act("record_plan")
    helper.act("deliver_measure").act("record_visit").shoot("case-assist")
    team.night(30)
    helper.to_case(HEAD).act("record_visit")
    entries = town.cases()["A1"][1]
    team.night(60)
    assert town.cases()["A1"][1] > entries
    team.night(1)  # that somebody is late is told on a working morning
    assert any(HEAD in one and "超期" in one and "每月走访" in one for one in helper.reminders()), helper.text()
    helper.shoot("reminders")
    team("county_lead").open("/overdue").shoot("overdue")
    for _ in range(2):
        helper.to_case(HEAD).act("record_visit")
        team.night(30)


def take_out(team: Team) -> None:
    """The same gates on the way out."""
    town, cadre, squad = team.town, team("village_cadre"), team("resident_team")
    report(cadre, "eliminate")
    cadre.act("nominate", category="sudden_hardship")
    cadre.act("verify", risk_gone="yes", income_wage="45000")
    squad.to_case(HEAD, "消除").act("verify", risk_gone="yes", income_wage="45000")
    squad.act("record_review")
    cadre.to_case(HEAD, "消除").act("post_notice")
    team.night(6)
    cadre.to_case(HEAD, "消除").act("close_publicity")
    helper_stays_away(team)
    team("township_officer").to_case(HEAD, "消除").act("township_audit")
    team("county_lead").to_case(HEAD, "消除").act("county_approve")
    team("township_leader").to_case(HEAD, "消除").act("announce")
    team("township_officer").to_case(HEAD, "消除").act("register")
    assert (town.state("C2"), town.state("S1")) == ("concluded", "eliminated_observing")


def helper_stays_away(team: Team) -> None:
    """The helper sees the case, and may not move it on."""
    helper = team("helper").open(f"/cases/{HOUSEHOLD}-C2")
    assert helper.page.locator('a[href$="/acts/township_audit"]').count() == 0


def watch_on(team: Team) -> None:
    """Half a year later the clock, and nobody else, makes the elimination stable."""
    team("helper").to_case(HEAD).act("record_visit")
    team.night(150)
    assert team.town.state("S1") == "eliminated_observing"
    team.night(40)
    assert team.town.state("S1") == "eliminated_stable"
    assert team.town.state("A1") == "stable"
    team("village_cadre").open(f"/cases/{HOUSEHOLD}-S1").shoot("case-stable")


def print_and_verify(team: Team) -> None:
    """The auditor looks, prints by the button, and the PDF is the database's."""
    auditor, town = team("auditor").open("/"), team.town
    auditor.shoot("audit")
    prints, looks = town.ledger("trail_print"), town.ledger("case_read")
    auditor.open(f"/cases/{HOUSEHOLD}-C1").shoot("case-audited")
    assert auditor.page.locator('a[href*="/acts/"]').count() == 0
    with auditor.page.expect_download() as waiting:
        auditor.page.click("form.trail button", no_wait_after=True)
    data = waiting.value.path().read_bytes()
    if team.watch.shots:
        (team.watch.shots / "trail.pdf").write_bytes(data)
    assert waiting.value.suggested_filename == f"trail-{HOUSEHOLD}-C1.pdf"
    assert verify(data, database=True).code == 0
    assert (town.ledger("trail_print"), town.ledger("case_read")) == (prints + 1, looks + 1)
    auditor.open("/audit/ledger").shoot("ledger")


on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@on_sqlite
def test_without_script_a_double_click_makes_one_move(team: Team) -> None:
    """The key of the form, not the script, is what makes two clicks one."""
    cadre = Person.arrive(team.browser, team.address, ROLES["village_cadre"], team.watch, java_script_enabled=False)
    cadre.to_case("向大山").begin("nominate").fill()
    cadre.page.locator("form.form-wide .buttons button").dblclick()
    # The second click leaves the first one's way aside, which a wait for one navigation takes for a failure.
    expect(cadre.page).to_have_url(re.compile(r"/cases/.*done="), timeout=30_000)
    assert team.town.cases(2)["C1"] == ("nominated", 2)
    cadre.page.context.close()


@on_sqlite
def test_pages_in_english_are_english_but_for_names(team: Team) -> None:
    """Every kind of page after one press of the button; what the county wrote itself stays as it is."""
    stranger = Person.arrive(team.browser, team.address, "", team.watch)
    stranger.page.goto(f"{stranger.base}/login")
    stranger.shoot("login").speak("en").shoot("login-en")
    stranger.page.context.close()
    lead = team("county_lead").open("/").speak("en")
    for path, name in ENGLISH.items():
        english(lead.open(path), name)
    auditor = team("auditor").open("/").speak("en")
    for path, name in {"/audit": "audit", "/audit/ledger": "ledger"}.items():
        english(auditor.open(path), name)


@on_sqlite
def test_a_telephone_shows_little_at_once_and_a_desk_the_whole(team: Team) -> None:
    """Earlier entries are folded and the menu is one line on a telephone, in both languages; no list moves sideways."""
    cadre = team("village_cadre").open("/desk")
    for lang in ("en", "zh"):
        cadre.speak(lang)
        for size, is_open in ((SHOTS["375"], False), (SHOTS["1366"], True)):
            cadre.page.set_viewport_size(size)
            cadre.open("/cases/500241H0000004-C1")
            assert cadre.page.locator("details.history").evaluate("e => e.open") is is_open
            assert cadre.page.locator("nav.links").evaluate(ONE_LINE)
    cadre.page.set_viewport_size(SHOTS["375"])
    for path in ("/desk", "/households", "/overdue", "/reminders", "/cases/500241H0000004-C1"):
        assert cadre.open(path).page.evaluate(TINY) == [], path


ONE_LINE = "e => e.clientHeight < 60 && e.scrollWidth <= e.clientWidth"
TINY = """() => [...document.querySelectorAll("a, button, summary, select, label.option")]
  .filter(e => !e.matches(".skip, .rowlink, .chains a"))
  .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
  .filter(([, box]) => box.height && (box.height < 43.5 || box.width < 43.5))
  .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
ENGLISH = {
    "/desk": "desk",
    "/households": "areas",
    "/overdue": "overdue",
    "/reminders": "reminders",
    "/notices": "notices",
    "/password": "password",
    "/cases/500241H0000004-C1": "case",
    "/cases/500241H0000004-C1/acts/record_comparison": "form",
    "/cases/500241H0000004-C1/acts/return_case": "form-return",
}
CHINESE = re.compile("[\u4e00-\u9fff]+")
WORDS = "nav.links, h1, h2, dt, label, legend, button:not([value=zh]), th[scope=col], .quiet, .hint, .foot, .state"


def english(person: Person, name: str) -> None:
    """No word of ours on the page is Chinese; names of people and places may be."""
    assert person.page.locator("html").get_attribute("lang") == "en"
    said = " ".join(person.page.locator(WORDS).all_inner_texts())
    left = set(CHINESE.findall(said)) - {"罗网格", "姚国强", "石主任", "何审计"}
    assert not left, (name, left)
    person.shoot(f"{name}-en")
