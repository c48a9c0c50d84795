"""Start the scheduler: ``python -m scheduler``, or ``python -m scheduler --once`` from cron."""

import argparse
import logging
import sys

import structlog

from app import create_app
from scheduler import main


def configure_logs(*, verbose: bool) -> None:
    """Write one JSON object a line to standard error; jobs log names, counts and kinds of error only."""
    level = logging.DEBUG if verbose else logging.INFO
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    # Its own lines would repeat ours; a skipped tick is no loss, as the next one does it all.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def run() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m scheduler", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run every job once and end")
    parser.add_argument("--verbose", action="store_true", help="log idle runs too")
    arguments = parser.parse_args()
    configure_logs(verbose=arguments.verbose)
    return main(create_app(), once=arguments.once)


if __name__ == "__main__":
    sys.exit(run())
