"""Start the scheduler: ``python -m scheduler``, or ``python -m scheduler --once`` from cron."""

import argparse
import logging
import sys

from app import create_app
from app.logs import configure_logs
from scheduler import main


def run() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m scheduler", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run every job once and end")
    parser.add_argument("--verbose", action="store_true", help="log idle runs too")
    arguments = parser.parse_args()
    configure_logs(logging.DEBUG if arguments.verbose else logging.INFO)
    # Its own lines would repeat ours; a skipped tick is no loss, as the next one does it all.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return main(create_app(), once=arguments.once)


if __name__ == "__main__":
    sys.exit(run())
