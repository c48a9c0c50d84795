"""Names of areas as people say them."""

BODIES = ("村民委员会", "居民委员会")
# Levels that exist in the statistical codes alone: nobody's county lies in a prefecture called 县.
GROUPINGS = frozenset({"县", "市辖区", "省直辖县级行政区划", "自治区直辖县级行政区划"})


def short_area(name: str) -> str:
    """Return an area's name as people say it: 平所村村民委员会 is 平所村, 城北社区居民委员会 is 城北社区."""
    for body in BODIES:
        name = name.removesuffix(body) or name
    return name


def is_grouping(name: str) -> bool:
    """Tell whether a name is that of a purely statistical level, which no person should read."""
    return name in GROUPINGS


def grid_name(village: str, grid: str) -> str:
    """Return a grid's name with its village once: 平所村第一网格, whether or not the grid's own name begins with it."""
    short = short_area(village)
    return grid if grid.startswith(short) else f"{short}{grid}"
