"""The form for one's own e-mail address, the administrator's, and what watches over the mail server."""

from dataclasses import replace

from flask import url_for
from sqlalchemy import select

from app.services import mail_addresses, mails, upkeep
from app.services.letters import code_of
from app.smtp import Mailer
from app.store.transaction import reading
from app.tables import AccessRow, ChannelAddress, db
from tests.scheduler.post_office import free_port, use
from tests.web.site import browser
from tests.web.test_health import failing, run_jobs
from tests.world import World

MAILER = Mailer("127.0.0.1", 1, "none", "fangpin@county.example")
WHOLE = "zhao@village.example"


def code_for(number: int) -> str:
    """The code that its mail tells."""
    with reading():
        row = db.session.get_one(ChannelAddress, (number, "mail"))
        return code_of(number, row.address, str(row.asked_at))


def test_my_address_is_confirmed_shown_masked_and_removed(world: World) -> None:
    use(world, MAILER)
    cadre = world.person("village_cadre")
    one = browser(world, cadre).get("/password")
    assert "邮件提醒" in one.text
    wrong = one.post("/mail", {"address": "zhao", "choice": "each"})
    assert (wrong.status, wrong.code) == (422, "bad_value")
    assert "邮箱地址不正确" in one.text
    one.post("/mail", {"address": "ｚｈａｏ＠village.example", "choice": "digest"})
    assert "z***@village.example" in one.text
    assert "确认码已发出" in one.text
    assert WHOLE not in one.text
    assert one.post("/mail/confirm", {"code": "00000000"}).status == 422
    assert "确认码不对" in one.text
    one.post("/mail/confirm", {"code": code_for(int(cadre.id[1:]))})
    assert "已确认" in one.text
    one.post("/mail", {"address": "", "choice": "none"})
    assert mail_addresses.mine(int(cadre.id[1:])).choice == "none"
    assert "已确认" in one.text
    assert "尚未填写邮箱" in one.post("/mail/remove", {}).text


def test_an_address_asked_for_too_often_is_refused(world: World) -> None:
    use(world, MAILER)
    one = browser(world, world.person("village_cadre")).get("/password")
    found = []
    for index in range(6):
        world.now = world.now.replace(minute=index)
        found.append(one.post("/mail", {"address": f"a{index}@village.example", "choice": "each"}).status)
    assert found == [200] * 5 + [429]
    assert "尝试次数过多" in one.text


def test_without_a_server_nothing_is_asked(world: World) -> None:
    one = browser(world, world.person("village_cadre")).get("/password")
    assert "邮件提醒" not in one.text
    assert "未设置服务器" in browser(world, world.person("admin")).get("/health").text


def test_the_administrator_sets_an_address_and_sees_a_bounce(world: World) -> None:
    use(world, MAILER)
    cadre, admin = world.person("village_cadre"), browser(world, world.person("admin"))
    name = "village_cadre-500241001201"
    assert admin.get("/accounts").post("/accounts/mail", {"username": name, "address": "x"}).status == 422
    assert admin.get("/accounts").post("/accounts/mail", {"username": "nobody", "address": WHOLE}).status == 404
    admin.get("/accounts").post("/accounts/mail", {"username": name, "address": WHOLE})
    assert "z***@village.example" in admin.text
    mail_addresses.confirm(int(cadre.id[1:]), code_for(int(cadre.id[1:])))
    assert mail_addresses.bounce(WHOLE) == 1
    assert "邮件被退回" in admin.get("/accounts").text
    assert "邮件被退回" in browser(world, cadre).get("/password").text
    assert WHOLE not in admin.text
    with reading():
        [entry] = [row.text for row in db.session.scalars(select(AccessRow)) if '"mail_address"' in row.text]
    assert WHOLE not in entry
    foreign = world.person("village_cadre", "500230001201")
    other = next(key for key, known in world.accounts.items() if known.id == foreign.id)
    assert admin.get("/accounts").post("/accounts/mail", {"username": other, "address": WHOLE}).status == 404


def test_a_server_in_trouble_is_a_duty_that_fails(world: World) -> None:
    use(world, replace(MAILER, port=free_port()))
    cadre = world.person("village_cadre")
    run_jobs(world)
    assert failing(world) == ["mail"]
    upkeep.beat("mail", mails.send_due())
    assert failing(world) == []
    mail_addresses.keep(int(cadre.id[1:]), address=WHOLE, choice="each")
    upkeep.beat("mail", mails.send_due())
    assert failing(world) == ["mail"]
    text = world.app.test_client().get("/metrics").get_data(as_text=True)
    assert "fangpin_mail_server_failures 1.0" in text
    assert "fangpin_waiting_mails 1.0" in text
    assert "zhao" not in text


def test_the_links_of_mails_lead_to_pages(world: World) -> None:
    """Mails are written without the pages at hand; their addresses must be those of the pages all the same."""
    with world.app.test_request_context():
        assert url_for("cases.case", number="500241H0000001-C1") == "/cases/500241H0000001-C1"
        assert url_for("boards.reminders") == "/reminders"
