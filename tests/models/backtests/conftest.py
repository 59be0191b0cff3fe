from __future__ import annotations

import pytest

from appetence.book import open_book
from appetence.config import (
    Asking,
    AttritionSettings,
    BacktestSettings,
    BookSettings,
    ErosionSettings,
    FeatureSettings,
    NextProductSettings,
    TrainingSettings,
)
from appetence.models.backtests.backtest import backtest_questions
from appetence.models.backtests.result import BacktestResult


@pytest.fixture(scope="session")
def backtested(simulated) -> BacktestResult:
    """A backtest of attrition, of erosion, and of a product without buyers enough, on a small simulated book."""
    with open_book(BookSettings(directory=str(simulated))) as book:
        return backtest_questions(
            book,
            Asking(
                attrition=AttritionSettings(horizon=3, min_events=20),
                erosion=ErosionSettings(horizon=3, min_events=20),
                next_product=NextProductSettings(min_buyers=5_000),
            ),
            FeatureSettings(groups=("tenure", "holdings", "balances", "person")),
            TrainingSettings(bootstrap=20, parameters={"max_rounds": 15}),
            BacktestSettings(tests=3, spacing=3),
            only={"attrition", "erosion", "buy:pel"},
        )
