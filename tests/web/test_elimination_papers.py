"""What the record answers stands on the elimination papers with its figures and entry; the rest stays blank."""

import re

from tests.web.site import browser
from tests.world import StoredWalker, World

EVALUATION = "elimination_evaluation"


def rows_of(world: World, walker: StoredWalker, query: str = "") -> dict[str, tuple[str, str]]:
    """For each condition on the paper: met, and its basis."""
    one = browser(world, world.person("township_officer")).get(
        f"/cases/{walker.case.number}/papers/{EVALUATION}{query}"
    )
    assert one.status == 200, one.code
    label, met, basis = r'<td class="left">([^<]*)(?:<span[^>]*>[^<]*</span>)?</td>', "<td>([^<]*)</td>", "(.*?)</td>"
    cells = re.findall(rf'<td>\d+</td>{label}{met}<td class="left">{basis}', one.text)
    return {label: (met, re.sub("<[^>]*>", "", basis)) for label, met, basis in cells}


def leaving(world: World, *, helped: bool = True, days: int = 240) -> StoredWalker:
    """A household whose elimination was verified."""
    walker = world.walker().include()
    if helped:
        walker.assist()
    walker.wait(days=days).clue("eliminate").walk("reviewing")
    world.now = walker.now
    return walker


def find(rows: dict[str, tuple[str, str]], word: str) -> tuple[str, str]:
    """The one condition whose label holds a word."""
    found = [row for label, row in rows.items() if word in label]
    assert len(found) == 1, (word, list(rows))
    return found[0]


def test_what_is_on_record_is_filled_in_with_figures_and_entry(world: World) -> None:
    walker = leaving(world)
    rows = rows_of(world, walker)
    met, basis = find(rows, "收入")
    assert met in ("是", "否")
    assert re.search(r"人均.*元", basis)
    assert "监测范围" in basis
    assert re.search(rf"{walker.case.number}第\d+步", basis)
    met, basis = find(rows, "饮水")
    assert met in ("是", "否")
    assert basis.count("第") >= 4
    met, basis = find(rows, "满6个月")
    assert met == "是"
    assert "纳入监测" in basis
    assert find(rows, "帮扶措施")[0] in ("是", "不适用")


def test_visits_and_measures_are_counted_with_their_entry(world: World) -> None:
    walker = leaving(world)
    one = browser(world, world.person("township_officer"))
    text = one.get(f"/cases/{walker.case.number}/papers/{EVALUATION}").text
    assert re.search(r"落实措施1项，最近一次\d+年\d+月\d+日（500241H0000001-[A-Z]\d+第\d+步", text)


def test_too_short_a_time_is_told_as_not_met(world: World) -> None:
    rows = rows_of(world, leaving(world, days=30))
    assert find(rows, "满6个月")[0] == "否"


def test_what_nobody_recorded_stays_blank(world: World) -> None:
    walker = leaving(world, helped=False)
    rows = rows_of(world, walker)
    blank = {label for label, (met, basis) in rows.items() if met == "□ 是　□ 否"}
    assert all(rows[label][1] == "" for label in blank)
    assert all(basis for label, (met, basis) in rows.items() if label not in blank)


def test_a_blank_form_answers_nothing(world: World) -> None:
    walker = leaving(world)
    rows = rows_of(world, walker, "?blank=1")
    assert set(rows.values()) == {("□ 是　□ 否", "")}
    text = browser(world, world.person("township_officer")).get(f"/papers/{EVALUATION}").text
    assert "□ 是　□ 否" in text
    assert "落实措施1项" not in text
