"""Several processes' metrics on one page."""

from prometheus_client.parser import text_string_to_metric_families

from daemon import metrics
from daemon.process.merged import Merged


def page(*lines: str) -> str:
    """What a process shows."""
    return "".join(f"{line}\n" for line in lines)


def shown(merged: Merged) -> dict[str, float]:
    """Every sample of the rendered page, by its name and labels as written."""
    text = metrics.render("", merged)[0].decode()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


def counted(value: int) -> str:
    """A page with one counter."""
    return page(
        "# TYPE deliveryd_attempts_total counter",
        f'deliveryd_attempts_total{{outcome="sent",reason=""}} {value}',
    )


SENT = 'deliveryd_attempts_total{outcome="sent",reason=""}'


def test_counters_are_summed_and_never_go_down() -> None:
    """What a process counted stays in the sum when it is silent, and when it has ended."""
    merged = Merged()
    merged.shows("1", counted(5))
    merged.shows("2", counted(7))
    assert shown(merged)[SENT] == 12
    merged.shows("2", None)
    assert shown(merged)[SENT] == 12
    merged.ended("2")
    merged.shows("2", counted(1))
    assert shown(merged)[SENT] == 13
    merged.ended("2")
    merged.ended("1")
    assert shown(merged)[SENT] == 13


def test_histograms_are_summed() -> None:
    """Bucket by bucket, with their count and sum."""
    lines = ["# TYPE deliveryd_settle_seconds histogram"]
    for name, value in (('bucket{le="0.5"}', 1), ('bucket{le="+Inf"}', 2), ("count", 2)):
        lines.append(f"deliveryd_settle_seconds_{name} {value}")
    merged = Merged()
    merged.shows("1", page(*lines, "deliveryd_settle_seconds_sum 1.5"))
    merged.shows("2", page(*lines, "deliveryd_settle_seconds_sum 0.25"))
    found = shown(merged)
    assert found['deliveryd_settle_seconds_bucket{le="0.5"}'] == 2
    assert found['deliveryd_settle_seconds_bucket{le="+Inf"}'] == 4
    assert found["deliveryd_settle_seconds_count"] == 4
    assert found["deliveryd_settle_seconds_sum"] == 1.75


def test_gauges_become_what_they_mean() -> None:
    """What each has is summed, of the whole system and of what must be well the worst is shown."""
    merged = Merged()
    for process, held, due, lease in (("1", 3, 10, 15), ("2", 4, 12, 2)):
        merged.shows(
            process,
            page(
                *("# TYPE deliveryd_held_deliveries gauge", f"deliveryd_held_deliveries {held}"),
                *(
                    "# TYPE deliveryd_oldest_due_seconds gauge",
                    f"deliveryd_oldest_due_seconds {due}",
                ),
                "# TYPE deliveryd_lease_remaining_seconds gauge",
                f"deliveryd_lease_remaining_seconds {lease}",
            ),
        )
    found = shown(merged)
    assert found["deliveryd_held_deliveries"] == 7
    assert found["deliveryd_oldest_due_seconds"] == 12
    assert found["deliveryd_lease_remaining_seconds"] == 2
    merged.shows("2", None)
    assert shown(merged)["deliveryd_held_deliveries"] == 3


def test_figures_of_the_system_are_each_process_s_own() -> None:
    """Open files and the like carry the number of the process; the supervisor shows its own."""
    merged = Merged()
    for process, number in (("1", 30), ("2", 40)):
        merged.shows(process, page("# TYPE process_open_fds gauge", f"process_open_fds {number}"))
    found = shown(merged)
    assert found['process_open_fds{process="1"}'] == 30
    assert found['process_open_fds{process="2"}'] == 40
    assert found['process_open_fds{process="supervisor"}'] > 0


def test_every_gauge_says_what_it_becomes() -> None:
    """None is left to chance, and a real page of ours goes through as it is."""
    text = metrics.render()[0].decode()
    gauges = [one for one in text_string_to_metric_families(text) if one.type == "gauge"]
    ours = {one.name for one in gauges if one.name.startswith("deliveryd_")}
    assert ours - metrics.OVER.keys() <= {"deliveryd_build_info"}
    merged = Merged()
    merged.shows("1", text)
    names = {key.partition("{")[0] for key in shown(merged)}
    assert {"deliveryd_settle_seconds_bucket", "deliveryd_instances"} <= names
    body, kind = metrics.render("application/openmetrics-text;version=1.0.0", merged)
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
