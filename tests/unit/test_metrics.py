"""What is measured, and how it is called."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon import metrics


def families():
    """Every family of ours, as a scraper reads it."""
    text = metrics.render()[0].decode()
    return [one for one in text_string_to_metric_families(text) if "deliveryd" in one.name]


def test_names():
    """Base units, `_total` for what only grows, nothing else in the name of a unit."""
    for family in families():
        assert re.fullmatch(r"deliveryd_[a-z][a-z_]*[a-z]", family.name)
        assert not re.search(r"_(ms|millis|kib|mib|minutes|hours|percent)\b", family.name)
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_bytes", "_size"))


def test_help():
    """Every metric says what it is, in a sentence."""
    assert len(families()) > 40
    assert not [family.name for family in families() if not family.documentation.endswith(".")]


def test_no_created_series():
    """The series that only double the output are off."""
    assert b"_created" not in metrics.render()[0]


def test_labels_are_ours():
    """No metric can carry a tenant's or a stranger's word by the name of its label (S52)."""
    metrics.attempts("sent", "").inc()
    metrics.parcels("requests", "accepted").inc()
    names = {name for one in families() for sample in one.samples for name in sample.labels}
    assert not names & {"customer", "domain", "address", "recipient", "sender", "subject", "relay"}


def test_children_are_kept():
    """The same values give the same child, and it counts."""
    child = metrics.events("delivery.sent")
    before = child._value.get()
    child.inc()
    assert metrics.events("delivery.sent") is child
    assert child._value.get() == before + 1


def test_wrong_number_of_labels():
    """A call that forgets a label fails at once."""
    with pytest.raises(ValueError, match="label"):
        metrics.attempts("sent")


def test_families_are_bounded():
    """Ten thousand values make no ten thousand series; the rest is `other` (S52)."""
    before = _database_errors()  # whatever else was tested in this process
    for number in range(10_000):
        metrics.database_errors(f"made up {number}").inc()
    samples = _database_errors()
    assert len(samples) <= metrics.CHILDREN + 1
    assert sum(samples.values()) - sum(before.values()) == 10_000
    assert samples["other"] - before.get("other", 0) >= 10_000 - metrics.CHILDREN


def _database_errors():
    (family,) = [one for one in families() if one.name == "deliveryd_database_errors"]
    return {sample.labels["kind"]: sample.value for sample in family.samples}


def test_formats():
    """A scraper gets the format it asks for."""
    assert metrics.render()[1].startswith("text/plain")
    body, content_type = metrics.render("application/openmetrics-text;version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_build():
    """What is running is a metric too."""
    metrics.built(version="1.2", python="3.11", instance="a")
    assert (
        b'deliveryd_build_info{instance="a",python="3.11",version="1.2"} 1.0' in metrics.render()[0]
    )
