"""How models are made, judged, searched for and kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from appetence.config.settings import PathText, Settings


class TrainingSettings(Settings):
    """How models are made and judged.

    `every`: months between training cuts. `history`: months of the book that must lie before the first cut. `tests`:
    out-of-time test dates, `test_spacing` months apart, the newest last. `calibration_share`: part of the households
    kept out of the fit, on whose latest matured cuts the model is calibrated. `bootstrap`: draws behind an interval.
    `unit`: what is drawn as one for it, a household, a cohort (all who joined in the same month), or, by `auto`, the
    one of the two by which events come in larger lumps.
    """

    every: Annotated[int, Field(ge=1, le=12)] = 3
    history: Annotated[int, Field(ge=0, le=60)] = 6
    tests: Annotated[int, Field(ge=1, le=12)] = 2
    test_spacing: Annotated[int, Field(ge=1, le=24)] = 6
    calibration_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.25
    bootstrap: Annotated[int, Field(ge=20, le=2000)] = 200
    unit: Literal["auto", "household", "cohort"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 7
    parameters: dict[str, float | int | bool | None] = {}


class TuningSettings(Settings):
    """How `appetence tune` searches parameters.

    `trials`: sets of parameters tried in all, the one in use among them. `time_budget`: minutes of wall clock, features
    and tests included. `folds`: dates inside the training period by which a set is judged; a short book gives fewer.
    """

    trials: Annotated[int, Field(ge=2, le=1000)] = 40
    time_budget: Annotated[float, Field(gt=0, le=10_080)] = 30.0
    folds: Annotated[int, Field(ge=1, le=12)] = 3


class BacktestSettings(Settings):
    """Dates at which `appetence backtest` makes the models again as of then: how many, and months between them."""

    tests: Annotated[int, Field(ge=1, le=60)] = 6
    spacing: Annotated[int, Field(ge=1, le=24)] = 6


class TrackingSettings(Settings):
    """Where MLflow keeps runs and models: `mlflow.db` and `artifacts/` below this folder."""

    directory: PathText = "mlruns"
