"""Reading a YAML file into settings: every mistake reported at once, with its place and the nearest known key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from appetence.config.settings import Settings
from appetence.errors import UsageError, nearest

_Read = TypeVar("_Read", bound=Settings)


def read_settings(path: Path | str, model: type[_Read], what: str, env: Mapping[str, str] | None = None) -> _Read:
    """Read and check a YAML file of settings.

    Parameters
    ----------
    path
        A YAML file.
    model
        The settings that it holds.
    what
        What such a file is called in messages.
    env
        What `${NAME}` in paths refers to; `os.environ` by default.

    Raises
    ------
    UsageError
        The file is missing, is not YAML, or breaks the settings; the message holds every mistake with its place, and
        the nearest known key for an unknown one.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "Give one with --config" if what == "config" else None
        raise UsageError(f"the {what} must be a file that exists", str(path), hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the {what} must be a readable UTF-8 file", f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"the {what} must be valid YAML", f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"the {what} must be a YAML mapping of sections", f"{path}: {type(raw).__name__}")
    try:
        return model.model_validate(raw, context={"env": os.environ if env is None else env})
    except ValidationError as error:
        mistakes = "\n".join(f"  - {line}" for line in _mistakes(error, model))
        raise UsageError(f"{path} has {error.error_count()} mistake(s):\n{mistakes}") from None


def _mistakes(error: ValidationError, model: type[Settings]) -> Iterator[str]:
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"]) or "(top level)"
        if item["type"] == "extra_forbidden":
            near = nearest(str(item["loc"][-1]), _keys_at(item["loc"][:-1], model))
            yield f"{place}: unknown key" + (f", did you mean {near!r}?" if near else "")
        else:
            got = item["input"]
            shown = f" (got {got!r})" if isinstance(got, str | int | float | bool) and len(repr(got)) < 80 else ""
            yield f"{place}: {item['msg'].removeprefix('Value error, ')}{shown}"


def _keys_at(place: tuple[int | str, ...], tree: type[Settings]) -> list[str]:
    """Return the keys known at a place of the settings tree."""
    models: list[Any] = [tree]
    for part in place:
        found: list[Any] = []
        for model in models:
            if part in model.model_fields:
                found += _models_in(model.model_fields[part].annotation)
        models = found or models  # a dictionary's key, or a union's tag, stays at the same models
    return [key for model in models for key in model.model_fields]


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, dict, tuple, list, Annotated) or get_args(annotation):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []
