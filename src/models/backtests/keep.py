"""A backtest in MLflow: a run with one nested run per question, its figures by date as curves, and all files."""

from __future__ import annotations

import json
from collections.abc import Mapping

from appetence import __version__
from appetence.config import BacktestSettings, TrainingSettings
from appetence.models.backtests.result import Backtest, BacktestResult
from appetence.models.tracking import BOOK, VERDICT, VERDICT_FR, Data, RunRecord, TrackingStore

KIND = "kind"
"""Tag that tells the runs of a backtest from those of a training."""


def keep_backtest(
    store: TrackingStore,
    config_name: str,
    result: BacktestResult,
    training: TrainingSettings,
    backtest: BacktestSettings,
    pages: Mapping[str, str],
) -> str:
    """Log a backtest, and return the id of its run.

    Parameters
    ----------
    training, backtest
        As resolved; logged with the run.
    pages
        {file name: content} of its report.
    """
    settings = {"training": training.model_dump(mode="json"), "backtest": backtest.model_dump(mode="json")}
    record = RunRecord(
        name=f"{config_name} backtest",
        params=dict(settings["backtest"]) | {"bootstrap": training.bootstrap, "seed": training.seed},
        tags={KIND: "backtest", BOOK: result.book_fingerprint, "code_version": __version__},
        metrics={} if result.ranking is None else {f"ranking_{k}": v for k, v in result.ranking.flat().items()},
        data=[Data("book", "evaluation", result.book_fingerprint, result.book_fingerprint)],
        texts={"backtest.json": _json(result.as_dict()), "settings.json": _json(settings), **pages},
    )
    with store.run(record) as parent:
        for found in result.backtests.values():
            with store.run(_of_question(found, result.book_fingerprint), parent):
                pass
    return parent


def _of_question(found: Backtest, book_fingerprint: str) -> RunRecord:
    effects = {f"design_effect_{unit}": f"{one.value:.2f}" for unit, one in found.dependence.effects.items()}
    return RunRecord(
        name=found.question,
        params={"intervals_by": found.dependence.unit, "units": found.units, "test_dates": len(found.dates), **effects},
        metrics=found.flat(),
        tags={
            KIND: "backtest",
            VERDICT: found.verdict.en,
            VERDICT_FR: found.verdict.fr,
            BOOK: book_fingerprint,
        },
        texts=found.texts(),
        series=found.series(),
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
