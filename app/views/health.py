"""For those who watch over the installation: /livez, /healthz, /metrics, and the administrator's page in words."""

import hmac
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from app.access import signed
from app.labels import Speech
from app.runtime import runtime
from app.services import health as service
from app.services.health import DUTIES, NEEDED, Health
from app.services.upkeep import BACKUP
from app.views import shown
from app.views.observed import REGISTRY

pages = Blueprint("health", __name__)
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
LOOPBACK = ("127.0.0.1", "::1")
# A proxy on the same machine would make every visitor look as if on it.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
FIGURES = {
    "fangpin_troubled_periods": ("troubled_periods", "Periods that the sweep could not deal with at its last try."),
    "fangpin_waiting_messages": ("waiting_messages", "Messages not yet delivered."),
    "fangpin_failed_messages": ("failed_messages", "Messages whose last try failed."),
    "fangpin_oldest_message_age_seconds": ("oldest_message", "Age of the oldest message not yet delivered."),
    "fangpin_mail_server_failures": ("mail_failures", "How often in a row the mail server was in trouble."),
    "fangpin_gateway_failures": ("gateway_failures", "How often in a row the worst gateway was in trouble."),
    "fangpin_waiting_mails": ("waiting_mails", "Mails not yet sent."),
    "fangpin_stuck_mails": ("stuck_mails", "Mails refused, bounced or given up, of the last 90 days."),
    "fangpin_waiting_deliveries": ("waiting_deliveries", "Deliveries to webhooks not yet made."),
    "fangpin_dead_deliveries": ("dead_deliveries", "Deliveries to webhooks that were given up, of the last 30 days."),
    "fangpin_check_damages": ("damages", "What the last great check found damaged."),
    "fangpin_disk_free_bytes": ("disk_free", "Free space where the data folder lies."),
    "fangpin_disk_size_bytes": ("disk_size", "Size of the disk where the data folder lies."),
}


@pages.get("/livez")
def alive() -> Response:
    """For a load balancer: can this web answer at all."""
    return _answer(service.health(), NEEDED)


@pages.get("/healthz")
def healthz() -> Response:
    """For whoever is to be woken: every duty, the scheduler's and the operator's too."""
    return _answer(service.health(), DUTIES)


def _answer(found: Health, asked: tuple[str, ...]) -> Response:
    failing = [duty for duty in found.failing if duty in asked]
    response = jsonify(status="failing" if failing else "ok", failing=failing)
    response.status_code = 503 if failing else 200
    return response


@pages.get("/metrics")
def metrics() -> Response:
    """For Prometheus: from this machine itself, or with the token of the settings."""
    if not _may_measure():
        said = "metrics: from the machine itself without a proxy, or with FANGPIN_METRICS_TOKEN as bearer token\n"
        return Response(said, status=403, mimetype="text/plain")
    return Response(_requests() + generate_latest(_of(service.health())), content_type=CONTENT_TYPE_LATEST)


def _may_measure() -> bool:
    token = runtime().settings.metrics_token
    if token:
        sent = request.headers.get("Authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
    return request.remote_addr in LOOPBACK and not any(name in request.headers for name in FORWARDED)


def _requests() -> bytes:
    """What all worker processes counted; without workers, what this process did."""
    if not os.environ.get(MULTIPROCESS):
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


class _Figures(Collector):
    """The figures of one moment."""

    def __init__(self, found: Health) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Return each duty as 1 or 0, the age of each job's last run, and the figures that are known."""
        duties = GaugeMetricFamily("fangpin_duty_ok", "1 while a duty is done, 0 while it fails.", labels=["duty"])
        for duty in DUTIES:
            duties.add_metric([duty], float(duty not in self._found.failing))
        yield duties
        ages = GaugeMetricFamily("fangpin_job_age_seconds", "Since a job last came to its end.", labels=["job"])
        for job, age in sorted(self._found.facts.beats.items()):
            ages.add_metric([job], age)
        yield ages
        if self._found.facts.office_seal is not None:
            what = "Until the electronic seal, its clock, root or revocation list ends."
            yield GaugeMetricFamily("fangpin_office_seal_seconds", what, value=self._found.facts.office_seal)
        for name, (field, what) in FIGURES.items():
            value = getattr(self._found.facts, field)
            yield GaugeMetricFamily(name, what, value=float(value or 0))


def _of(found: Health) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Figures(found))
    return registry


@pages.get("/health")
def page() -> str:
    """The same in words, for the administrator: each duty, whether it is done, and what to do when not."""
    found = service.health()
    words = shown.speech()
    rows = [
        {
            "name": words.say(f"ui.duty_{duty}"),
            "ok": duty not in found.failing,
            "never": duty == BACKUP and BACKUP not in found.facts.beats,
            "todo": words.say(f"ui.todo_{duty}"),
        }
        for duty in sorted(DUTIES, key=lambda duty: duty not in found.failing)
    ]
    facts = found.facts
    return shown.page(
        "health",
        words=words,
        rows=rows,
        facts=facts,
        backup_days=int(facts.beats[BACKUP] // 86400) if BACKUP in facts.beats else None,
        free=facts.disk_free >> 30,
        given_up=given_up_rows(words) if found.can_serve else [],
    )


def given_up_rows(words: Speech) -> list[dict[str, str]]:
    """Return what nobody tries any more, with what to do about it."""
    found = service.abandoned(signed().actor)
    rows = []
    if found.mails:
        states = [words.say(f"health.mail_{state}", count=count) for state, count in found.mails.items()]
        todo = words.say("health.mail_todo_bounced" if set(found.mails) == {"bounced"} else "health.mail_todo")
        rows.append({"name": words.say("health.mails", states=words.listed(states)), "todo": todo})
    for hook in found.webhooks:
        told = {"id": hook.webhook, "host": urlsplit(hook.url).netloc, "count": hook.count}
        name = words.say("health.webhook", status=status_words(words, hook.last_status), **told)
        rows.append({"name": name, "todo": words.say("health.webhook_todo", id=hook.webhook, since=hook.since)})
    return rows


def status_words(words: Speech, status: str) -> str:
    """Return the last answer of another system: an HTTP status, or why there was none."""
    return f"HTTP {status}" if status.isdigit() else status or words.say("health.no_answer")
