"""Tokens and webhooks by the command line."""

import re

from tests.cli.conftest import Machine


def test_a_token_is_made_listed_and_revoked(bare: Machine) -> None:
    bare.init()
    made = bare.run("token", "add", "--as", "guan", "--name", "平台", "--scope", "accounts:manage", "--area", "500241")
    assert re.search(r"^fangpin_[\w-]{43}$", made.output, re.MULTILINE)
    listed = bare.run("token", "list", "--as", "guan").output
    assert "accounts:manage" in listed
    assert "平台" in bare.run("token", "list", "--county", "--as", "guan").output
    assert "已撤销" in bare.run("token", "revoke", "1", "--as", "guan").output
    bare.fails("token", "revoke", "9", "--as", "guan", reason="not_found")
    bare.fails(
        "token", "add", "--as", "guan", "--name", "x", "--scope", "cases:read", "--area", "999999", reason="bad_value"
    )


def test_a_webhook_is_added_switched_and_replayed(bare: Machine) -> None:
    bare.init()
    bare.fails("webhook", "add", "https://127.0.0.1/", "--area", "500241", "--as", "guan", reason="forbidden_address")
    bare.fails("webhook", "add", "http://10.0.0.1/", "--area", "500241", "--as", "guan", reason="forbidden_address")
    added = bare.run("webhook", "add", "https://93.184.216.34/hook", "--area", "500241", "--as", "guan")
    assert "只显示这一次" in added.output
    assert "https://93.184.216.34/hook" in bare.run("webhook", "list", "--as", "guan").output
    assert "已停用" in bare.run("webhook", "switch", "1", "off", "--as", "guan").output
    replayed = bare.run("webhook", "replay", "1", "--since", "2026-01-01T00:00:00Z", "--as", "guan")
    assert "0" in replayed.output
    bare.fails("webhook", "replay", "1", "--as", "guan", reason="bad_value")
