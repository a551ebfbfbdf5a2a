"""What every section of the configuration is: frozen, no unknown keys, its own documentation."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, field_validator


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

    @field_validator("*")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        """No text that a database can't hold."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("must be text without NUL")
        return value
