"""Hard inputs: other hosts, odd numbers, NUL, files without a right; refusals and looks that must be on record."""

import io
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

import app
from app.labels import Speech, refusal_sentence
from app.runtime import all_terms
from app.schemas import person, whole
from app.store.transaction import reading
from app.tables import AccessRow, EvidenceFile, LoginFailure, db
from app.views.audit import KINDS
from app.views.paths import safe_path
from tests.factories import XIUSHAN
from tests.web.site import browser
from tests.world import World, picture
from workflows.errors import KeyReused, OutOfArea

HOSTS = [
    "/\t/evil.com",
    "/\r/",
    "/\r\n/evil.com",
    "/\\/evil.com",
    "/a\\b",
    "//evil.com",
    "/\x00",
    "/\x85/e",
    "http:/x",
    "",
]
ODD = ["²", "٣", "9" * 5000, "-1", "1e3", "a", "a~b", "a~b~c~d", "~", "%00x"]


def ledger(kind: str) -> list[dict[str, object]]:
    """The access ledger's lines of a kind, oldest first."""
    with reading():
        rows = [json.loads(t) for t in db.session.scalars(select(AccessRow.text).order_by(AccessRow.seq))]
    return [row for row in rows if row["kind"] == kind]


def count(table: type) -> int:
    """How many rows a table has."""
    with reading():
        return int(db.session.scalar(select(func.count()).select_from(table)) or 0)


@pytest.mark.parametrize("path", HOSTS)
def test_no_way_to_another_host(path: str) -> None:
    assert safe_path(path) == "/"


def test_log_in_and_language_lead_to_no_other_host(world: World) -> None:
    one = browser(world, world.person("village_cadre"))
    for odd in ("/%09/evil.com", "/%0d/", "/%5cevil.com", "//evil.com"):
        one.get(f"/login?next={odd}")
        assert (one.status, one.last and one.last.headers["Location"]) == (302, "/"), odd
    for odd in ("/\t/evil.com", "/\r/", "/\\evil.com"):
        one.post("/language", {"lang": "zh", "back": odd}, follow=False)
        assert (one.status, one.last and one.last.headers["Location"]) == (303, "/"), odd


def test_whole_numbers() -> None:
    assert [whole(text) for text in ("7", "0012", "9" * 12)] == [7, 12, 10**12 - 1]
    assert [whole(text) for text in ("", "²", "٣", "9" * 13, "-1", " 1", "1\n")] == [None] * 7
    assert [person(text) for text in ("u7", "u²", "u", "7", "u" + "9" * 30)] == ["u7", None, None, None, None]


def test_odd_numbers_and_keys_in_addresses(world: World) -> None:
    world.walker().clue()
    pages = {
        "village_cadre": [
            "/desk?after=",
            "/households?after=",
            "/households?area=",
            "/overdue?after=",
            "/overdue?area=",
        ],
        "auditor": ["/audit?after=", "/audit/ledger?after="],
        "admin": ["/accounts?after="],
    }
    for role, paths in pages.items():
        one = browser(world, world.person(role))
        for path in (*paths, "/reminders?before="):
            for odd in ODD[:-1]:
                assert one.get(f"{path}{odd}").status == 200, (path, odd[:20])


def test_odd_numbers_in_forms(world: World) -> None:
    walker = world.walker().clue()
    one = browser(world, walker.actor("village_cadre"))
    for odd in ("²", "9" * 5000, "x"):
        assert one.post("/reminders", {"id": odd}).status == 200
        assert one.post("/reminders", {"newest": odd}).status == 200
        one.post(f"/cases/{walker.case.number}/acts/nominate", {"version": odd, "opinion": "x"})
        assert (one.status, one.code) == (409, "stale"), odd[:10]


def test_nul_is_refused_before_the_database_sees_it(world: World) -> None:
    number = world.household()
    one = browser(world, world.person("village_cadre"))
    for path in ("/households?q=%00", "/cases/%00", f"/households/{number}%00", "/nowhere%00", "/desk?%00=1"):
        assert (one.get(path).status, one.code) == (400, "bad_request"), path
    one.get("/desk").post("/reminders", {"id": "\0"})
    assert (one.status, one.code) == (400, "bad_request")
    stranger = browser(world).get("/login")
    assert stranger.post("/login", {"username": "a\0b", "password": "x"}).status == 400


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\x07", "\ufeff"])
def test_what_nobody_sees_is_refused_in_every_form(world: World, character: str) -> None:
    walker = world.walker()
    one = browser(world, walker.actor("village_cadre"))
    walker.clue()
    for path, field in ((f"/cases/{walker.case.number}/acts/nominate", "opinion"), ("/reminders", "id")):
        one.post(path, {field: f"张{character}三"})
        assert (one.status, one.code) == (422, "hidden_character"), path


def test_no_file_is_taken_for_a_move_that_is_not_open(world: World) -> None:
    walker = world.walker().clue().walk("verifying")
    world.now = walker.now
    before = count(EvidenceFile)
    other = browser(world, world.person("township_officer"))
    sent = {"file.visit_photo": (io.BytesIO(picture("never seen")), "a.jpg"), "version": str(walker.case.seq)}
    other.post(f"/cases/{walker.case.number}/acts/verify", sent)
    assert other.status == 403
    assert count(EvidenceFile) == before


def test_refused_posts_are_on_record_once_and_without_typed_text(world: World) -> None:
    walker = world.walker().clue()
    case, household = walker.case.number, walker.household.number
    cadre = browser(world, walker.actor("village_cadre"))
    secret = "张三有病"
    tries = [
        (f"/cases/{case}/acts/nominate", 422, case, "nominate"),
        (f"/cases/{case}/acts/{secret}", 404, case, ""),
        (f"/cases/{secret}/acts/nominate", 404, "cases.act", "nominate"),
        ("/cases/500241H0000099-C1/acts/nominate", 404, "500241H0000099-C1", "nominate"),
        (f"/households/{household}/clues/{secret}", 404, household, ""),
        ("/accounts", 403, "accounts.add", ""),
        ("/password", 422, "session.password", ""),
    ]
    for done, (path, status, subject, action) in enumerate(tries, 1):
        cadre.post(path, {"opinion": secret, "version": str(walker.case.seq), "old": secret, "new": "", "again": ""})
        assert cadre.status == status, (path, cadre.status, cadre.code)
        lines = ledger("refused")
        assert len(lines) == done, path
        assert lines[-1]["subject"] == subject
        assert dict(lines[-1]["detail"])["action"] == action  # type: ignore[call-overload]
        assert lines[-1]["user"] == walker.actor("village_cadre").id
        assert secret not in json.dumps(lines, ensure_ascii=False)
    cadre.get("/accounts")
    assert len(ledger("refused")) == len(tries), "a page that is refused is no act"
    cadre.post(f"/cases/{case}/acts/nominate", {"version": "99"})
    assert len(ledger("refused")) == len(tries) + 1, "what the service noted is not noted again"


def test_an_auditors_look_at_notices_is_on_record(world: World) -> None:
    walker = world.walker().clue().walk("publicizing")
    world.now = walker.now
    one = browser(world, world.person("auditor"))
    for path, subject in (("/notices", "notices"), (f"/notices/{XIUSHAN}", XIUSHAN)):
        assert "张三" in one.get(path).text
        assert ledger("list_read")[-1]["subject"] == subject


@pytest.mark.parametrize("name", ["_hands", "_signatures", "_provenance", "head_name", "no_such"])
def test_corrections_show_no_book_keeping(world: World, name: str) -> None:
    walker = world.walker().clue().walk("comparing")
    world.now = walker.now
    who = walker.actor("village_cadre")
    one = browser(world, who)
    path = f"/cases/{walker.case.number}/acts/correct"
    one.get(f"{path}?corrected_field={name}")
    assert who.person not in one.text
    one.post(path, {"corrected_field": name, "corrected_value": "x", "version": str(walker.case.seq)})
    assert 400 <= one.status < 500
    assert who.person not in one.text
    assert str(walker.case.fields.get(name, "nothing")) not in one.text


def test_head_is_no_attempt(world: World) -> None:
    one = browser(world)
    with world.app.app_context():
        assert one.client.head("/login").status_code == 200
    assert count(LoginFailure) == 0
    inside = browser(world, world.person("village_cadre"))
    with world.app.app_context():
        assert inside.client.head("/password").status_code == 200
    assert (count(LoginFailure), ledger("refused")) == (0, [])


def test_scans_are_saved_and_pictures_shown(world: World) -> None:
    walker = world.walker()
    kept = walker.files(walker.actor("village_cadre"), ["visit_photo"])[0]
    answer = browser(world, walker.actor("village_cadre")).get(f"/files/{XIUSHAN[:6]}/{kept.sha256}").last
    assert answer is not None
    assert answer.headers["Content-Disposition"] == f'inline; filename="{kept.sha256[:12]}.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_every_kind_of_the_access_ledger_has_words() -> None:
    folder = Path(app.__file__).parent
    sources = [text for path in folder.rglob("*.py") if "ledger.append(" in (text := path.read_text("utf-8"))]
    written = {kind for text in sources for kind in re.findall(r'\b(?:kind=|KIND = )"([a-z_]+)"', text)}
    assert {"refused", "households_imported", "paper_issue"} <= written
    assert written == set(KINDS)
    assert all(f"access.{kind}" in all_terms() for kind in written)


def test_parameters_named_like_arguments(world: World) -> None:
    words = Speech("en", world.now.date(), XIUSHAN)
    for refusal in (KeyReused(key="k", lang="x"), OutOfArea(area="500241", on="x")):
        assert refusal_sentence(words, refusal)
    assert all_terms().text("refused.key_reused", "en", key="k", lang="x")
