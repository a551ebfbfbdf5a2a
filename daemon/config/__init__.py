"""The configuration: what can be set, where it was set, what is wrong with it."""

from daemon.config.changes import Change, changed, flat, merged
from daemon.config.flaw import ConfigError, Flaw, Origin
from daemon.config.loading import Loaded, load
from daemon.config.sections import Config
from daemon.config.sources import locate
from daemon.config.values import Address, Secret

__all__ = [
    "Address",
    "Change",
    "Config",
    "ConfigError",
    "Flaw",
    "Loaded",
    "Origin",
    "Secret",
    "changed",
    "flat",
    "load",
    "locate",
    "merged",
]
