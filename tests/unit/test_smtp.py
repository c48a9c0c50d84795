"""The settings of mail: read right, each wrong one named, a password never repeated; what an answer means."""

import pytest

from app.config import BadSetting, read_settings
from app.smtp import BOUNCED, FAILED, LATER, Answer, brief, is_address, of_data, of_recipient

FROM = "fangpin@county.example"


@pytest.mark.parametrize(
    ("url", "port", "tls", "user", "password"),
    [
        ("smtp://mail.example", 587, "starttls", "", ""),
        ("smtp://mail.example:25?tls=starttls", 25, "starttls", "", ""),
        ("smtp://u%40x:p%3A%2F%40@mail.example", 587, "starttls", "u@x", "p:/@"),
        ("smtps://u:p@mail.example", 465, "implicit", "u", "p"),
        ("smtp://127.0.0.1:2525?tls=none", 2525, "none", "", ""),
        ("smtp://[::1]?tls=none", 25, "none", "", ""),
        ("smtp://localhost?tls=none", 25, "none", "", ""),
    ],
)
def test_a_server_is_read(url: str, port: int, tls: str, user: str, password: str) -> None:
    mailer = read_settings({"FANGPIN_SMTP_URL": url, "FANGPIN_MAIL_FROM": FROM}).mail
    assert mailer is not None
    assert (mailer.port, mailer.tls, mailer.user, mailer.password) == (port, tls, user, password)
    assert mailer.domain == "county.example"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("FANGPIN_SMTP_URL", "http://secret:secret@mail.example"),
        ("FANGPIN_SMTP_URL", "smtp://"),
        ("FANGPIN_SMTP_URL", "smtp://mail.example:port"),
        ("FANGPIN_SMTP_URL", "smtp://secret@mail.example"),
        ("FANGPIN_SMTP_URL", "smtp://u:secret@mail.example?tls=none"),
        ("FANGPIN_SMTP_URL", "smtp://u:secret@mail.example?tls=maybe"),
        ("FANGPIN_SMTP_URL", "smtps://u:secret@mail.example?tls=none"),
        ("FANGPIN_SMTP_URL", "smtp://u:secret@mail.example/path"),
        ("FANGPIN_SMTP_URL", "smtp://u:secret@mail.example?verify=no"),
        ("FANGPIN_SMTP_URL", "smtp://u:secret@mail.example?tls"),
    ],
)
def test_a_wrong_server_is_named_without_its_password(name: str, url: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name}: ") as caught:
        read_settings({"FANGPIN_SMTP_URL": url, "FANGPIN_MAIL_FROM": FROM})
    assert "secret" not in str(caught.value)


def test_without_tls_only_where_it_is_allowed() -> None:
    asked = {"FANGPIN_SMTP_URL": "smtp://mail.example?tls=none", "FANGPIN_MAIL_FROM": FROM}
    mailer = read_settings({**asked, "FANGPIN_SMTP_PLAIN": "1"}).mail
    assert mailer is not None
    assert (mailer.tls, mailer.port) == ("none", 25)


def test_half_a_setting_is_none() -> None:
    assert read_settings({}).mail is None
    with pytest.raises(BadSetting, match=r"^FANGPIN_MAIL_FROM: missing"):
        read_settings({"FANGPIN_SMTP_URL": "smtps://mail.example"})
    with pytest.raises(BadSetting, match=r"^FANGPIN_SMTP_URL: missing"):
        read_settings({"FANGPIN_MAIL_FROM": FROM})
    with pytest.raises(BadSetting, match=r"^FANGPIN_MAIL_FROM: "):
        read_settings({"FANGPIN_SMTP_URL": "smtps://mail.example", "FANGPIN_MAIL_FROM": "防贫"})


@pytest.mark.parametrize("url", ["site.example", "ftp://site.example", "https://", "https://x/?q=1", "https://x/ y"])
def test_a_wrong_address_of_the_site_is_named(url: str) -> None:
    with pytest.raises(BadSetting, match=r"^FANGPIN_BASE_URL: "):
        read_settings({"FANGPIN_BASE_URL": url})
    assert read_settings({"FANGPIN_BASE_URL": "https://site.example/"}).base_url == "https://site.example"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@b", "@b.cn", "a@.cn", "a@b..cn", "a@b.cn ", "a@b.cn\n", "a\r\n@b.cn", f"{'a' * 65}@b.cn", "ä@b.cn"],
)
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)
    assert is_address("zhao.qian+x@mail-1.county.example")


def test_answers_are_sorted_by_who_is_to_act() -> None:
    assert of_recipient(450, b"4.2.1 later") == Answer(LATER, "450 4.2.1")
    assert of_recipient(550, b"5.1.1 <zhao@x> unknown") == Answer(BOUNCED, "550 5.1.1")
    assert of_recipient(553, b"sorry") == Answer(BOUNCED, "553")
    assert of_recipient(530, b"log in first") == Answer(LATER, "530", is_down=True)
    assert of_recipient(550, b"5.7.1 relaying denied") == Answer(LATER, "550 5.7.1", is_down=True)
    assert of_data(554, b"5.7.1 spam") == Answer(FAILED, "554 5.7.1")
    assert of_data(550, b"5.1.1 unknown") == Answer(BOUNCED, "550 5.1.1")
    assert of_data(452, b"4.3.1 full") == Answer(LATER, "452 4.3.1")
    assert brief(550, "5.1.1 zhao@x") == "550 5.1.1"
