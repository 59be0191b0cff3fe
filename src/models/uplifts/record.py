"""A measurement of uplift as a run of MLflow: settings, figures, curve and verdict; no client is in it."""

from __future__ import annotations

import json

from appetence import __version__
from appetence.config import TrainingSettings
from appetence.models.tracking import BOOK, VERDICT, VERDICT_FR, RunRecord
from appetence.models.uplifts.analysis import UpliftResult

STATE = "uplift_state"
"""Tag of its own: `state` is that of the questions that are scored, and a refusal there is told in the reports."""


def uplift_record(result: UpliftResult, training: TrainingSettings, book_fingerprint: str) -> RunRecord:
    """Return what is kept of a measurement.

    Parameters
    ----------
    result
        As measured.
    training
        Whose parameters, bootstrap and seed were used.
    book_fingerprint
        Of all facts of the book.
    """
    params: dict[str, object] = {
        "horizon": result.horizon,
        "product": result.product or "all",
        "bootstrap": training.bootstrap,
        "seed": training.seed,
        **training.parameters,
    }
    figures = {f"left_out.{reason.replace(' ', '_')}": float(count) for reason, count in result.left_out.items()}
    texts = {"uplift.json": json.dumps(result.as_dict(), ensure_ascii=False, indent=1, sort_keys=True)}
    if result.balance is not None:
        figures |= {"balance_p": result.balance.p, "balance_largest": result.balance.largest}
    if result.judgement is not None:
        params |= {"learner": result.judgement.learner, "test_months": ",".join(result.dates)}
        figures |= result.judgement.flat()
        rows = result.judgement.curve
        lines = [",".join(rows[0]), *(",".join(f"{value:.10g}" for value in row.values()) for row in rows)]
        texts["curves/qini.csv"] = "\n".join(lines) + "\n"
    tags = {STATE: result.state, VERDICT: result.verdict.en, VERDICT_FR: result.verdict.fr, BOOK: book_fingerprint}
    return RunRecord(result.name, params, figures, tags | {"code_version": __version__}, texts)
