"""Which font stands for which: 仿宋, 楷体, 黑体, 小标宋 and 宋体, packaged open ones or those of the office."""

from dataclasses import dataclass
from pathlib import Path

from reports.render import FONT_FOLDER, RenderError

# The faces that GB/T 9704-2012 names, and the packaged font that stands for each (reports/fonts/README.md).
PACKAGED = {
    "fangsong": "FangpinFang-Regular.ttf",
    "kaiti": "FangpinKai-Regular.ttf",
    "heiti": "FangpinHei-Bold.ttf",
    "xiaobiaosong": "FangpinBiao-Bold.ttf",
}
FALLBACK = {"song": FONT_FOLDER / "FangpinSong-Regular.ttf", "rare": FONT_FOLDER / "FangpinRare-Regular.ttf"}
ENDINGS = (".ttf", ".otf")


@dataclass(frozen=True)
class PaperFonts:
    """The font files by family name, in the order in which characters are looked for."""

    files: tuple[tuple[str, Path], ...]

    @property
    def text(self) -> tuple[Path, ...]:
        """The files that together must cover every character, whatever face it is set in."""
        return tuple(FALLBACK.values())


def paper_fonts(folder: Path | None = None) -> PaperFonts:
    """Return the fonts; ``folder`` may hold some of fangsong, kaiti, heiti, xiaobiaosong as .ttf or .otf.

    Raises RenderError for a folder that holds none of them, so that a wrong path is not taken for the packaged ones.
    """
    own = {name: path for name in PACKAGED if folder for path in _named(folder, name)}
    if folder and not own:
        raise RenderError(f"{folder}: none of {', '.join(PACKAGED)} with {' or '.join(ENDINGS)}")
    faces = {name: own.get(name, FONT_FOLDER / file) for name, file in PACKAGED.items()}
    return PaperFonts(tuple({**faces, **FALLBACK}.items()))


def _named(folder: Path, name: str) -> list[Path]:
    return [path for ending in ENDINGS for path in (folder / f"{name}{ending}",) if path.is_file()]
