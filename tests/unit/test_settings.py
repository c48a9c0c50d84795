"""Settings: each documented, each wrong one named, and the documentation says what the program does."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.config import KNOWN, NUMBERS, BadSetting, Settings, read_settings

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([A-Z_]+)` \| ([^|]*) \| (.+) \|$", re.MULTILINE)
SOURCES = ("app", "scheduler", ".ci", "deploy")
NAME = re.compile(r"FANGPIN_[A-Z_]*[A-Z]")


def test_every_setting_is_documented_and_no_other() -> None:
    documented = [name for name, *_ in ROW.findall(PAGE)]
    assert sorted(documented) == sorted({*KNOWN, "PORT"})


def test_every_variable_that_the_program_reads_is_known() -> None:
    root = Path(__file__).parents[2]
    files = [
        path for folder in SOURCES for path in (root / folder).rglob("*") if path.suffix in ("", ".py", ".service")
    ]
    found = {name for path in files if path.is_file() for name in NAME.findall(path.read_text(encoding="utf-8"))}
    assert found - {"FANGPIN_DATABSE_URL"} == set(KNOWN)


def test_documented_defaults_and_limits_are_those_of_the_program() -> None:
    rows = {name: (default, meaning) for name, default, meaning in ROW.findall(PAGE)}
    defaults = {field.name: field.default for field in fields(Settings)}
    for name, field, unit, least, most in NUMBERS:
        default, meaning = rows[name]
        assert int(default.strip("`")) * unit == defaults[field], name
        assert f"（{least}–{most}）" in meaning, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FANGPIN_DATABASE_URL", "mysql://x/y"),
        ("FANGPIN_DATABASE_URL", "no address"),
        ("FANGPIN_POLICIES", "/nowhere/at/all"),
        ("FANGPIN_PAPERS", "/nowhere/at/all"),
        ("FANGPIN_FONTS", "/nowhere/at/all"),
        ("FANGPIN_DATA", "/etc/hostname"),
        ("FANGPIN_SECURE_COOKIES", "yes"),
        ("FANGPIN_PROXIES", "10"),
        ("FANGPIN_PROXIES", "²"),
        ("FANGPIN_METRICS_TOKEN", "short"),
        ("FANGPIN_METRICS_TOKEN", "sixteen and blank"),
        *(
            (name, value)
            for name, _, _, least, most in NUMBERS
            for value in (str(least - 1), str(most + 1), "x", "1.5")
        ),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name}: "):
        read_settings({name: value})


def test_a_name_that_is_none_is_named_with_the_one_meant() -> None:
    with pytest.raises(
        BadSetting, match="FANGPIN_DATABSE_URL: there is no such setting; is FANGPIN_DATABASE_URL meant"
    ):
        read_settings({"FANGPIN_DATABSE_URL": "postgresql://x/y"})


def test_numbers_are_taken_over_in_the_units_of_the_program() -> None:
    for name, field, unit, least, _ in NUMBERS:
        assert getattr(read_settings({name: str(least)}), field) == least * unit
    assert read_settings({name: "" for name, *_ in NUMBERS}) == read_settings({})
