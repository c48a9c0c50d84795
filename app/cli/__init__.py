"""The command ``fangpin``: one group of commands a file; each asks a service and says what it answered."""

import click

from app.cli import (
    areas,
    audit,
    backup,
    bundle,
    calendar,
    cases,
    check,
    clocks,
    demo,
    duties,
    grids,
    households,
    installation,
    mail,
    office_seal,
    papers,
    policy,
    rule_changes,
    rules,
    seals,
    simulate,
    tokens,
    trails,
    users,
    webhooks,
    witness,
)
from app.cli.console import Commands, Console

__all__ = ["cli", "main"]

EPILOG = """\b
退出码 / exit codes:
  0  完成 / done                      1  被拒绝或无法办理 / refused or not possible
  2  用法错误，或 check、verify 发现损坏、改动 / usage, or damage (check), alteration (verify)
  3  verify：自身一致，但未与数据库或已知链头核对 / consistent, not anchored
  4  verify：不是可核验的台账文件 / malformed
"""


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--lang", type=click.Choice(["zh", "en"]), help="语言 / language (LANG)")
@click.version_option(package_name="fangpin", prog_name="fangpin")
@click.pass_context
def cli(context: click.Context, lang: str | None) -> None:
    """防止返贫监测帮扶 / monitoring and assistance of households at risk of returning to poverty."""
    console = context.ensure_object(Console)
    if lang:
        console.lang = lang


MODULES = (
    installation, demo, check, backup, areas, grids, households, cases, calendar, clocks, duties, trails, seals,
    office_seal, witness, audit, papers, bundle, users, mail, tokens, webhooks, policy, rules, rule_changes, simulate,
)  # fmt: skip
for module in MODULES:
    module.register(cli)


def main() -> None:
    """Run the command line; the exit code is the process's."""
    cli(prog_name="fangpin")
