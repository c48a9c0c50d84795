"""Where a rule stands: the file and line of what a finding is about."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from workflows.policy import read_tables
from workflows.prove.findings import Finding
from workflows.registry import DEFINITIONS, POLICIES


@contextmanager
def laid_over(site: Path | None, texts: Mapping[str, str]) -> Iterator[list[Path]]:
    """The site's folder and some packs (text by file name), each a folder of its own, so that they win over others."""
    with tempfile.TemporaryDirectory(prefix="fangpin-policy-") as place:
        folders = [site] if site else []
        for number, (name, text) in enumerate(texts.items()):
            folder = Path(place) / str(number)
            folder.mkdir()
            (folder / name).write_text(text, encoding="utf-8")
            folders.append(folder)
        yield folders


OF_PACK = ("limit", "parameter", "condition", "term", "source", "signature", "omitted", "aside", "duty", "target")
KEYS = {"limit": "timer", "effect": "on|action", "signature": "step", "omitted": "action", "aside": "signed"}


class RuleFiles:
    """The files that rules were loaded from: packs by id with their parents, definitions by id."""

    def __init__(self, folders: Sequence[Path], *, shown: Mapping[str, Path]) -> None:
        paths = [path for folder in (POLICIES, *folders) for path in sorted(folder.glob("*.toml"))]
        tables = [(read_tables(path), path) for path in paths]
        self._packs = {str(table["id"]): path for table, path in tables}
        self._parents = {str(table["id"]): str(table.get("extends", "")) for table, _ in tables}
        self._shown = shown

    def place_of(self, finding: Finding) -> str:
        """Return ``file:line`` of a finding, or the file alone where no line can be told."""
        kind, name = finding.key
        paths = list(self._lineage(finding.pack)) if kind in OF_PACK or not finding.definition else []
        paths += [DEFINITIONS / f"{finding.definition}.toml"] if finding.definition else []
        for path in paths:
            line = line_of(path, kind, name)
            if line:
                return f"{self._name(path)}:{line}"
        return self._name(paths[0]) if paths else finding.pack

    def _lineage(self, pack: str) -> Iterator[Path]:
        """The pack's own file first: what it does not say itself it has from its parents."""
        while pack in self._packs:
            yield self._packs[pack]
            pack = self._parents[pack]

    def _name(self, path: Path) -> str:
        return str(self._shown.get(path.name, path.name))


def line_of(path: Path, kind: str, name: str) -> int:
    """Return the number of the first line that names a row, 0 when there is none."""
    if not name or not path.exists():
        return 0
    keys = KEYS.get(kind, "id|state|" + re.escape(name))
    last = name.rpartition(".")[2] if kind == "option" else name
    wanted = re.compile(rf'^\s*"?({keys})"?\s*=.*"{re.escape(last)}"|^\s*"?{re.escape(last)}"?\s*=')
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if wanted.search(line)), 0)
