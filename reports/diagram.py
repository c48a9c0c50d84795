"""The diagram of a workflow as SVG: gates down a spine, returns at its left, side ways and ends at its right.

Values in, text out. Two shapes: ``wide`` for desk and paper, ``narrow`` for a phone, where side ways are numbers
instead of lines. The same values give the same text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import templates
from reports.typed import text_width, wrapped

SIZE, SMALL = 14.0, 12.5
LINE = 1.45
PAD = 10.0
LANE = 19.0
RADIUS = 8.0
SLOT = 2 * RADIUS + 2
EDGE = 4.0


@dataclass(frozen=True)
class Shape:
    """Measures of one drawing: its width, the gap between boxes, and whether side boxes stand beside the spine."""

    width: float
    main: float
    is_wide: bool


SHAPES = {"wide": Shape(760, 360, is_wide=True), "narrow": Shape(322, 294, is_wide=False)}
# Where the arrow from step to step runs, as a part of the spine's width: the gate's name stands left of it.
MIDDLE = 0.72


@dataclass
class Line:
    """One line of text in the drawing; ``y`` is its baseline."""

    text: str
    x: float
    y: float
    size: float
    kind: str
    anchor: str = "start"


@dataclass
class Box:
    """A step or state, where it stands and what is written in it."""

    key: str
    kind: str
    mark: str
    x: float
    y: float
    width: float
    height: float = 0.0
    lines: list[Line] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    def slot(self, side: str) -> float:
        """Return the next free height at an edge for a way to begin or end."""
        self.slots[side] = self.slots.get(side, 0) + 1
        return self.y + 4 + RADIUS + (self.slots[side] - 1) * SLOT


@dataclass
class Band:
    """The ground behind the steps of one gate."""

    y: float
    x: float
    width: float
    height: float = 0.0


@dataclass
class Way:
    """A way that is no plain next step: a lane with its ends; ``number`` stands on it and in the list below."""

    number: int
    label: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    is_taken: bool
    is_back: bool
    paths: list[str] = field(default_factory=list)
    badges: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Arrow:
    """A plain step from a box to the one beneath it."""

    x: float
    y1: float
    y2: float
    is_taken: bool


@dataclass
class Drawing:
    """Everything that the template writes down."""

    width: float
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def draw(
    values: Mapping[str, Any],
    *,
    shape: str = "wide",
    name: str = "d",
    family: str = "",
    head: str = "",
    notes: bool = True,
) -> str:
    """Return the SVG of a diagram's values.

    ``name`` begins every id of the drawing, so that several may stand on one page; ``family`` and ``head`` are font
    families of texts and headings, empty where the page's own holds; ``notes``: the lists beneath stand in it too.
    """
    drawing = lay_out(values, SHAPES[shape], notes=notes)
    return str(
        _template().render(
            d=drawing, v=values, name=f"{name}-{shape}", family=family, head=head or family, shape=shape, r=RADIUS
        )
    )


def lay_out(values: Mapping[str, Any], shape: Shape, *, notes: bool = True) -> Drawing:
    """Return where everything stands: no box meets another, no text leaves its box."""
    drawing = Drawing(shape.width)
    ways = _ways(values)
    left = EDGE + LANE * len([w for w in ways if w.is_back])
    top = _headed(drawing, values, EDGE + 4)
    main = [b for b in values["boxes"] if not b["side"]]
    side = [b for b in values["boxes"] if b["side"]]
    width = min(shape.main, shape.width - left - EDGE)
    counts = _slots(ways, {b["key"]: i for i, b in enumerate([*main, *side])})
    bottom = _spine(drawing, main, Box("", "", "", left, top, width), counts, shape)
    drawing.ways = ways
    at = {box.key: box for box in drawing.boxes}
    if shape.is_wide:
        lanes = [w for w in ways if not w.is_back]
        x = left + width + 10 + LANE * (len(lanes) + 1)
        bottom = max(bottom, _side(drawing, side, Box("", "", "", x, top, shape.width - x - EDGE), counts, lanes))
        at = {box.key: box for box in drawing.boxes}
        _right_lanes(lanes, at, left + width + LANE)
    else:
        bottom = _below(drawing, side, Box("", "", "", left, bottom + 14, width), counts, shape)
        at = {box.key: box for box in drawing.boxes}
        _numbers(ways, at)
    _left_lanes([w for w in ways if w.is_back], at, left)
    drawing.height = (_noted(drawing, values, bottom + 20) if notes else bottom) + EDGE
    return drawing


def _headed(drawing: Drawing, values: Mapping[str, Any], y: float) -> float:
    for text, size, kind in ((values["title"], SIZE + 3, "title"), (values["under"], SMALL, "faint")):
        for part in wrapped(text, drawing.width - 2 * EDGE, size):
            y += size * LINE
            drawing.lines.append(Line(part, EDGE, y - size * 0.35, size, kind))
    return y + 10


def _ways(values: Mapping[str, Any]) -> list[Way]:
    return [
        Way(n, w["label"], tuple(w["sources"]), tuple(w["targets"]), w["taken"], w["back"])
        for n, w in enumerate(values["ways"], start=1)
    ]


def _slots(ways: Iterable[Way], order: Mapping[str, int]) -> dict[str, int]:
    """How many ways begin or end at the busier edge of each box, so that it is high enough."""
    counts: dict[tuple[str, bool], int] = {}
    for way in ways:
        for key in (*way.sources, *way.targets):
            counts[key, way.is_back] = counts.get((key, way.is_back), 0) + 1
    return {key: max(counts.get((key, True), 0), counts.get((key, False), 0)) for key in order}


def _spine(
    drawing: Drawing, rows: Sequence[Mapping[str, Any]], place: Box, counts: Mapping[str, int], shape: Shape
) -> float:
    """The boxes one beneath the other, each gate on ground of its own."""
    y, group, last = place.y, "", None
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            y = _band(drawing, group, place, y + (4 if last else 0))
        inset = 8.0 if group else 0.0
        beside = row["kind"] == "beside"
        indent = 18.0 if beside else 0.0
        box = _box(row, Box(row["key"], row["kind"], row["mark"], place.x + inset + indent, y,
                            place.width - 2 * inset - indent), counts, shape)  # fmt: skip
        drawing.boxes.append(box)
        if last and not beside and row["arrow"]:
            x = place.x + place.width * MIDDLE
            drawing.arrows.append(Arrow(x, last.bottom, box.y, row["taken"]))
        last = last if beside and last else box
        y = box.bottom + (20 if row["kind"] != "end" else 0)
        if group:
            drawing.bands[-1].height = box.bottom + 8 - drawing.bands[-1].y
            y += 2
    return max((box.bottom for box in drawing.boxes), default=y) + 8


def _band(drawing: Drawing, group: str, place: Box, y: float) -> float:
    if not group:
        return y
    drawing.bands.append(Band(y, place.x, place.width))
    lines = wrapped(group, place.width * MIDDLE - 24, SIZE)
    for number, text in enumerate(lines, start=1):
        drawing.lines.append(Line(text, place.x + 10, y + number * SIZE * LINE - 2, SIZE, "gate"))
    return y + len(lines) * SIZE * LINE + 6


def _box(row: Mapping[str, Any], box: Box, counts: Mapping[str, int], shape: Shape) -> Box:
    """Write a box's texts and find its height; the numbers of a phone's side ways keep their room at the right."""
    room = box.width - 2 * PAD - (2 * RADIUS if counts.get(box.key) and not shape.is_wide else 0)
    y = box.y + 7
    for text, size, kind in _texts(row):
        for part in wrapped(text, room, size):
            y += size * LINE
            box.lines.append(Line(part, box.x + PAD, y - size * 0.35, size, kind))
    box.height = max(y + 8 - box.y, 10 + SLOT * counts.get(box.key, 0))
    return box


def _texts(row: Mapping[str, Any]) -> Iterable[tuple[str, float, str]]:
    yield row["title"], SIZE, "name"
    if row["note"]:
        yield row["note"], SMALL, f"note {row['mark']}"
    for line in row["lines"]:
        yield line["text"], SMALL, line["kind"]


def _side(
    drawing: Drawing, rows: Sequence[Mapping[str, Any]], place: Box, counts: Mapping[str, int], ways: Sequence[Way]
) -> float:
    """Side states beside the spine, each as near as it can be to where it is reached from first."""
    at = {box.key: box for box in drawing.boxes}
    floor = max(box.bottom for box in drawing.boxes)
    found: list[Box] = []
    y = place.y
    for row in rows:
        box = _box(row, Box(row["key"], row["kind"], row["mark"], place.x, 0, place.width), counts, SHAPES["wide"])
        near = [at[k].y for w in ways if box.key in w.targets for k in w.sources if k in at]
        _move(box, max(y, min(near, default=floor if not found else y)))
        at[box.key] = box
        found.append(box)
        y = box.bottom + 16
    # What would hang below the spine moves up as far as there is room.
    for box in reversed(found):
        _move(box, min(box.y, floor - box.height))
        floor = box.y - 16
    _move_down(found, place.y)
    drawing.boxes += found
    return max((box.bottom for box in found), default=place.y)


def _move(box: Box, y: float) -> None:
    for line in box.lines:
        line.y += y - box.y
    box.y = y


def _move_down(boxes: Sequence[Box], y: float) -> None:
    """Where there are more side states than room beside the spine, they begin at its top and reach below it."""
    for box in boxes:
        _move(box, max(box.y, y))
        y = box.bottom + 16


def _below(
    drawing: Drawing, rows: Sequence[Mapping[str, Any]], place: Box, counts: Mapping[str, int], shape: Shape
) -> float:
    y = place.y
    for row in rows:
        box = _box(row, Box(row["key"], row["kind"], row["mark"], place.x, y, place.width), counts, shape)
        drawing.boxes.append(box)
        y = box.bottom + 12
    return y - 12


def _right_lanes(ways: Sequence[Way], at: Mapping[str, Box], first: float) -> None:
    """One upright lane for each way between spine and side; lanes that reach far stand further out."""
    order = sorted(ways, key=lambda w: (max(at[k].y for k in (*w.sources, *w.targets) if k in at), w.number))
    for number, way in enumerate(order):
        x = first + LANE * number
        ends = [(key, key in way.targets) for key in dict.fromkeys((*way.sources, *way.targets)) if key in at]
        _lane(way, x, [_end(at[key], first, is_target=is_target) for key, is_target in ends])


def _end(box: Box, first: float, *, is_target: bool) -> tuple[float, float, bool]:
    """Where a way meets a box: the edge that faces the lanes."""
    is_left = box.x < first
    return (box.x + box.width if is_left else box.x, box.slot("r" if is_left else "l"), is_target)


def _left_lanes(ways: Sequence[Way], at: Mapping[str, Box], left: float) -> None:
    for number, way in enumerate(ways):
        x = left - LANE * (number + 0.5) - 2
        keys = dict.fromkeys((*way.sources, *way.targets))
        _lane(way, x, [(at[k].x, at[k].slot("b"), k in way.targets) for k in keys if k in at])


def _lane(way: Way, x: float, ends: Sequence[tuple[float, float, bool]]) -> None:
    if not ends:
        return
    ys = [y for _, y, _ in ends]
    way.paths.append(f"M{x:.1f} {min(ys):.1f}V{max(ys):.1f}")
    for edge, y, is_target in ends:
        stop = edge + (4 if x > edge else -4) if is_target else edge
        way.paths.append(f"M{x:.1f} {y:.1f}H{stop:.1f}")
        if is_target:
            tip = 1 if x > edge else -1
            way.paths.append(
                f"M{edge + tip * 7:.1f} {y - 4:.1f}L{edge + tip:.1f} {y:.1f}L{edge + tip * 7:.1f} {y + 4:.1f}"
            )
    # The number stands where the way begins: at its first source.
    start = next((y for _, y, is_target in ends if not is_target), ys[0])
    way.badges.append((x, start))


def _numbers(ways: Sequence[Way], at: Mapping[str, Box]) -> None:
    """On a phone a side way is its number, at the boxes where it begins and at those where it ends."""
    for way in ways:
        if not way.is_back:
            for box in (at[key] for key in dict.fromkeys((*way.sources, *way.targets)) if key in at):
                way.badges.append((box.x + box.width - RADIUS - 3, box.slot("n")))


def _noted(drawing: Drawing, values: Mapping[str, Any], y: float) -> float:
    """Lists beneath the drawing: the ways by number, periods over several steps, signs."""
    room = drawing.width - 2 * EDGE
    if drawing.ways:
        y = _note_head(drawing, values["ways_head"], y)
    for way in drawing.ways:
        lines = wrapped(way.label, room - 26, SMALL)
        way.badges.append((EDGE + RADIUS + 2, y + SMALL * LINE / 2))
        for part in lines:
            y += SMALL * LINE
            drawing.lines.append(Line(part, EDGE + 26, y - SMALL * 0.35, SMALL, "text"))
        y += 4
    for note in values["notes"]:
        y = _note_head(drawing, note["head"], y + 8)
        for item in note["lines"]:
            for number, part in enumerate(wrapped(item, room - 14, SMALL)):
                y += SMALL * LINE
                dot = "· " if number == 0 else ""
                drawing.lines.append(Line(dot + part, EDGE + (2 if dot else 12), y - SMALL * 0.35, SMALL, "text"))
    return y


def _note_head(drawing: Drawing, text: str, y: float) -> float:
    y += SIZE * LINE
    drawing.lines.append(Line(text, EDGE, y - SIZE * 0.35, SIZE, "gate"))
    return y + 3


def widest(drawing: Drawing) -> float:
    """Return how far the longest line of free text reaches."""
    return max((line.x + text_width(line.text, line.size) for line in drawing.lines), default=0.0)


@cache
def _template() -> Any:
    # No sandbox, which would take two thirds of the time on each case's page: our template gets texts and numbers only.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(templates.PATH / "documents"),
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("diagram.svg")
