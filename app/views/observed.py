"""Each request as one line of the log and one observation: endpoint, status, time, account; nothing that was sent."""

import logging
import secrets
import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram

from app.access import Visitor

HEADER = "X-Request-ID"
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
log = logging.getLogger("fangpin.web")
REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "fangpin_requests", "Requests answered, by endpoint.", ["endpoint", "method", "status"], registry=REGISTRY
)
SECONDS = Histogram(
    "fangpin_request_seconds", "Time to answer, by endpoint.", ["endpoint"], buckets=BUCKETS, registry=REGISTRY
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def init_observation(app: Flask) -> None:
    """Observe every request, also one that is refused or that breaks."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id, g.begun = secrets.token_hex(8), time.perf_counter()


def _end(response: Response) -> Response:
    if "begun" not in g:  # it broke before anything else
        _begin()
    seconds = time.perf_counter() - g.begun
    # An address that is none of ours has no endpoint, and its text is the visitor's own.
    endpoint = request.endpoint or "unknown"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(endpoint, method, str(response.status_code)).inc()
    SECONDS.labels(endpoint).observe(seconds)
    response.headers[HEADER] = g.request_id
    log.info(
        "request",
        extra={
            "request_id": g.request_id,
            "method": method,
            "endpoint": endpoint,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "account": _account(),
        },
    )
    return response


def _account() -> str:
    who: Visitor | None = g.get("visitor")
    return who.signed.actor.id if who and who.signed else ""
