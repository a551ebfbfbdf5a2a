"""Every metric, named once: what it counts, its unit, its labels.

A metric without labels is prometheus-client's own; one with labels is called with their values, in
the order declared, and answers a child that hot code keeps: `metrics.attempts("sent", "").inc()`.
No label holds what a tenant or a stranger wrote (no customer, domain, address): values are words of
ours, and a family that grows beyond `CHILDREN` folds the rest into `other` (S52).
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    exposition,
)
from prometheus_client.registry import Collector

CHILDREN = 200
"""Children of one family; what is above is `other`."""
Over = Literal["sum", "max", "min"]
"""What a gauge's values of several processes become (`serve --processes`)."""
OVER: dict[str, Over] = {}
"""Of every gauge, by its full name."""

# they double the output and nobody asks for them
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


class Family(Generic[_Metric]):
    """A metric with labels; calling it with their values gives the one child for them."""

    def __init__(self, metric: _Metric, labels: Sequence[str]) -> None:
        self._metric: _Metric = metric
        self._other = ("other",) * len(labels)
        self._children: dict[tuple[str, ...], _Metric] = {}

    def __call__(self, *values: str) -> _Metric:
        """The child for these values, in the order of the labels; made at the first call."""
        child = self._children.get(values)
        if child is None:
            key = values if len(self._children) < CHILDREN else self._other
            # prometheus-client locks and checks at each call: so only at the first one
            child = self._children[key] = self._metric.labels(*key)
        return child


def _made(kind: Callable[..., Any], name: str, text: str, **options: Any) -> Any:
    """A metric of the registry; help and name are all that a reader of /metrics has."""
    return kind(name, text, namespace="deliveryd", registry=REGISTRY, **options)


def _counter(name: str, text: str) -> Counter:
    made: Counter = _made(Counter, name, text)
    return made


def _gauge(name: str, text: str, over: Over = "sum") -> Gauge:
    """`over`: what one instance has is summed; of the whole system each shows the same."""
    OVER[f"deliveryd_{name}"] = over
    made: Gauge = _made(Gauge, name, text)
    return made


def _histogram(name: str, text: str, *buckets: float) -> Histogram:
    made: Histogram = _made(Histogram, name, text, buckets=buckets)
    return made


def _counters(name: str, text: str, *labels: str) -> Family[Counter]:
    return Family(_made(Counter, name, text, labelnames=labels), labels)


def _gauges(name: str, text: str, *labels: str, over: Over = "sum") -> Family[Gauge]:
    OVER[f"deliveryd_{name}"] = over
    return Family(_made(Gauge, name, text, labelnames=labels), labels)


def render(accept: str = "", shown: Collector = REGISTRY) -> tuple[bytes, str]:
    """All metrics in the format that the Accept header asks for, and its content type."""
    encode, content_type = exposition.choose_encoder(accept)
    return encode(shown), content_type


_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_NETWORK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

# --- intake and accept ---

parcels = _counters(
    "parcels_total",
    "Parcels taken off a queue: accepted, repeated, answered, refused, dead, or requeued.",
    *("queue", "result"),
)
parcels_held = _gauge("parcels_held", "Parcels in memory that are not acknowledged yet.")
requests = _counters(
    "requests_total",
    "Decoded requests: accepted, repeated, conflict or refused.",
    *("command", "result"),
)
accept_seconds = _histogram("accept_seconds", "One accept transaction, begin to commit.", *_QUICK)
accept_group_size = _histogram(
    "accept_group_size", "Parcels accepted in one transaction.", *_SIZES[:9]
)
recipients = _counters(
    "recipients_total",
    "Recipients that expansion found: queued, or the reason why they are not delivered to.",
    "result",
)
replies = _counters("replies_total", "Answers to requests: confirmed, returned, lost.", "result")

# --- dispatch ---

claims = _counters("claims_total", "Batches and retry rows claimed by this instance.", "what")
permits = _counters(
    "permits_total",
    "Deliveries that asked to start: go, canceled, paused, closed, expired, suppressed, lost.",
    "verdict",
)
permit_seconds = _histogram("permit_seconds", "One permit statement, sent to committed.", *_QUICK)
permits_void = _counter("permits_void_total", "Permits whose window closed before all had started.")
held = _gauge("held_deliveries", "Claimed deliveries in memory: waiting for a permit or running.")
backlog = _gauges(
    "backlog_deliveries",
    "Open deliveries of the whole system: waiting, ready, under_way, deferred or in_doubt.",
    "state",
    over="max",
)
oldest_due_seconds = _gauge(
    "oldest_due_seconds",
    "How long the oldest due delivery of the system has been waiting.",
    over="max",
)
lane_connections = _gauge("lane_connections", "Connections granted to this instance by lanes.")

# --- delivery ---

attempts = _counters(
    "attempts_total",
    "Tries made: sent, deferred, bounced, failed or in_doubt, and a word for the reason.",
    *("outcome", "reason"),
)
attempt_seconds = _histogram("attempt_seconds", "One try, start to outcome.", *_NETWORK)
connections = _gauges("smtp_connections", "Connections to relays: opening, busy or idle.", "state")
sent_bytes = _counter("smtp_sent_bytes_total", "Octets of message content handed to relays.")

journal_records = _gauge(
    "journal_attempts", "Attempts in the local journal whose outcome is not committed yet."
)
journal_failures = _counter(
    "journal_failures_total", "Times the state directory took no record, which stops new starts."
)

# --- settle ---

facts_refused = _counter(
    "facts_refused_total",
    "Outcomes that broke a law of the database or met a fault of ours: look at the log.",
)

deliveries = _counters(
    "deliveries_total", "Deliveries moved to a state by settle or feedback.", "state"
)
settle_seconds = _histogram("settle_seconds", "One group commit, begin to commit.", *_QUICK)
settle_group_size = _histogram("settle_group_size", "Outcomes in one group commit.", *_SIZES)
settle_backlog = _gauge("settle_backlog", "Outcomes that wait for the next group commit.")
repeated = _counter("repeated_replies_total", "Replies of an earlier epoch that moved nothing.")
doubts = _counter("doubts_total", "Attempts whose final dot may have left without a reply.")
doubts_open = _gauge(
    "doubts_open", "Doubts of the whole system that wait for a decision.", over="max"
)

# --- ledger and telling ---

events = _counters("events_total", "Events appended to the ledger by this instance.", "type")
told = _counters(
    "told_total",
    "Events published: confirmed, returned (nobody to route to), nacked, or unknown.",
    "result",
)
tell_seconds = _histogram("tell_seconds", "One batch of events, published to confirmed.", *_QUICK)
untold = _gauge(
    "untold_events",
    "Events of the whole system that are committed and not yet told.",
    over="max",
)
streams_adopted = _counter("streams_adopted_total", "Streams taken over from dead instances.")
unrouted = _gauge("unrouted_depth", "Events in the queue of what nobody is bound to.", over="max")
dead_letters = _gauge(
    "dead_letters", "Parcels in the dead letter queue; each wants a person.", over="max"
)

resting = _gauges(
    "resting",
    "Whether nothing new is begun here, because too much has piled up.",
    "part",
    over="max",
)

# --- instances, rescue, upkeep ---

instances = _gauge("instances", "Instances whose lease lies ahead.", over="max")
lease_remaining_seconds = _gauge(
    "lease_remaining_seconds", "What is left of our own lease.", over="min"
)
leases_lost = _counter("leases_lost_total", "Times that we found our own lease gone.")
rescues = _counters(
    "rescues_total", "What was taken back from the dead: batch, retry, stream or journal.", "what"
)
law_mismatches = _gauge(
    "law_mismatches",
    "Jobs whose numbers don't add up (accounting law). Not 0 is a bug.",
    over="max",
)
partitions_ahead = _gauge(
    "partitions_ahead", "Days for which partitions are there already.", over="min"
)

# --- process ---

database_errors = _counters("database_errors_total", "Failed statements and connections.", "kind")
broker_connects = _counters("broker_connects_total", "Connections to the broker opened.", "purpose")
loop_lag_seconds = _gauge(
    "loop_lag_seconds", "How late the event loop last was for its timer.", over="max"
)
tasks = _gauge("tasks", "Tasks of the event loop; in peace their number stays as it is.")
loop_lag_max_seconds = _gauge(
    "loop_lag_max_seconds", "How late it was at most in this minute.", over="max"
)
checks = _gauges("check_ok", "Readiness by check: 1 is well.", "check", over="min")
processes_up = _gauge("processes_up", "Processes of `serve --processes` that are ready.")
process_restarts = _counter(
    "process_restarts_total", "Times that one of them ended by itself and was started again."
)
config_reloads = _counters("config_reloads_total", "Reloads asked for: ok or refused.", "result")
config_last_reload_successful = _gauge(
    "config_last_reload_successful", "Whether the last reload was taken over.", over="min"
)
config_last_reload_seconds = _gauge(
    "config_last_reload_success_timestamp_seconds",
    "When the running configuration was loaded.",
    over="min",
)
_build: Info = _made(Info, "build", "What is running.")


def built(*, version: str, python: str, instance: str) -> None:
    """Says once what is running, as `deliveryd_build_info`."""
    _build.info({"version": version, "python": python, "instance": instance})
