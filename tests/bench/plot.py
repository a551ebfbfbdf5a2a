"""A picture of a result: its rate beside the reference, who used the CPU, and earlier ratios.

Drawn by matplotlib, which is brought only when a picture is asked for.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.figures import Result
from tests.bench.history import Entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (12.0, 4.2)
_QUIET, _LOUD = "#9aa5b1", "#1f6feb"


def draw(result: Result, entries: Sequence[Entry], path: Path) -> None:
    """Writes the picture; `entries` are this case's earlier runs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"deliveryd, {result.case}: {result.run.recipients:,} recipients")
    rates, cpu, ratios = figure.subplots(1, 3)
    _rates(rates, result)
    _cpu(cpu, result)
    _ratios(ratios, [entry["ratio"] for entry in entries if not entry["is_void"]])
    figure.savefig(path, format="png", dpi=120)


def _rates(axes: "Axes", result: Result) -> None:
    rates = {"before": result.before, "deliveryd": result.run.rate, "after": result.after}
    bars = axes.bar(list(rates), list(rates.values()), color=[_QUIET, _LOUD, _QUIET])
    axes.bar_label(bars, fmt="{:,.0f}")
    axes.set_title(f"per second; ratio {result.ratio:.2f}")


def _cpu(axes: "Axes", result: Result) -> None:
    used = result.run.cpu_us
    bars = axes.barh(list(used), list(used.values()), color=_LOUD)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.margins(x=0.2)
    axes.invert_yaxis()
    axes.set_title("µs of CPU per recipient")


def _ratios(axes: "Axes", ratios: Sequence[float]) -> None:
    axes.plot([str(place) for place in range(1, len(ratios) + 1)], ratios, "o-", color=_LOUD)
    axes.set_ylim(bottom=0)
    axes.set_title("ratio, run by run")
