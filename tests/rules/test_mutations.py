"""Mutation test of the checker: each broken definition or pack is caught with the right reason."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.rules.mutations import MUTATIONS, PACK
from workflows.prove.check import Prover
from workflows.registry import DEFINITIONS, POLICIES, load_rules
from workflows.tables import BadTable


@cache
def texts() -> dict[str, str]:
    """The shipped definitions and the national pack, by id."""
    paths = [*DEFINITIONS.glob("*.toml"), POLICIES / f"{PACK}.toml"]
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def codes(folder: Path, name: str, old: str, new: str, *, people: bool) -> set[str]:
    """What the checker says of the rules with one file changed everywhere that the old text stands."""
    text = texts()[name]
    for before, after in zip(old.split("§"), new.split("§"), strict=True):
        assert before in text, "the mutation no longer fits the file"
        text = text.replace(before, after)
    definitions, packs = folder / "definitions", folder / "packs"
    shutil.copytree(DEFINITIONS, definitions)
    packs.mkdir()
    place = packs / "national.toml" if name == PACK else definitions / f"{name}.toml"
    place.write_text(text, encoding="utf-8")
    try:
        rules = load_rules(packs, definitions=definitions)
    except BadTable:
        return {"bad_rules"}
    prover = Prover(rules, imports=False, people=people)
    return {finding.code for finding in prover.prove(rules.packs[PACK]).findings}


@pytest.mark.parametrize(("name", "old", "new", "code"), [pytest.param(*row[1:], id=row[0]) for row in MUTATIONS])
def test_mutation_is_caught(tmp_path: Path, name: str, old: str, new: str, code: str) -> None:
    found = codes(tmp_path, name, old, new, people=code == "one_person_alone")
    assert code in found, found
