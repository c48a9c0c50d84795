"""``fangpin grid``: open a village's grids and file households under them."""

import click

from app.cli.console import Console, acting, pass_console
from app.services import grids


@click.group(help="网格：新建、划分、列出 / grids of a village")
def grid() -> None:
    """Hold the commands about grids."""


@grid.command("list", help="一村的网格和村民小组 / a village's grids and groups")
@click.argument("village")
@acting
@pass_console
def list_grids(console: Console, village: str, username: str) -> None:
    """Print the groups of a village by grid."""
    with console.running():
        found = grids.village_grids(console.actor(username), village)
    names = dict(found.grids)
    counts = dict.fromkeys(names, 0) | {line.grid: 0 for line in found.groups}
    for line in found.groups:
        counts[line.grid] += line.households
    console.table(("grid", "grid_name", "households"), [(c or "-", names.get(c, "-"), n) for c, n in counts.items()])
    groups = [(line.group or "-", line.grid or "-", line.households) for line in found.groups]
    console.table(("group", "grid", "households"), groups)


@grid.command(help="新建网格 / open a grid")
@click.argument("village")
@click.argument("name")
@acting
@pass_console
def add(console: Console, village: str, name: str, username: str) -> None:
    """Open a grid and print its code."""
    with console.running():
        code = grids.open_grid(console.actor(username), village, name)
    console.tell("grid.added", code=code, name=name)


@grid.command(help="把村民小组或农户划入网格，- 为不划入 / file groups or households under a grid, - for none")
@click.argument("village")
@click.argument("code", metavar="GRID")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="村民小组，可多次 / a group, repeatable")
@click.option("--household", "numbers", multiple=True, metavar="NUMBER", help="户号，可多次 / a household, repeatable")
@acting
@pass_console
def assign(
    console: Console, village: str, code: str, groups: tuple[str, ...], numbers: tuple[str, ...], username: str
) -> None:
    """File households under a grid."""
    with console.running():
        actor = console.actor(username)
        wanted = [number.upper() for number in numbers]
        moved = grids.assign(actor, village, "" if code == "-" else code, groups=groups, numbers=wanted)
    console.tell("grid.assigned", count=moved)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(grid)
