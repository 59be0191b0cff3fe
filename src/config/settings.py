"""Ground of all settings: frozen models, names, and paths that may refer to the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class Settings(BaseModel):
    """Base of all settings: frozen, and no key that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def _expanded(text: str, info: ValidationInfo) -> str:
    env: Mapping[str, str] = (info.context or {}).get("env", {})

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if env.get(name):
            return env[name]
        if default is None:
            raise ValueError(f"environment variable {name} is not set; set it, or write ${{{name}:-default}}")
        return default

    return _VARIABLE.sub(value, text)


PathText = Annotated[str, AfterValidator(_expanded)]
"""A path, relative to the working directory, in which `${NAME:-default}` is expanded."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A short lower-case name, safe in file names and SQL."""

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
