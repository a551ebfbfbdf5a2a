"""What was made of a text is kept for the next message with it: one letter goes with every order.

Only short texts, so that nobody fills the memory with long ones.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from daemon.mail.template import Template

_MOST = 128
_LONGEST = 64 * 2**10
"""Characters of a template."""

_With = ParamSpec("_With")
_Made = TypeVar("_Made")


def of_short(make: Callable[_With, _Made]) -> Callable[_With, _Made]:
    """What `make` makes of a template, its first argument; of a short one perhaps made earlier."""
    kept = cast("Callable[_With, _Made]", functools.lru_cache(maxsize=_MOST)(make))

    @functools.wraps(make)
    def made(*args: _With.args, **kwargs: _With.kwargs) -> _Made:
        template = args[0]
        is_short = isinstance(template, Template) and template.size <= _LONGEST
        return kept(*args, **kwargs) if is_short else make(*args, **kwargs)

    return made
