"""``fangpin policy check``, ``fangpin workflow check``: the proof of the rules, with a counter-example for faults."""

import time
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from app.cli.console import REFUSED, Console, pass_console
from app.rule_files import RuleFiles, laid_over
from app.soundness import unhurried
from workflows.prove.check import Proof, prove
from workflows.prove.findings import Finding
from workflows.registry import Rules, load_rules


@click.group(help="规则包 / packs of rules")
def policy() -> None:
    """Hold the commands about packs."""


@click.group(help="流程定义 / definitions of workflows")
def workflow() -> None:
    """Hold the commands about definitions."""


@policy.command(
    "check", help="证明规则包可靠：穷尽全部状态；可给出尚未安装的文件 / prove packs, also files not installed yet"
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_console
def check_policies(console: Console, files: tuple[Path, ...]) -> None:
    """Prove all packs, or those of some files over the installed ones."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    with laid_over(console.settings().policies, texts) as folders:
        rules = load_rules(*folders)
        places = RuleFiles(folders, shown={path.name: path for path in files})
        found = [f for proof in _proven(console, rules, [_id(path) for path in files]) for f in proof.findings]
        _tell(console, found, places)
    if found:
        raise click.exceptions.Exit(REFUSED)


@workflow.command("check", help="证明各流程定义在全部规则包下可靠 / prove the definitions under all packs")
@pass_console
def check_workflows(console: Console) -> None:
    """Prove the definitions under every pack; each fault is told once."""
    with laid_over(console.settings().policies, {}) as folders:
        rules = load_rules(*folders)
        places = RuleFiles(folders, shown={})
        proofs = _proven(console, rules, [])
    found = {f.sentence("en"): f for proof in proofs for f in proof.findings if f.definition}
    for definition in rules.definitions.values():
        states = len({*definition.states, *(step.state for step in definition.steps.values())})
        acts = len(definition.steps) + len(definition.actions)
        wrong = sum(f.definition == definition.id for f in found.values())
        console.tell("policy.definition", id=definition.id, label=definition.label[console.lang], states=states,
                     version=definition.version or "1", digest=definition.digest[:12],
                     acts=acts, timers=len(definition.timers), wrong=wrong)  # fmt: skip
    _tell(console, found.values(), places)
    if found:
        raise click.exceptions.Exit(REFUSED)


def _id(path: Path) -> str:
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["id"])


def _proven(console: Console, rules: Rules, names: Sequence[str]) -> list[Proof]:
    begin = time.monotonic()
    proofs = []
    with unhurried(), console.progress("policy.progress", len(names or rules.packs)) as progress:
        for proof in prove(rules, names):
            proofs.append(proof)
            progress(1)
            people = {purpose: count or console.say("policy.many") for purpose, count in proof.people.items()}
            console.tell("policy.pack", id=proof.pack, label=rules.packs[proof.pack].label[console.lang],
                         version=rules.packs[proof.pack].edition, digest=rules.packs[proof.pack].digest[:12],
                         states=proof.states, moves=proof.moves, days=len(proof.days), wrong=len(proof.findings),
                         include=people.get("include", "—"), eliminate=people.get("eliminate", "—"))  # fmt: skip
    seconds = f"{time.monotonic() - begin:.1f}"
    console.tell("policy.summary", packs=len(proofs), states=sum(p.states for p in proofs),
                 moves=sum(p.moves for p in proofs), seconds=seconds,
                 wrong=sum(len(p.findings) for p in proofs))  # fmt: skip
    return proofs


def _tell(console: Console, findings: Iterable[Finding], places: RuleFiles) -> None:
    for finding in findings:
        click.echo(f"{places.place_of(finding)} [{finding.code}] {finding.sentence(console.lang)}")
        if finding.example(console.lang):
            click.echo(f"    {console.say('policy.example', path=finding.example(console.lang))}")


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(policy)
    group.add_command(workflow)
