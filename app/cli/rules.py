"""``fangpin workflow draw`` and ``fangpin policy handbook|matrix|clauses``: the rules as SVG, PDF or text."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.cli.console import Console, Fault, pass_console
from app.cli.policy import policy, workflow
from app.labels import Speech
from app.runtime import all_terms
from app.services.clause_list import clauses
from app.services.drawing import diagram
from app.services.guide import Apart, Guide
from app.services.handbook import handbook
from app.services.matrix import matrix
from workflows.clock import local_date
from workflows.policy import Pack
from workflows.registry import Rules, load_rules

FAMILY = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Source Han Sans SC, sans-serif"
SHEETS: Mapping[str, Callable[[Speech, Pack, Rules], dict[str, Any]]] = {
    "handbook": handbook,
    "matrix": matrix,
    "clauses": clauses,
}
HELP = {
    "handbook": "办事手册：办什么、谁签、几天内、依据哪条 / what happens, who signs, by when, under which clause",
    "matrix": "权限表：每一事项由哪些职务办理 / which roles may do what",
    "clauses": "条款对照：每一条由哪项规则实现 / which rule carries out which clause",
}
day_option = click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="按此日有效的规则 / rules as of this day"
)
language_option = click.option("--language", type=click.Choice(["zh", "en"]), help="语言 / language")


def _opened(console: Console, pack: str, day: datetime | None, language: str | None) -> tuple[Rules, Pack, Speech]:
    """Load the rules of this installation without its database: drawing and printing need none."""
    folder = console.settings().policies
    rules = load_rules(*([folder] if folder else []))
    found = rules.pack_named(pack)
    if found is None:
        raise Fault("no_pack", pack=pack, known=", ".join(rules.packs))
    today = day.date() if day else local_date(console.clock() if console.clock else datetime.now(UTC))
    return rules, found, Apart(language or console.lang, today, found.area, terms=all_terms().under(found.terms))


@click.command("draw", help="画流程图（SVG）/ draw the diagram of a definition under a pack")
@click.argument("definition", default="household_case")
@click.option("--pack", required=True, metavar="PACK", help="规则包 / id of the pack")
@click.option("--purpose", help="事项（include、eliminate）/ purpose; the first by default")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--shape", type=click.Choice(["wide", "narrow"]), default="wide", help="宽图或手机窄图 / wide, or for a phone"
)
@language_option
@day_option
@pass_console
def draw(
    console: Console,
    definition: str,
    pack: str,
    purpose: str | None,
    out: Path,
    shape: str,
    language: str | None,
    day: datetime | None,
) -> None:
    """Write the diagram as an SVG file that needs nothing from elsewhere."""
    from app import printing

    rules, found, words = _opened(console, pack, day, language)
    chosen = rules.definition_named(definition)
    if chosen is None:
        raise Fault("no_definition", definition=definition, known=", ".join(rules.definitions))
    asked = purpose or next(iter(chosen.purposes))
    if asked not in chosen.purposes:
        raise Fault("no_purpose", purpose=asked, known=", ".join(chosen.purposes))
    values = diagram(Guide(words, rules.machine(chosen, found, asked), rules))
    out.write_text(printing.draw(values, shape=shape, family=FAMILY), encoding="utf-8")
    console.tell("rules.written", path=out)


def _sheet(kind: str) -> click.Command:
    """Make the command of one sheet: a PDF with --out, else text."""

    @click.command(kind, help=HELP[kind])
    @click.argument("pack")
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="写入 PDF 文件 / write a PDF")
    @language_option
    @day_option
    @pass_console
    def command(console: Console, pack: str, out: Path | None, language: str | None, day: datetime | None) -> None:
        from app import printing

        rules, found, words = _opened(console, pack, day, language)
        values = SHEETS[kind](words, found, rules)
        if out is None:
            click.echo("\n".join(TEXTS[kind](values)))
            return
        out.write_bytes(printing.print_rules(kind, values))
        console.tell("rules.written", path=out)

    return command


def _handbook_lines(values: Mapping[str, Any]) -> list[str]:
    lines = [values["title"], values["head"]["line"], *values["intro"]]
    for part in values["parts"]:
        lines += ["", f"# {part['heading']}", *(f"- {text}" for text in part["through"])]
        for section in part["sections"]:
            lines += ["", f"## {section['heading']}", *filter(None, (section["intro"], section["alike"]))]
            for item in section["items"]:
                lines += ["", f"### {item['heading']}"]
                lines += [f"{row['label']}: {' '.join(row['texts'])}" for row in item["rows"]]
    for part in values["more"]:
        lines += ["", f"# {part['heading']}", *filter(None, (part["intro"],)), *(" | ".join(r) for r in part["rows"])]
    return lines


def _matrix_lines(values: Mapping[str, Any]) -> list[str]:
    lines = [values["title"], values["head"]["line"], values["key"]]
    for part in values["parts"]:
        lines += ["", f"# {part['title']}"]
        for row in part["rows"]:
            may = [
                role + ("" if cell == "all" else "◐")
                for role, cell in zip(values["roles"], row["cells"], strict=True)
                if cell
            ]
            lines.append(" | ".join((row["action"], ", ".join(may), "; ".join(row["notes"]))))
    return lines


def _clause_lines(values: Mapping[str, Any]) -> list[str]:
    lines = [values["title"], values["head"]["line"]]
    for document in values["documents"]:
        lines += ["", f"# {document['id']} {document['title']}"]
        lines += [" | ".join((row["clause"], row["rule"], row["value"])) for row in document["rows"]]
    if values["items"]:
        lines += ["", f"# {values['measures']}", values["measures_intro"]]
    for item in values["items"]:
        rules = "; ".join(" ".join(filter(None, (rule["text"], rule["value"]))) for rule in item["rules"])
        cells = (str(item["number"]), item["clause"], item["about"], item["office"], item["state_word"], rules)
        lines.append(" | ".join(cells).rstrip(" |"))
    lines += ["", f"# {values['own']}", *(" | ".join((row["rule"], row["value"])) for row in values["own_rows"])]
    return lines


TEXTS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "handbook": _handbook_lines,
    "matrix": _matrix_lines,
    "clauses": _clause_lines,
}


def register(_: click.Group) -> None:
    """Add the commands of this file to the groups of rules."""
    workflow.add_command(draw)
    for kind in SHEETS:
        policy.add_command(_sheet(kind))
