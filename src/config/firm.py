"""A firm's whole configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from appetence.config.book import BookSettings
from appetence.config.features import FeatureSettings
from appetence.config.questions import (
    Asking,
    AttritionSettings,
    CreditSettings,
    ErosionSettings,
    NextProductSettings,
    OwnQuestion,
    UpliftSettings,
)
from appetence.config.reading import read_settings
from appetence.config.reports import ReportSettings
from appetence.config.scoring import ScenarioSettings, ScoringSettings
from appetence.config.settings import Name, Settings
from appetence.config.training import BacktestSettings, TrackingSettings, TrainingSettings, TuningSettings
from appetence.config.value import ValueSettings


class Config(Settings):
    """A firm's whole configuration."""

    name: Name
    title: str = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    languages: tuple[Literal["fr", "en"], ...] = ("fr", "en")
    book: BookSettings
    features: FeatureSettings = FeatureSettings()
    attrition: AttritionSettings = AttritionSettings()
    erosion: ErosionSettings = ErosionSettings()
    next_product: NextProductSettings = NextProductSettings()
    questions: tuple[OwnQuestion, ...] = ()
    credit: CreditSettings = CreditSettings()
    uplift: UpliftSettings = UpliftSettings()
    training: TrainingSettings = TrainingSettings()
    tuning: TuningSettings = TuningSettings()
    backtest: BacktestSettings = BacktestSettings()
    value: ValueSettings = ValueSettings()
    scoring: ScoringSettings
    scenarios: ScenarioSettings = ScenarioSettings()
    reports: ReportSettings
    tracking: TrackingSettings = TrackingSettings()

    @field_validator("questions")
    @classmethod
    def _questions_once(cls, questions: tuple[OwnQuestion, ...]) -> tuple[OwnQuestion, ...]:
        names = [question.name for question in questions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each question must be named once, not twice: {', '.join(twice)}")
        return questions

    @property
    def asking(self) -> Asking:
        """The settings of all questions, as they are passed inward."""
        return Asking(**{name: getattr(self, name) for name in Asking.model_fields})


def load_config(path: Path | str, env: Mapping[str, str] | None = None) -> Config:
    """Read and check a config file; see `read_settings`."""
    return read_settings(path, Config, "config", env)
