"""Where messages may go: no closed network by whatever spelling, the address pinned, no redirect, a limit on time."""

import http.client
import time
from ipaddress import ip_address, ip_network

import pytest

from app.config import BadSetting, read_settings
from app.outward import CLOSED, Allowed, ensure_open, is_open, post, target_of
from tests.api.receiver import receiving
from workflows.errors import ForbiddenAddress

LOOPBACK = Allowed(networks=(ip_network("127.0.0.0/8"),), plain_http=True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.org/", "not_https"),
        ("ftp://example.org/", "not_https"),
        ("file:///etc/passwd", "malformed"),
        ("https://user:pass@example.org/", "credentials"),
        ("https://@127.0.0.1/", "credentials"),
        ("https://exa mple.org/", "malformed"),
        ("https://例.org/", "malformed"),
        ("https://example.org/\r\nX: y", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://example.org:99999/", "malformed"),
        ("https://example.org/#a", "malformed"),
        ("https:///path", "malformed"),
        ("", "malformed"),
        ("https://a.org/" + "a" * 500, "malformed"),
    ],
)
def test_addresses_that_are_none(url: str, reason: str) -> None:
    with pytest.raises(ForbiddenAddress) as refused:
        target_of(url, CLOSED)
    assert refused.value.params == {"reason": reason}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "10.0.0.1", "172.16.5.5", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255",
        "localhost", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[fec0::1]", "[ff02::1]", "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]",
    ],
)  # fmt: skip
def test_closed_networks_by_any_spelling(host: str) -> None:
    with pytest.raises(ForbiddenAddress) as refused:
        ensure_open(target_of(f"https://{host}/", CLOSED), CLOSED)
    assert refused.value.params["reason"] in ("closed_network", "unknown_host")


def test_one_closed_address_among_open_ones_is_enough() -> None:
    target = target_of("https://example.org/", CLOSED)
    with pytest.raises(ForbiddenAddress):
        ensure_open(target, CLOSED, lambda host, port: ["93.184.216.34", "10.0.0.1"])
    assert ensure_open(target, CLOSED, lambda host, port: ["93.184.216.34"]) == "93.184.216.34"
    with pytest.raises(ForbiddenAddress):
        ensure_open(target, CLOSED, lambda host, port: [])


def test_a_name_server_that_changes_its_mind_is_asked_once() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    with receiving() as there:
        url = there.url.replace("127.0.0.1", "name.example")
        assert post(url, b"x", {}, allowed=LOOPBACK, find=lambda host, port: next(answers)) == 204
    assert there.got[0][0]["Host"] == f"name.example:{there.port}"
    assert next(answers) == ["127.0.0.2"]


def test_redirects_are_not_followed() -> None:
    with receiving() as there, receiving() as elsewhere:
        there.status, there.location = 302, elsewhere.url
        assert post(there.url, b"x", {}, allowed=LOOPBACK) == 302
        assert elsewhere.got == []


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_all_of_it_is_limited_in_time(way: str) -> None:
    with receiving() as there:
        setattr(there, way, 4.0)
        begun = time.monotonic()
        with pytest.raises((OSError, http.client.HTTPException)):
            post(there.url, b"x", {}, allowed=LOOPBACK, seconds=0.7)
        assert time.monotonic() - begun < 3


def test_what_a_site_lists_is_let_through() -> None:
    environ = {"FANGPIN_WEBHOOK_ALLOW": "10.1.0.0/16, gateway.county.local", "FANGPIN_WEBHOOK_HTTP": "1"}
    allowed = read_settings(environ).webhook_allowed
    assert ensure_open(target_of("http://10.1.2.3/", allowed), allowed) == "10.1.2.3"
    named = target_of("http://gateway.county.local/", allowed)
    assert ensure_open(named, allowed, lambda host, port: ["192.168.9.9"]) == "192.168.9.9"
    with pytest.raises(ForbiddenAddress):
        ensure_open(target_of("http://10.2.2.3/", allowed), allowed)
    for wrong in ("10.1.0.0/99", "a b", "http://x"):
        with pytest.raises(BadSetting):
            read_settings({"FANGPIN_WEBHOOK_ALLOW": wrong})


def test_open_addresses_are_open() -> None:
    for text in ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"):
        assert is_open(ip_address(text))
