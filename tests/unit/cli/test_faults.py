"""The world's faults are one line and their own exit code; ours are a traceback."""

import importlib

import pytest

from daemon import config
from daemon.broker import conversation
from daemon.broker import errors as broker
from daemon.cli import faults
from daemon.cli.exits import Ended, Exit
from daemon.config import Flaw
from daemon.store import errors as store

FLAW = Flaw(file="config.toml", line=3, key="a.b", message="unknown key")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Ended("no job"), Exit.FAILED, "no job"),
        (config.ConfigError([FLAW]), Exit.CONFIG, "config.toml:3: a.b: unknown key"),
        (store.Unavailable("down"), Exit.UNAVAILABLE, "Postgres: down"),
        (store.SchemaMismatch("empty"), Exit.UNAVAILABLE, "Postgres: empty"),
        (store.Again("deadlock"), Exit.TEMPORARY, "Postgres: deadlock; try again"),
        (broker.Refused("403"), Exit.UNAVAILABLE, "RabbitMQ: 403"),
        (
            conversation.Unroutable("x"),
            Exit.UNAVAILABLE,
            "RabbitMQ: x: run `deliveryd topology check`",
        ),
    ],
)
def test_one_line_each(error: Exception, code: Exit, line: str) -> None:
    """A fault of the world has one line, also from within the groups that tasks raise."""
    wrapped = ExceptionGroup("tasks", [ExceptionGroup("more", [error])])
    assert faults.explain(error) == faults.explain(wrapped) == (code, [line])


@pytest.mark.parametrize("name", faults.WORLD)
def test_the_names_are_of_errors(name: str) -> None:
    """Each class of errors that is known by its name is there."""
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), kind), Exception)


def test_a_database_that_does_not_let_us_in() -> None:
    """A wrong password or a missing database is the world's fault, too."""

    class InvalidPasswordError(Exception):
        sqlstate = "28P01"

    code, lines = faults.explain(InvalidPasswordError("password authentication failed"))
    assert (code, lines) == (Exit.UNAVAILABLE, ["Postgres: password authentication failed"])


def test_ours() -> None:
    """What nobody foresaw shows where it happened, even beside an outage."""
    group = ExceptionGroup("tasks", [store.Unavailable("down"), KeyError("job")])
    code, lines = faults.explain(group)
    assert code is Exit.SOFTWARE
    assert lines[-1] == "a fault of ours: 'job'"
