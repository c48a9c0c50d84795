"""``make bench``: all measurements in one run, as a table with the machine named."""

import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests import postgres
from tests.bench import moves, trails

FIGURES = Path("var/figures")


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


def table() -> str:
    """Run everything and return the figures as Markdown."""
    lines = [f"# Bench {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "", machine(), ""]
    lines += [
        "| engine | moves/s by the services | the same SQL raw | ratio | statements a move |",
        "|---|---|---|---|---|",
    ]
    for engine in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as folder:
            rate = moves.measure(engine, Path(folder))
        lines.append(f"| {engine} | {rate.services:.0f} | {rate.raw:.0f} | {rate.ratio:.2f} | {rate.statements:.1f} |")
    lines += ["", "| entries | seconds to print | KiB |", "|---|---|---|"]
    lines += [f"| {size} | {seconds:.2f} | {length / 1024:.0f} |" for size, seconds, length in trails.measure()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the table and keep it under var/figures."""
    text = table()
    postgres.stop()
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"bench-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
