"""Pages, partials, documents and messages; PATH is the folder that a loader needs."""

from pathlib import Path

PATH = Path(__file__).parent
