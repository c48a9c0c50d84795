"""``fangpin import``: divisions and rosters."""

from pathlib import Path

import click

from app.cli.console import Console, pass_console
from app.cli.households import import_roster
from app.services import areas


@click.group("import", help="导入区划或花名册 / import divisions or a roster")
def importing() -> None:
    """Hold the two imports."""


@importing.command("areas", help="导入行政区划 CSV（code,name,level,parent_code） / import divisions")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_console
def import_areas(console: Console, file: Path) -> None:
    """Take a file of areas into the tree."""
    with console.running():
        taken = areas.import_areas(file.read_bytes())
    console.tell("import.areas", added=taken.added, changed=taken.changed, unchanged=taken.unchanged)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    importing.add_command(import_roster)
    group.add_command(importing)
