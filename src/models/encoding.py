"""Own codes for every feature, kept with the model: what the trees and the linear part see is one float64 matrix.

Numbers and booleans stay as they are, NaN where missing. A category with few levels becomes a code: 0 for a level that
was rare or never seen in training, 1 … K for the levels, K + 1 for missing. A category with many levels becomes the
shrunk log-odds of its level's target rate, learned out of fold for the training rows; it stays one column of one
feature, so that explanations stay by feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from appetence.errors import nearest
from appetence.models.columns import Column, Columns, FeatureTypeError, FeatureValueError, Levels, Numbers

Kind = Literal["numeric", "boolean", "category", "rate"]

RARE_LEVEL_ROWS = 5
"""A level seen in fewer training rows than this shares code 0 with levels never seen."""


@dataclass(frozen=True)
class FeatureCode:
    """How one feature becomes a number.

    Parameters
    ----------
    name
        The feature's name; None where the training data had no names.
    kind
        `numeric`, `boolean`, `category` (codes) or `rate` (a level's log-odds).
    levels
        Level names, in the order of their codes (category) or of `values` (rate).
    values
        For a rate: the log-odds of each level.
    unseen, missing
        For a rate: the value of a level never seen, and of a missing one.
    """

    name: str | None
    kind: Kind
    levels: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    unseen: float = 0.0
    missing: float = 0.0

    @property
    def n_codes(self) -> int:
        """Number of codes of a category: other, each level, missing."""
        return len(self.levels) + 2

    def encode(self, column: Column) -> np.ndarray:
        """Encode one column as float64 of shape (n_rows,)."""
        if self.kind in ("numeric", "boolean"):
            return _as_numbers(self, column)
        own = _as_levels(self, column)
        position = {level: i for i, level in enumerate(self.levels)}
        known = np.array([position.get(name, -1) for name in own.names], dtype=np.int64)
        if self.kind == "category":
            table = np.append(known + 1, len(self.levels) + 1).astype(np.float64)
        else:
            rates = np.append(np.asarray(self.values, dtype=np.float64), self.unseen)
            table = np.append(rates[known], self.missing)
        return table[own.codes]  # code -1, missing, takes the table's last place


@dataclass(frozen=True)
class Encoder:
    """The codes of all features, in the order of the model's matrix."""

    features: tuple[FeatureCode, ...]

    @property
    def names(self) -> tuple[str, ...] | None:
        """Feature names, None where the training data had none."""
        names = tuple(feature.name for feature in self.features if feature.name is not None)
        return names or None

    @property
    def plain_names(self) -> list[str] | None:
        """Feature names where LightGBM's model text can keep them unchanged, else None."""
        names = self.names
        plain = names is not None and all(name.replace("_", "a").isalnum() and name.isascii() for name in names)
        return list(names) if plain and names is not None else None

    @property
    def categorical(self) -> list[int]:
        """Positions of the features that are codes."""
        return [j for j, feature in enumerate(self.features) if feature.kind == "category"]

    def encode(self, columns: Columns) -> np.ndarray:
        """Encode a table as float64 of shape (n_rows, n_features); columns with names are matched by name."""
        matched = match_columns(columns, self.names, len(self.features))
        encoded = np.empty((columns.n_rows, len(self.features)), order="F")
        for j, (feature, column) in enumerate(zip(self.features, matched, strict=True)):
            encoded[:, j] = feature.encode(column)
        return encoded

    def to_contract(self) -> list[dict[str, Any]]:
        """Describe the codes in plain JSON values."""
        contract: list[dict[str, Any]] = []
        for feature in self.features:
            entry: dict[str, Any] = {"name": feature.name, "kind": feature.kind}
            if feature.kind in ("category", "rate"):
                entry["levels"] = list(feature.levels)
            if feature.kind == "rate":
                entry |= {"values": list(feature.values), "unseen": feature.unseen, "missing": feature.missing}
            contract.append(entry)
        return contract

    @classmethod
    def from_contract(cls, contract: Sequence[dict[str, Any]]) -> Encoder:
        """Read what `to_contract` wrote."""
        return cls(
            tuple(
                FeatureCode(
                    entry["name"],
                    entry["kind"],
                    tuple(entry.get("levels", ())),
                    tuple(entry.get("values", ())),
                    entry.get("unseen", 0.0),
                    entry.get("missing", 0.0),
                )
                for entry in contract
            )
        )


def fit_encoder(
    columns: Columns, y: np.ndarray, weight: np.ndarray, folds: np.ndarray | None, max_levels: int
) -> tuple[Encoder, np.ndarray]:
    """Learn the codes, and encode the training rows.

    Parameters
    ----------
    columns
        The training table.
    y, weight
        Labels (0 or 1) and weights, float64 of shape (n_rows,).
    folds
        Fold of each row, int of shape (n_rows,), or None: a level's rate is then never shown to its own rows' labels
        in the training matrix. Without folds, categories with many levels take the base rate throughout.
    max_levels
        Categories with more levels than this become rates.

    Returns
    -------
    encoder, encoded
        `encoded` is the training matrix: as `encoder.encode`, but with out-of-fold rates.
    """
    names = columns.names or (None,) * len(columns.columns)
    codes: list[FeatureCode] = []
    encoded = np.empty((columns.n_rows, len(columns.columns)), order="F")
    for j, (name, column) in enumerate(zip(names, columns.columns, strict=True)):
        if isinstance(column, Levels) and len(np.unique(column.codes[column.codes >= 0])) > max_levels:
            codes.append(_fit_rates(name, column, y, weight if folds is not None else weight * 0.0))
            encoded[:, j] = codes[-1].encode(column)
            for fold in np.unique(folds) if folds is not None else ():
                inside = folds == fold
                encoded[inside, j] = _fit_rates(name, column, y, weight * ~inside).encode(
                    Levels(column.codes[inside], column.names)
                )
        else:
            codes.append(_fit_codes(name, column, weight))
            encoded[:, j] = codes[-1].encode(column)
    return Encoder(tuple(codes)), encoded


def match_columns(columns: Columns, names: tuple[str, ...] | None, n_features: int) -> tuple[Column, ...]:
    """Return the table's columns in the model's order, by name where both sides have names."""
    if columns.names is None or names is None:
        if len(columns.columns) != n_features:
            given = f"X has {len(columns.columns)} features"
            raise FeatureValueError(f"{given}, but PropensityClassifier is expecting {n_features} features as input")
        return columns.columns
    missing = [name for name in names if name not in set(columns.names)]
    extra = [name for name in columns.names if name not in set(names)]
    if missing or extra:
        raise FeatureValueError(
            "the table must have the columns that the model was trained on",
            _difference(missing, extra),
            _rename_hint(missing, columns.names),
        )
    by_name = dict(zip(columns.names, columns.columns, strict=True))
    return tuple(by_name[name] for name in names)


def _difference(missing: list[str], extra: list[str]) -> str:
    parts = [f"{what}: {', '.join(found)}" for what, found in (("missing", missing), ("not known", extra)) if found]
    return "; ".join(parts)


def _rename_hint(missing: list[str], given: tuple[str, ...]) -> str | None:
    near = [f"is {found!r} meant to be {name!r}?" for name in missing if (found := nearest(name, given)) is not None]
    return "; ".join(near).capitalize() if near else None


def _as_numbers(feature: FeatureCode, column: Column) -> np.ndarray:
    if isinstance(column, Numbers):
        return column.values
    if (column.codes < 0).all():
        return np.full(len(column.codes), np.nan)
    raise FeatureTypeError(f"feature {feature.name!r} was {feature.kind} in training and must be so", "strings")


def _as_levels(feature: FeatureCode, column: Column) -> Levels:
    if isinstance(column, Levels):
        return column
    if np.isnan(column.values).all():
        return Levels(np.full(len(column.values), -1, dtype=np.int32), ())
    raise FeatureTypeError(
        f"feature {feature.name!r} was a category in training and must be strings or categories",
        "numbers",
        "A code such as '0012' read as a number has lost its zeros: read it as text",
    )


def _fit_codes(name: str | None, column: Column, weight: np.ndarray) -> FeatureCode:
    if isinstance(column, Numbers):
        return FeatureCode(name, "boolean" if column.boolean else "numeric")
    counts = np.bincount(column.codes[column.codes >= 0], weight[column.codes >= 0], len(column.names))
    frequent = np.flatnonzero(counts >= RARE_LEVEL_ROWS)
    return FeatureCode(name, "category", tuple(column.names[i] for i in frequent))


def _fit_rates(name: str | None, column: Levels, y: np.ndarray, weight: np.ndarray) -> FeatureCode:
    """Learn the log-odds of each level, shrunk to the base rate by the spread between levels."""
    n = np.bincount(column.codes + 1, weight, len(column.names) + 1)
    positives = np.bincount(column.codes + 1, weight * y, len(column.names) + 1)
    total = n.sum()
    base = (positives.sum() + 0.5) / (total + 1.0)
    strength = _prior_strength(n, positives, base)
    rate = (positives + strength * base) / (n + strength)
    log_odds = np.log(rate) - np.log1p(-rate)
    seen = np.flatnonzero(n[1:] > 0)
    return FeatureCode(
        name,
        "rate",
        tuple(column.names[i] for i in seen),
        tuple(float(log_odds[i + 1]) for i in seen),
        unseen=float(np.log(base) - np.log1p(-base)),
        missing=float(log_odds[0]),
    )


def _prior_strength(n: np.ndarray, positives: np.ndarray, base: float) -> float:
    """Rows that the base rate counts for: p(1 - p) over the variance between levels.

    The variance between levels is the method-of-moments estimate of DerSimonian and Laird (1986), with weights n.
    It is kept between 1 and 1,000 rows, so that a level of one row never has a rate of 0 or 1.
    """
    seen = n > 0
    n, positives = n[seen], positives[seen]
    if len(n) < 2:
        return 1_000.0
    within = base * (1.0 - base)
    excess = float((n * (positives / n - base) ** 2).sum()) - (len(n) - 1) * within
    between = excess / (n.sum() - (n**2).sum() / n.sum())
    return float(np.clip(within / between, 1.0, 1_000.0)) if between > 0 else 1_000.0
