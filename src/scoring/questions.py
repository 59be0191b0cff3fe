"""One question over many clients: probabilities, and the reasons that add up to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from appetence.explain.contributions import explain_blocks, probability_points
from appetence.explain.reasons import strongest_reasons
from appetence.features.catalogue import Feature, Theme
from appetence.models.artefact import Artefact

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class QuestionScores:
    """Scores of one question.

    Parameters
    ----------
    probability
        Shape (clients,).
    reasons
        The rows of `score_reasons`, less run, month and question.
    share
        Shape (clients,): of erosion, the part of the money that leaves where it happens; None for other questions.
    """

    probability: Floats
    reasons: pa.Table
    share: Floats | None = None


def score_question(
    artefact: Artefact,
    client_ids: pa.Array,
    values: pa.Table,
    frame: pd.DataFrame,
    features: Mapping[str, Feature],
    themes: Mapping[str, Theme],
    k: int,
    currency: str,
) -> QuestionScores:
    """Score clients and explain each score.

    Parameters
    ----------
    artefact
        A model that was verified.
    client_ids
        Shape (clients,).
    values, frame
        The same feature rows, as the reasons and as the model read them.
    features, themes
        The catalogue.
    k
        Reasons per client.
    """
    read = [features[name] for name in artefact.features]
    tell = _Teller(client_ids, values, read, themes, k, currency)
    share = None if artefact.severity is None else artefact.predict_share(frame)
    if artefact.classifier is None:
        probability = artefact.predict(frame)
        base = float(artefact.probability or 0.0)
        return QuestionScores(probability, tell(0, np.zeros((len(frame), 0)), probability, base), share)
    scores, tables = [], []
    at = 0
    for block in explain_blocks(artefact.classifier, frame[list(artefact.features)]):
        points = probability_points(block.phi, block.bias)
        probability = block.probability
        tables.append(tell(at, points, probability, block.baseline))
        scores.append(probability)
        at += len(probability)
    return QuestionScores(np.concatenate(scores), pa.concat_tables(tables), share)


@dataclass(frozen=True)
class _Teller:
    client_ids: pa.Array
    values: pa.Table
    features: Sequence[Feature]
    themes: Mapping[str, Theme]
    k: int
    currency: str

    def __call__(self, at: int, points: Floats, probability: Floats, baseline: float) -> pa.Table:
        rows = len(probability)
        return strongest_reasons(
            self.client_ids.slice(at, rows),
            points,
            self.features,
            self.values.slice(at, rows),
            self.themes,
            probability=probability,
            baseline=baseline,
            k=self.k,
            currency=self.currency,
        )
