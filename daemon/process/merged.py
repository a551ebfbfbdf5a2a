"""What several processes measure, on one page. Pure.

Counters and histograms are summed. Those of a process that has ended stay in the sum: what was
shown once never goes down, or every restart would look like work to whoever computes a rate from
it. A gauge becomes what `metrics.OVER` says. Where neither a sum nor a worst value says anything
(the figures of the operating system), every process has its own series, by a label `process`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from daemon import metrics

SUPERVISOR = "supervisor"
"""The label `process` of whoever shows the page; the others have their number."""

_EACH = "process_"
_GROWING = ("counter", "histogram")
_OWN = ("process_", "deliveryd_process", "deliveryd_check_ok", "deliveryd_loop_lag")
"""What the supervisor has to say itself; it does no work that the rest would count."""

_Labels = tuple[tuple[str, str], ...]
_Ways = Mapping[str, Callable[[float, float], float]]
_WAYS: _Ways = {"sum": lambda one, other: one + other, "max": max, "min": min}


@dataclass(slots=True)
class _Family:
    """One metric over all pages so far."""

    text: str
    kind: str
    values: dict[tuple[str, _Labels], float] = field(default_factory=dict)

    def take(self, sample: Sample, labels: Mapping[str, str], way: str) -> None:
        """One value more."""
        key = (sample.name, tuple(sorted({**sample.labels, **labels}.items())))
        known = self.values.get(key)
        self.values[key] = sample.value if known is None else _WAYS[way](known, sample.value)


class Merged(Collector):
    """The page of all processes, by their labels. A run is one of them from start to end."""

    def __init__(self) -> None:
        self._gone: dict[str, _Family] = {}
        self._last: dict[str, list[Metric]] = {}
        self._fresh: set[str] = set()

    def shows(self, process: str, text: str | None) -> None:
        """What a run shows now; None: nothing, so that what it counted stays as it last was."""
        self._fresh.discard(process)
        if text is not None:
            self._last[process] = list(text_string_to_metric_families(text))
            self._fresh.add(process)

    def ended(self, process: str) -> None:
        """The run is over; what it counted stays."""
        for family in self._last.pop(process, []):
            if _is_summed(family):
                _take(self._gone, family, {})
        self._fresh.discard(process)

    def collect(self) -> Iterator[Metric]:
        """All families, as prometheus-client has them rendered."""
        families = {
            name: _Family(one.text, one.kind, dict(one.values)) for name, one in self._gone.items()
        }
        for family in _own():
            _take(families, family, _label(family, SUPERVISOR))
        for process, page in self._last.items():
            for family in page:
                if process in self._fresh or _is_summed(family):
                    _take(families, family, _label(family, process))
        for name, one in families.items():
            yield _rendered(name, one)


def _own() -> Iterable[Metric]:
    return (one for one in metrics.REGISTRY.collect() if one.name.startswith(_OWN))


def _is_summed(family: Metric) -> bool:
    return family.type in _GROWING and not family.name.startswith(_EACH)


def _label(family: Metric, process: str) -> Mapping[str, str]:
    return {"process": process} if family.name.startswith(_EACH) else {}


def _take(families: dict[str, _Family], family: Metric, labels: Mapping[str, str]) -> None:
    way = "sum" if family.type in _GROWING else metrics.OVER.get(family.name, "max")
    found = families.setdefault(family.name, _Family(family.documentation, family.type))
    for sample in family.samples:
        found.take(sample, labels, way)


def _rendered(name: str, one: _Family) -> Metric:
    metric = Metric(name, one.text, one.kind)
    for (sample, labels), value in one.values.items():
        metric.add_sample(sample, dict(labels), value)
    return metric
