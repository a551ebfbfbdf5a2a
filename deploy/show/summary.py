"""The balance at the end: what was asked for, what became of it, and whether it had to be so."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import wording
from .seen import Seen

COLUMNS = ("asked", "dropped", "refused", "bounced", "sent", "copies", "events")
SHOWN = 4
"""Differences of one request that are told one by one."""


def show(seen: Seen, differences: Mapping[str, Sequence[str]], console: Console) -> None:
    """The table, the sum, and the verdict."""
    totals: Counter[str] = Counter()
    table = _grid()
    for tale in seen.tales.values():
        row = asdict(wording.figures(tale))
        totals.update(row)
        table.add_row(tale.sample.title, *(str(row[name]) for name in COLUMNS))
    table.add_section()
    table.add_row("all", *(str(totals[name]) for name in COLUMNS), style="bold")
    console.print(Text(), table, Text(), sep="\n")
    for line in (_sum(totals), *_remarks(seen, totals), _verdict(differences)):
        console.print(line, soft_wrap=True)


def _grid() -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("request", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _sum(totals: Counter[str]) -> Text:
    parts = ("sent", "bounced", "dropped", "refused")
    text = " + ".join(f"{totals[name]} {name}" for name in parts)
    balanced = totals["asked"] == sum(totals[name] for name in parts)
    return Text(f"{totals['asked']} asked for {'=' if balanced else '≠'} {text}")


def _remarks(seen: Seen, totals: Counter[str]) -> Iterator[Text]:
    copies, events = totals["copies"], totals["events"]
    yield Text(f"{copies} mails taken by the server, {events} events told by the exchange")
    for tale in seen.tales.values():
        if tale.copies and (due := tale.sample.not_before):
            late = tale.copies[0].at - due.timestamp()
            yield Text(f"{tale.sample.name}: due at {wording.clock(due)}, taken {late:.2f} s later")


def _verdict(differences: Mapping[str, Sequence[str]]) -> Text:
    if not differences:
        return Text("Answers, mail and events are exactly what the requests demand.", style="green")
    return Text("\n".join(_told(differences)), style="red")


def _told(differences: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield "Not everything is as the requests demand:"
    for name, texts in differences.items():
        yield from (f"  {name}: {text}" for text in texts[:SHOWN])
        if more := len(texts[SHOWN:]):
            yield f"  {name}: and {more} more"
