"""A paper's template and values become HTML, to look at and to print; a county's own template comes before ours."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

import templates
from reports.glyphs import written_out
from reports.papers.fonts import PaperFonts
from reports.papers.gate import BadPaper, ensure_plain

SHIPPED = templates.PATH / "papers"
GIVEN = frozenset({"v"})  # all that a template is given, beside its own words
LONGEST = 4 << 20


class Sandbox(ImmutableSandboxedEnvironment):
    """Nothing that begins with an underscore, no change of values, no sums that eat the machine."""

    intercepted_binops = frozenset({"**", "*"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Multiply small whole numbers only: a text times a billion is no paper."""
        if operator == "**" or not all(isinstance(side, int) and abs(side) < 10**6 for side in (left, right)):
            raise SecurityError(f"{operator} is not for papers")
        return super().call_binop(context, operator, left, right)


@cache
def environment(folder: Path | None = None) -> ImmutableSandboxedEnvironment:
    """Return the sandbox in which papers are filled in; ``folder`` holds a county's own templates."""
    shipped = FileSystemLoader(SHIPPED)
    own = [_Inside(folder)] if folder else []
    return Sandbox(
        autoescape=True,
        undefined=StrictUndefined,
        loader=ChoiceLoader([*own, shipped]),
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _Inside(FileSystemLoader):
    """Loads from one folder; a link that leads out of it is not followed, and nothing marks a text as safe."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder.resolve()

    def get_source(self, environment: Any, template: str) -> Any:
        source, path, fresh = super().get_source(environment, template)
        if not Path(path).resolve().is_relative_to(self.folder):
            raise SecurityError(f"{template}: leads out of the folder")
        ensure_tame(source, environment)
        return source, path, fresh


def ensure_tame(source: str, sandbox: Any) -> None:
    """Raise SecurityError for a template that switches escaping off or asks for values that no paper has."""
    tree = sandbox.parse(source)
    filters = {node.name for node in tree.find_all(nodes.Filter)}
    if "safe" in filters or any(tree.find_all((nodes.EvalContextModifier, nodes.MarkSafe))):
        raise SecurityError("escaping may not be switched off")
    unknown = meta.find_undeclared_variables(tree) - GIVEN - set(sandbox.globals) - {"super", "self", "caller", "loop"}
    if unknown:
        raise SecurityError(f"unknown: {', '.join(sorted(unknown))}; all values begin with v.")


def filled(name: str, values: Mapping[str, Any], *, fonts: PaperFonts, folder: Path | None = None) -> str:
    """Return a paper as HTML: one <article>, everything in it escaped; BadPaper for a template that fails.

    A character that no font covers is written as its number: a box would lose it.
    """
    safe = cast("dict[str, Any]", written_out(dict(values), fonts.text))
    try:
        html = environment(folder).get_template(f"{name}.html").render(v=safe)
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        raise BadPaper(_told(name, error)) from error
    if len(html) > LONGEST:
        raise BadPaper(f"{name}.html: more than {LONGEST} characters")
    try:
        return ensure_plain(html)
    except BadPaper as error:
        raise BadPaper(f"{name}.html: {error}") from error


def _told(name: str, error: Exception) -> str:
    line = getattr(error, "lineno", None)
    file = getattr(error, "filename", None)
    inside = f"{Path(str(file)).name}: " if file and Path(str(file)).stem != name else ""
    return f"{name}.html{f':{line}' if line else ''}: {inside}{error}"


def own_digest(name: str, folder: Path | None) -> str:
    """Return the SHA-256 of a county's own template, empty where ours is used."""
    path = folder / f"{name}.html" if folder else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path and path.is_file() else ""


def is_known(name: str, papers: set[str]) -> bool:
    """Tell whether a template's name is that of a paper, or of what papers are put together from."""
    return name in papers or (SHIPPED / f"{name}.html").is_file()
