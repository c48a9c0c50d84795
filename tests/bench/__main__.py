"""``make bench``: all measurements in one run, on both engines, as tables with the machine named.

``python -m tests.bench moves=100 households=1000`` sets sizes; the words ``moves``, ``desk``, ``roster``, ``api``,
``rules``, ``sweep``, ``trails``, ``prints``, ``papers`` and ``simulate`` choose among them, ``sqlite`` and
``postgresql`` one engine.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests import postgres
from tests.bench import desk, installed, moves, papers, prints, rules, simulate, sweeping, trails

FIGURES = Path("var/figures")
ENGINES = ("sqlite", "postgresql")
SIZES: dict[str, int] = {
    "moves": 400,
    "rounds": 5,  # the median of so many, each on fresh copies
    "together": 200,
    "clients": 8,
    "cases": 100_000,
    "households": 100_000,
    "calls": 400,
    "what_if": 20_000,
    "changed": 500,
    "live": 1_000_000,
    "due": 10_000,
    "prints": 40,
    "merged": 2_000,
    "long": 1_000,
    "papers": 5,
}


def machine() -> str:
    """Name the machine: processor, cores, Python."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _moves(sizes: Mapping[str, int], engines: Sequence[str]) -> Iterator[str]:
    yield "| durable moves a second | clients (processes) | services | same SQL raw | ratio | least SQL | ratio |"
    yield "|---|---|---|---|---|---|---|"
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder:
            found = moves.prepared(engine, Path(folder), sizes["moves"], sizes["together"])
            rates = [moves.measure(found, clients, sizes["rounds"]) for clients in (1, sizes["clients"])]
            rates.append(moves.measure_together(found, sizes["together"], sizes["rounds"]))
        names = (engine, engine, f"{engine}, {sizes['together']} cases a request")
        yield from (_rate(name, rate) for name, rate in zip(names, rates, strict=True))


def _rate(name: str, rate: moves.Rate) -> str:
    ratios = (rate.services / rate.same, rate.services / rate.least)
    figures = f"{rate.services:.0f} | {rate.same:.0f} | {ratios[0]:.2f} | {rate.least:.0f} | {ratios[1]:.2f}"
    return f"| {name} | {rate.clients} | {figures} |"


def _desk(sizes: Mapping[str, int], engines: Sequence[str]) -> Iterator[str]:
    yield f"| {sizes['cases']} cases wait; ms to answer | engine | {' | '.join(desk.ROLES)} |"
    yield "|---|---|---|---|---|"
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder:
            found = desk.measure(engine, Path(folder), sizes["cases"])
        for lists in found:
            yield f"| {lists.page} | {engine} | {' | '.join(f'{seconds * 1000:.0f}' for seconds in lists.seconds)} |"


def _roster(sizes: Mapping[str, int], engines: Sequence[str]) -> Iterator[str]:
    yield "| roster: households, people | engine | seconds | the same file again | peak MiB of a process |"
    yield "|---|---|---|---|---|"
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder, installed.installed(engine, Path(folder)) as one:
            done = installed.imported(one, sizes["households"])
        figures = f"{done.seconds:.1f} | {done.again:.1f} | {installed.peak():.0f}"
        yield f"| {done.households}, {done.people} | {engine} | {figures} |"


def _api(sizes: Mapping[str, int], engines: Sequence[str]) -> Iterator[str]:
    callers = f"{installed.CALLERS} callers on the same machine"
    yield f"| API calls a second, {callers} | read a case | register a clue | move a case |"
    yield "|---|---|---|---|"
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder, installed.installed(engine, Path(folder)) as one:
            installed.imported(one, sizes["calls"] * 4)
            found = installed.calls(one, sizes["calls"])
        yield f"| {engine} | {found.read:.0f} | {found.clue:.0f} | {found.move:.0f} |"


def _rules(sizes: Mapping[str, int], engines: Sequence[str]) -> Iterator[str]:
    yield "| other rules | running cases | seconds to rehearse | ends that move | cases a second moved to them |"
    yield "|---|---|---|---|---|"
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder:
            found = rules.measure(engine, Path(folder), sizes["cases"], sizes["changed"])
        rate = found.applied / found.applying
        yield f"| {engine} | {found.cases} | {found.seconds:.1f} | {found.moved} | {rate:.0f} |"


def _sweep(sizes: Mapping[str, int], engines: Sequence[str]) -> Iterator[str]:
    yield "| sweep: running periods | engine | ms when none is due | due | seconds | periods a second | processes |"
    yield "|---|---|---|---|---|---|---|"
    levels = [sizes["live"] // 100, sizes["live"] // 10, sizes["live"]]
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder:
            for one in sweeping.measure(engine, Path(folder), levels, sizes["due"]):
                figures = f"{one.idle * 1000:.1f} | {one.due} | {one.seconds:.1f} | {one.due / one.seconds:.0f}"
                yield f"| {one.live} | {engine} | {figures} | {one.processes} |"


def _trails(_: Mapping[str, int], __: Sequence[str]) -> Iterator[str]:
    yield "| entries in a trail | seconds to print | KiB |"
    yield "|---|---|---|"
    yield from (f"| {size} | {seconds:.2f} | {length / 1024:.0f} |" for size, seconds, length in trails.measure())


def _prints(sizes: Mapping[str, int], __: Sequence[str]) -> Iterator[str]:
    yield "| trails in bulk | trails | pages | seconds | trails a second | pages a second | peak MiB of a process |"
    yield "|---|---|---|---|---|---|---|"
    yield from map(_printed, prints.measure(sizes["prints"], sizes["merged"], sizes["long"]))


def _printed(one: prints.Rate) -> str:
    rates = f"{one.trails / one.seconds:.1f} | {one.pages / one.seconds:.0f}"
    return f"| {one.name} | {one.trails} | {one.pages} | {one.seconds:.1f} | {rates} | {one.peak / 2**20:.0f} |"


def _papers(sizes: Mapping[str, int], __: Sequence[str]) -> Iterator[str]:
    yield "| all kinds of paper | papers | pages | seconds | papers a second | pages a second | peak MiB of a process |"
    yield "|---|---|---|---|---|---|---|"
    yield from map(_printed, papers.measure(sizes["papers"]))


def _simulate(sizes: Mapping[str, int], engines: Sequence[str]) -> Iterator[str]:
    yield "| what if, one year: households | engine | cases | signatures | visits | seconds |"
    yield "|---|---|---|---|---|---|"
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder:
            found = simulate.measure(engine, Path(folder), sizes["what_if"])
        figures = f"{found.cases} | {found.acts} | {found.visits} | {found.seconds:.1f}"
        yield f"| {found.households} | {engine} | {figures} |"


TABLES: Mapping[str, Callable[[Mapping[str, int], Sequence[str]], Iterator[str]]] = {
    "moves": _moves, "desk": _desk, "roster": _roster, "api": _api, "rules": _rules, "sweep": _sweep,
    "trails": _trails, "prints": _prints, "papers": _papers, "simulate": _simulate,
}  # fmt: skip


def report(words: Sequence[str]) -> str:
    """Measure what the words choose, all without any, and return the figures as Markdown."""
    sizes = {**SIZES, **{name: int(value) for name, _, value in (w.partition("=") for w in words) if value}}
    unknown = {word for word in words if "=" not in word} - {*TABLES, *ENGINES} | set(sizes) - set(SIZES)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}")
    chosen = [name for name in TABLES if name in words] or list(TABLES)
    engines = [name for name in ENGINES if name in words] or ENGINES
    lines = [f"# Bench {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "", machine()]
    for name in chosen:
        lines += ["", *TABLES[name](sizes, engines)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the tables and keep them under var/figures."""
    text = report(sys.argv[1:])
    postgres.stop()
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"bench-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
