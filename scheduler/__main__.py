"""Start the scheduler: ``python -m scheduler``, or ``python -m scheduler --once`` from cron."""

import argparse
import logging
import sys
from dataclasses import replace

from app import create_app
from app.config import read_settings
from app.logs import configure_logs
from scheduler import main

PATIENCE = 60  # seconds for SQLite's write lock: nobody waits for a duty as for a page


def run() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m scheduler", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run every job once and end")
    parser.add_argument("--verbose", action="store_true", help="log idle runs too")
    arguments = parser.parse_args()
    configure_logs(logging.DEBUG if arguments.verbose else logging.INFO)
    # Its own lines would repeat ours; a skipped tick is no loss, as the next one does it all.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    settings = read_settings()
    patient = replace(settings, busy_seconds=max(settings.busy_seconds, PATIENCE))
    return main(create_app(patient), once=arguments.once)


if __name__ == "__main__":
    sys.exit(run())
