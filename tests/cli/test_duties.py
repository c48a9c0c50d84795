"""``fangpin duty``: list, report, register a warning; another's area is none."""

from datetime import UTC, datetime

import pytest

from app.services import duties
from tests.cli.conftest import VILLAGE, Machine


def make(machine: Machine) -> None:
    """What the scheduler does once a minute."""
    with machine.application():
        duties.make_due()


@pytest.fixture
def april(machine: Machine) -> Machine:
    """A county four days into April."""
    make(machine)
    machine.now = datetime(2026, 4, 4, 2, tzinfo=UTC)
    make(machine)
    return machine


def test_list_and_report(april: Machine) -> None:
    listed = april.run("duty", "list", "--as", "cun").output
    assert "月排查" in listed
    period = f"survey_monthly~2026-03-31T16:00:00Z~{VILLAGE}"
    assert period in listed
    told = april.run("duty", "report", period, "--as", "cun", "--on", "2026-04-02", "--nil", "--key", "k").output
    assert "已登记" in told
    assert "此前已登记" in april.run(
        "duty", "report", period, "--as", "cun", "--on", "2026-04-02", "--nil", "--key", "k"
    ).output  # fmt: skip
    assert period not in april.run("duty", "list", "--as", "cun", "--state", "open").output
    assert period in april.run("duty", "list", "--as", "cun", "--state", "done").output


def test_what_is_refused(april: Machine) -> None:
    period = f"survey_monthly~2026-03-31T16:00:00Z~{VILLAGE}"
    april.fails("duty", "report", period, "--as", "xiang", reason="wrong_office")
    april.fails("duty", "report", "x~y~z", "--as", "cun", reason="not_found")
    april.fails("duty", "report", period, "--as", "cun", "--on", "2026-03-02", reason="bad_value")


def test_a_warning(april: Machine) -> None:
    assert "2" in april.run("duty", "warn", VILLAGE, "--as", "xiang", "--on", "2026-04-03").output
    assert "预警核实" in april.run("duty", "list", "--as", "xiang").output
    april.fails("duty", "warn", VILLAGE, "--as", "bang", reason="wrong_office")
