"""Golden rows: made-up rows with the scores that a model gave them when it was made.

They go with a stored model: whatever reads it differently later, another machine or another version of a library, shows
on them before a client is scored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from appetence.models.classifier import PropensityClassifier
from appetence.models.severity import Severity

Probability = Annotated[float, Field(ge=0, le=1)]
Value = float | str | bool | None


class Stored(BaseModel):
    """Base of what is stored with a model: no key that is not known, no number that is none."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Golden(Stored):
    """Made-up rows and their probabilities, as stored in `golden.json`: one list of values per feature.

    `shares`: of erosion, the share of the money that leaves.
    """

    rows: dict[str, list[Value]]
    probabilities: list[Probability]
    shares: list[Probability] | None = None

    @model_validator(mode="after")
    def _rectangular(self) -> Golden:
        if not self.probabilities or any(len(values) != len(self.probabilities) for values in self.rows.values()):
            raise ValueError("every column must hold as many values as there are probabilities, and at least one")
        if self.shares is not None and len(self.shares) != len(self.probabilities):
            raise ValueError("there must be as many shares as probabilities")
        return self

    def frame(self) -> pd.DataFrame:
        """Return the rows as a feature matrix: numbers as float64, codes as text."""
        columns = {name: _column(values) for name, values in self.rows.items()}
        return pd.DataFrame(columns, index=range(len(self.probabilities)))


def make_golden(
    artefact_predict: PropensityClassifier | float, X: pd.DataFrame, seed: int, severity: Severity | None = None
) -> Golden:
    """Make up golden rows from quantiles of the training rows, and score them.

    No row is a client's: each is a mix of quantiles (5 % to 95 %) of single features, of levels that at least
    `_COMMON` rows share, of an unseen level, and of missing values.

    Parameters
    ----------
    artefact_predict
        The classifier, or the probability of a constant.
    X
        Training rows; only features that the classifier reads are used.
    seed
        Of the mixes.
    severity
        Of erosion: its shares are told of the same rows.
    """
    if isinstance(artefact_predict, float):
        one = Golden(rows={}, probabilities=[artefact_predict])
        return one if severity is None else one.model_copy(update={"shares": [float(severity.mean_share)]})
    names = [str(name) for name in artefact_predict.feature_names_in_]
    rng = np.random.default_rng(seed)
    rows = {name: _made_up(X[name], rng) for name in names}
    blank = Golden(rows=rows, probabilities=[0.0] * _GOLDEN_ROWS)
    frame = blank.frame()
    found = artefact_predict.predict_proba(frame)[:, 1]
    shares = None if severity is None else [float(share) for share in severity.share(frame)]
    return Golden(rows=rows, probabilities=[float(p) for p in found], shares=shares)


_GOLDEN_ROWS = 24
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_COMMON = 20
_UNSEEN = "\u2047unseen"


def _made_up(column: pd.Series, rng: np.random.Generator) -> list[Value]:
    """Return a column of golden rows: first the quantiles in step, then all missing, then mixes."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        values = values[np.isfinite(values)]
        options: list[Value] = [float(q) for q in np.quantile(values, _QUANTILES)] if len(values) else [0.0]
    else:
        counts = column.value_counts()
        options = [*map(str, counts.index[counts >= _COMMON][: len(_QUANTILES)]), _UNSEEN]
    steps: list[Value] = [options[i % len(options)] for i in range(len(_QUANTILES))]
    mixes = rng.integers(0, len(options) + 1, _GOLDEN_ROWS - len(steps) - 1)
    return [*steps, None, *(None if i == len(options) else options[i] for i in mixes)]


def _column(values: Sequence[Value]) -> pd.Series:
    if any(isinstance(value, str) for value in values):
        return pd.Series(values, dtype="str")
    numbers = [math.nan if value is None else float(value) for value in values]
    return pd.Series(numbers, dtype=np.float64)
