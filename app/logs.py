"""The log of web and scheduler: one JSON object a line on standard error; names, counts and kinds of error only."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from app.services.isolated import described

OURS = ("app", "fangpin", "scheduler")
# What our own lines say besides; a record holds more, the text of the message before it was cleared among it.
EXTRAS = ("request_id", "method", "endpoint", "status", "ms", "account")
QUERY = re.compile(r"\?\S*")


def without_values(_: Any, __: str, event: EventDict) -> EventDict:
    """Leave out what somebody may have typed: the query of an address, and the text of an error."""
    if isinstance(event.get("event"), str):
        event["event"] = QUERY.sub("?…", event["event"])
    error = event.pop("exc_info", None)
    if isinstance(error, tuple) and isinstance(error[1], BaseException):
        event["error"] = described(error[1])
    return event


def formatter() -> logging.Formatter:
    """Return the one form of all lines, whichever library wrote them."""
    before: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(EXTRAS),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    after: list[Processor] = [
        without_values,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=after)


def configure_logs(level: int) -> None:
    """Let everything of this process end in the one log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    # Libraries are heard when something is wrong; at other times they speak of the values they handle.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
