"""A firm's own feature groups: one Python file each, named in the config, written like the groups of this package.

Such a file is code of the firm's and runs with the job's rights: a config that names one is to be trusted like code.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from appetence.config import GROUPS
from appetence.errors import UsageError, did_you_mean
from appetence.features.catalogue import THEMES, Feature, Group, Shape, Theme
from appetence.features.topic_model import is_topic

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_HINT = "CONTRIBUTING.md walks through a group of your own"


@dataclass(frozen=True)
class OwnGroup:
    """A group read from a file.

    Attributes
    ----------
    name
        The file's name without `.py`; its features name it as their group.
    themes
        Themes of its own, beside those of the catalogue.
    sha256
        Of the file: scores made with another version of it are other scores.
    """

    name: str
    FEATURES: tuple[Feature, ...]
    themes: tuple[Theme, ...]
    sha256: str
    made_for: Callable[[Shape], tuple[Feature, ...]]
    build: Callable[[Any], Any]


def load_own(paths: Sequence[str]) -> tuple[OwnGroup, ...]:
    """Run a firm's feature files and check what they declare.

    Parameters
    ----------
    paths
        Files, relative to the working directory: `FEATURES`, `build(known)`, and if need be `THEMES` and
        `made_for(shape)`.

    Raises
    ------
    UsageError
        A file that is missing, fails, or declares what the catalogue cannot take in.
    """
    groups = tuple(_load(Path(path)) for path in paths)
    names = [group.name for group in groups]
    for name in names:
        if name in GROUPS or names.count(name) > 1:
            raise UsageError("a feature group of your own must have a name of its own", repr(name), _HINT)
    return groups


def themes_of(groups: Sequence[Group]) -> dict[str, Theme]:
    """Return all themes by name: the catalogue's, and those of the firm's own groups."""
    return {**THEMES, **{theme.name: theme for group in groups for theme in getattr(group, "themes", ())}}


def _load(path: Path) -> OwnGroup:
    if path.suffix != ".py" or not path.is_file():
        raise UsageError("features.own must name Python files that exist", str(path), _HINT)
    if not _NAME.fullmatch(path.stem):
        raise UsageError(
            "a feature file's name must be lower-case letters, digits and underscores", repr(path.name), _HINT
        )
    module = _run(path)
    themes = tuple(getattr(module, "THEMES", ()))
    features, build = getattr(module, "FEATURES", None), getattr(module, "build", None)
    if features is None or not callable(build):
        raise UsageError(f"{path} must define FEATURES and build(known)", "one of them is missing", _HINT)
    _check_themes(path, themes)
    for feature in features:
        _check_feature(path, feature, {*THEMES, *(theme.name for theme in themes)})
    return OwnGroup(
        path.stem,
        tuple(features),
        themes,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        getattr(module, "made_for", _nothing),
        build,
    )


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"appetence_own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError("features.own must name Python files that exist", str(path), _HINT)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the firm's code raises, the message names the file
        raise UsageError(f"{path} must run", f"{type(error).__name__}: {error}", _HINT) from error
    return module


def _check_themes(path: Path, themes: Sequence[object]) -> None:
    for theme in themes:
        if not isinstance(theme, Theme) or theme.name in THEMES:
            raise UsageError(f"{path} must give THEMES names of their own", repr(getattr(theme, "name", theme)), _HINT)


def _check_feature(path: Path, feature: object, themes: set[str]) -> None:
    if not isinstance(feature, Feature):
        raise UsageError(f"{path} must list features in FEATURES", type(feature).__name__, _HINT)
    if feature.group != path.stem:
        raise UsageError(f"the features of {path} must have the group {path.stem!r}", repr(feature.group), _HINT)
    if not _NAME.fullmatch(feature.name):
        raise UsageError("a feature's name must be lower-case letters, digits and underscores", repr(feature.name))
    if is_topic(feature.name):
        raise UsageError("a feature of your own must not be named like a topic of messages", repr(feature.name))
    if feature.theme not in themes:
        raise UsageError(
            f"the theme of {feature.name} must be known", repr(feature.theme), did_you_mean(feature.theme, themes)
        )


def _nothing(_shape: Shape) -> tuple[Feature, ...]:
    return ()
