"""That `config.toml` says what the program knows."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon import config
from daemon.config import Config, flaw, lines, schema

SAMPLE = Path(__file__).parents[3] / "config.toml"

OF_THE_DEMO = {
    "instance.state_dir",
    "intake.anonymous",
    "transport.port",
    "transport.tls",
    "transport.from_address",
    "transport.from_name",
    "transport.is_default",
    "token.login",
}
"""What the sample sets to something else than the default, each with a comment that says so."""


def dotted(key):
    """A key without positions."""
    return flaw.dotted(tuple(part for part in key if isinstance(part, str)))


@pytest.fixture(scope="module")
def named():
    """Every key the sample names, whether set or only shown in a comment, and its text above."""
    shown = re.sub(r"^# (?=[a-z_]+ = )", "", SAMPLE.read_text(), flags=re.MULTILINE)
    return lines.index(shown), shown.split("\n")


def test_every_key_is_in_the_sample(named):
    """Whoever adds a key tells people so."""
    index, _ = named
    assert {dotted(key) for key in index} >= {dotted(key) for key, _ in schema.entries()}


def test_every_key_has_its_comment(named):
    """Each key in the sample stands below what its field's docstring says."""
    index, text = named
    above = {dotted(key): text[line - 2] for key, line in index.items()}
    assert not [key for key, _ in schema.entries() if not above[dotted(key)].startswith("# ")]


def test_every_field_is_documented():
    """Each key has a docstring of its own."""
    assert not [dotted(key) for key, field in schema.entries() if not field.description]


def test_sample_runs_as_it_is():
    """The file is sound, and needs nothing from the environment."""
    loaded = config.load(SAMPLE, environ={})
    assert [customer.name for customer in loaded.config.customer] == ["Demo"]
    assert loaded.config.transport[0].customer == loaded.config.intake.anonymous


def test_sample_shows_the_defaults():
    """What the sample sets is the default, but for a known few that the demo needs."""
    default, shown = config.flat(Config()), config.flat(config.load(SAMPLE, environ={}).config)
    differing = {key for key in default if default[key] != shown[key]}
    for key, field in schema.entries():
        if key[0] in {"customer", "transport", "token"} and not field.is_required():
            row = "0" if key[0] == "token" else "1"
            if shown[f"{key[0]}.{row}.{key[1]}"] != schema.text(field, field.default):
                differing.add(dotted(key))
    assert differing == OF_THE_DEMO


@given(cut=st.integers(0, len(SAMPLE.read_bytes())), noise=st.binary(max_size=5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_half_written(tmp_path, cut, noise):
    """A file that was cut short or damaged gives a configuration or its flaws, never a surprise."""
    path = tmp_path / "config.toml"
    text = SAMPLE.read_bytes()
    path.write_bytes(text[:cut] + noise)
    try:
        config.load(path, environ={})
    except config.ConfigError as error:
        assert all(found.message for found in error.flaws)  # noqa: PT017 - both ends are fine


@given(key=st.sampled_from([key for key, _ in schema.entries()]), text=st.text(max_size=20))
@settings(max_examples=100)
def test_any_text_in_the_environment(key, text):
    """Whatever a variable holds, it is taken or it is a flaw that names the variable."""
    name = "DELIVERYD_" + "__".join(str(part) for part in key).upper()
    try:
        config.load(None, environ={name: text})
    except config.ConfigError as error:
        assert {found.file for found in error.flaws} == {f"environment {name}"}  # noqa: PT017


def test_sample_sets_nothing_in_vain():
    """Every value in the sample is one that the program reads."""
    content = tomllib.loads(SAMPLE.read_text())
    assert set(content) == set(Config.model_fields)
