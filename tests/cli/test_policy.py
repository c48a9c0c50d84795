"""The proof of the rules from the command line and at start: sound ones run, others do not; once is enough."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import soundness
from app.cli import cli
from workflows.policy import Pack
from workflows.prove.check import Proof, Prover
from workflows.registry import Rules, load_rules

PACK = """format = "fp-pack-v1"
id = "500243-pengshui"
area = "500243"
extends = "national"
label = {zh = "彭水县（示例）", en = "Pengshui (example)"}
effective = "2026-01-01"
[[sources]]
id = "P1"
title = "示例"
[[limits]]
timer = "household_case.id_total"
unit = "calendar_days"
amount = DAYS
bound = "max"
clause = "P1 8"
"""


def run(*arguments: object, folder: Path, policies: Path | None = None) -> Result:
    """Run a command with a data folder of its own."""
    env = {"FANGPIN_DATA": str(folder), "FANGPIN_POLICIES": str(policies) if policies else "", "LANG": "zh_CN.UTF-8"}
    return CliRunner().invoke(cli, [str(word) for word in arguments], env=env)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered from other tests of this process."""
    monkeypatch.setattr(soundness, "_sound", set[str]())


def test_file_is_proven_over_the_installed_packs(tmp_path: Path) -> None:
    """A file that is not installed yet: four days for everything are too few, and the line is named."""
    path = tmp_path / "500243-pengshui.toml"
    path.write_text(PACK.replace("DAYS", "4"), encoding="utf-8")
    result = run("policy", "check", path, folder=tmp_path)
    assert result.exit_code == 1
    assert f"{path}:11 [limit_too_short]" in result.output
    assert "公示期届满" in result.output
    assert "秒；问题 1 个" in result.output
    path.write_text(PACK.replace("DAYS", "6"), encoding="utf-8")
    sound = run("--lang", "en", "policy", "check", path, folder=tmp_path)
    assert sound.exit_code == 0
    assert "a case needs at least 4 persons" in sound.output


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A mistake of another kind is told as before, with file and reason."""
    path = tmp_path / "500243-pengshui.toml"
    path.write_text(PACK.replace("DAYS", "0"), encoding="utf-8")
    result = run("policy", "check", path, folder=tmp_path)
    assert result.exit_code == 1
    assert "500243-pengshui.toml" in result.output
    assert "amount = 0" in result.output


def test_unsound_rules_do_not_run(tmp_path: Path, forgetful: None) -> None:
    """An installation with such a pack does not start, and says why."""
    policies = tmp_path / "packs"
    policies.mkdir()
    (policies / "500243-pengshui.toml").write_text(PACK.replace("DAYS", "4"), encoding="utf-8")
    rules = load_rules(policies)
    with pytest.raises(soundness.UnsoundRules, match="limit_too_short") as caught:
        soundness.ensure_sound(rules, tmp_path)
    assert "认定总时限" in caught.value.told("zh")
    assert not (tmp_path / soundness.CACHE).exists()


def test_second_start_proves_nothing(tmp_path: Path, forgetful: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs are kept by digest; a damaged file only costs time, other rules are proven anew."""
    monkeypatch.setattr(soundness, "SHIPPED", tmp_path / "nothing.json")
    shipped = load_rules()
    packs = {name: shipped.packs[name] for name in ("national", "500241-xiushan")}
    rules = Rules(shipped.definitions, packs, shipped.calendar)
    soundness.ensure_sound(rules, tmp_path)
    kept = json.loads((tmp_path / soundness.CACHE).read_text(encoding="utf-8"))
    assert len(kept["sound"]) == len(rules.packs)
    proven: list[str] = []
    real = Prover.prove

    def noting(self: Prover, pack: Pack) -> Proof:
        proven.append(pack.id)
        return real(self, pack)

    monkeypatch.setattr(Prover, "prove", noting)
    soundness._sound.clear()
    soundness.ensure_sound(rules, tmp_path)
    assert proven == []
    (tmp_path / soundness.CACHE).write_text("{", encoding="utf-8")
    soundness._sound.clear()
    soundness.ensure_sound(rules, tmp_path)
    assert sorted(proven) == sorted(rules.packs)


def test_shipped_rules_come_with_their_proof(tmp_path: Path, forgetful: None) -> None:
    """A first start proves nothing; ``make proofs`` is needed after each change (``test_prove`` proves it anew)."""
    rules = load_rules()
    kept = json.loads(soundness.SHIPPED.read_text(encoding="utf-8"))
    assert set(kept["sound"]) == {soundness.proof_key(rules, pack) for pack in rules.packs.values()}, "make proofs"
    soundness.ensure_sound(rules, tmp_path)
    assert not (tmp_path / soundness.CACHE).exists()
