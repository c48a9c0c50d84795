"""Plots as plain geometry: what a template writes out as SVG, readable on a phone and on paper, without scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 10, 26
ROW, NAME, END = 30, 128, 44  # of bars that lie: height of a row, room for the name, room for the figure
SERIES = ("before", "after")
TICKS = 4
WIDE, SLIM, FULL = 12.5, 7, 0x1100  # of a sign at the size of the labels
MOST_LABELS = 13


@dataclass(frozen=True)
class Box:
    """A bar; ``series`` names its look."""

    x: float
    y: float
    width: float
    height: float
    series: str


@dataclass(frozen=True)
class Label:
    """A text at a point; ``anchor`` as SVG has it."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Chart:
    """A plot: bars, or lines as points, a grid and its labels."""

    width: float
    height: float
    boxes: tuple[Box, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    labels: tuple[Label, ...] = ()
    grid: tuple[float, ...] = ()
    marks: tuple[float, ...] = ()

    @property
    def right(self) -> float:
        """Where the grid ends."""
        return self.width - RIGHT


def columns(names: Sequence[str], *values: Sequence[float], mark: Sequence[int] = ()) -> Chart:
    """Return standing bars, a group for each name; ``mark`` draws lines before the groups of these numbers."""
    top = _top(max((max(v, default=0) for v in values), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(names), 1)
    wide = step * 0.76 / len(values)
    boxes = tuple(
        Box(LEFT + n * step + step * 0.12 + k * wide, _y(v, top), wide, HEIGHT - BOTTOM - _y(v, top), SERIES[k])
        for k, series in enumerate(values)
        for n, v in enumerate(series)
        if v
    )
    every = ceil(len(names) / MOST_LABELS) if names else 1
    below = [Label(LEFT + (n + 0.5) * step, HEIGHT - 9, name) for n, name in enumerate(names) if n % every == 0]
    grid, left = _grid(top)
    return Chart(WIDTH, HEIGHT, boxes, (), (*below, *left), grid, tuple(LEFT + n * step for n in mark))


def lines(names: Sequence[str], *values: Sequence[float]) -> Chart:
    """Return a line for each series over the same points; a name may be empty."""
    top = _top(max((max(v, default=0) for v in values), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(names) - 1, 1)
    drawn = tuple(
        (" ".join(f"{LEFT + n * step:.1f},{_y(v, top):.1f}" for n, v in enumerate(series)), SERIES[k])
        for k, series in enumerate(values)
    )
    below = [Label(LEFT + n * step, HEIGHT - 9, name) for n, name in enumerate(names) if name]
    grid, left = _grid(top)
    return Chart(WIDTH, HEIGHT, (), drawn, (*below, *left), grid)


def rows(names: Sequence[str], *values: Sequence[float], shown: Sequence[str] = (), most: float = 0) -> Chart:
    """Return bars that lie, a row for each name, the last series' figure behind it."""
    top = most or max((max(v, default=0) for v in values), default=0) or 1
    room, thick = WIDTH - NAME - END, (ROW - 10) / len(values)
    boxes = tuple(
        Box(NAME, 5 + n * ROW + k * thick, max(room * min(v / top, 1), 0.5), thick, SERIES[k + 2 - len(values)])
        for k, series in enumerate(values)
        for n, v in enumerate(series)
    )
    left = [Label(NAME - 6, n * ROW + 19, fitted(name, NAME - 8), "end") for n, name in enumerate(names)]
    ends = max((b.x + b.width for b in boxes), default=NAME)
    right = [
        Label(NAME + max(room * min(v / top, 1) for v in pair) + 5, n * ROW + 19, shown[n], "start")
        for n, pair in enumerate(zip(*values, strict=True))
    ]
    return Chart(max(WIDTH, ends), len(names) * ROW + 4, boxes, (), (*left, *right))


def fitted(name: str, room: float) -> str:
    """Return a name as far as it has room; the whole of it stands in the table beneath."""
    widths = [WIDE if ord(sign) >= FULL else SLIM for sign in name]
    if sum(widths) <= room:
        return name
    kept = next(n for n in range(len(name), -1, -1) if sum(widths[:n]) + WIDE <= room)
    return f"{name[:kept].rstrip()}…"


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _grid(top: float) -> tuple[tuple[float, ...], list[Label]]:
    values = [top * n / TICKS for n in range(TICKS + 1)]
    return tuple(_y(v, top) for v in values), [Label(LEFT - 5, _y(v, top) + 4, f"{v:,.0f}", "end") for v in values]


def _top(value: float) -> float:
    """The end of an axis: the next figure that its four parts divide into whole ones."""
    if value <= TICKS:
        return TICKS
    size = 10 ** int(log10(value / TICKS))
    return float(
        next(n for n in (1, 2, 2.5, 5, 10, 20) if n * size * TICKS >= value and n * size % 1 == 0) * size * TICKS
    )
