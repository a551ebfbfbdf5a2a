"""What every section of the configuration is: frozen, no unknown keys, its own documentation."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of the configuration. Each field's docstring is its documentation."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    LIVE: ClassVar[frozenset[str]] = frozenset()
    """The fields that a reload (SIGHUP) applies; a change of any other one needs a restart."""
