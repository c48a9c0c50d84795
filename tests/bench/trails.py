"""Seconds to print a trail of 15, 60 and 300 entries, warm, in one process."""

import statistics
import time
from collections.abc import Iterator

from reports.render import render_trail
from tests.factories import Walker, included
from workflows.journal import canonical

SIZES = (15, 60, 300)
RUNS = 3


def measure() -> Iterator[tuple[int, float, int]]:
    """Yield (entries, median seconds, bytes) for each size."""
    render_trail(trail_of(60, included()))
    for size in SIZES:
        text = trail_of(size, included())
        seconds = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            pdf = render_trail(text)
            seconds.append(time.perf_counter() - begun)
        yield size, statistics.median(seconds), len(pdf)


def trail_of(entries: int, walker: Walker) -> str:
    """Return the trail of a walked household, cut or prolonged by visits to so many entries of its chains."""
    walker.assist()
    while sum(len(chain) for chain in walker.chains.values()) < entries:
        walker.wait(days=1)
        walker.act("record_visit")
    return trail_text(walker)


def trail_text(walker: Walker) -> str:
    """Return the fp-trail-v1 text of a household walked in memory."""
    cases = sorted(walker.dossier.cases, key=lambda c: (c.number != walker.case.number, c.number))
    chains = [
        {
            "case": c.number,
            "definition": c.definition,
            "purpose": c.purpose,
            "head": c.head,
            "entries": walker.chains[c.number],
        }
        for c in cases
    ]
    wanted = {d for c in cases for d in (c.definition_digest, c.policy_digest)}
    return canonical(
        {
            "format": "fp-trail-v1",
            "county": walker.household.county,
            "case": walker.case.number,
            "household": walker.household.number,
            "template": "trail-v1",
            "lang": "zh",
            "chains": chains,
            "disclosures": [dict(vars(item)) for item in walker.disclosures],
            "texts": {digest: text for digest, _, text in walker.rules.texts() if digest in wanted},
        }
    )
