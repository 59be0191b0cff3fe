from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from appetence.book import open_book
from appetence.book.simulate import simulate
from appetence.config import (
    Asking,
    AttritionSettings,
    BookSettings,
    ErosionSettings,
    FeatureSettings,
    NextProductSettings,
    SimulateSettings,
    TrainingSettings,
)
from appetence.features.topic_model import TopicModel
from appetence.models.artefact import Artefact, Contract, Golden, Origins
from appetence.models.classifier import PropensityClassifier
from appetence.models.dataset import Labelled, Snapshots
from appetence.models.golden import make_golden
from appetence.models.training import TrainingResult, train_questions


def feature_rows(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of all types, with missing values, and labels that depend on them."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "tenure_months": rng.integers(0, 200, n).astype(float),
            "balance": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(8, 1, n)),
            "channel": pd.Series(rng.choice(["app", "branch", "phone"], n), dtype="str"),
            "complained": rng.random(n) < 0.2,
        }
    )
    interaction = 2.5 * (X["complained"] & (X["tenure_months"] < 60)) - 2.0 * ((X["tenure_months"] // 40) % 2)
    score = -1.0 - 0.01 * X["tenure_months"] + interaction + 0.8 * (X["channel"] == "app")
    return X, (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int)


def origins() -> Origins:
    return Origins(
        code_version="0.1.0",
        fitted_on=("2023-01-01", "2023-04-01"),
        calibrated_on=("2023-07-01",),
        label_window="[cut + 0, cut + 6) months",
        book_fingerprint="f" * 64,
    )


@pytest.fixture(scope="session")
def artefact() -> Artefact:
    """A small classifier for attrition."""
    X, y = feature_rows(2_000, 1)
    classifier = PropensityClassifier(max_rounds=30, n_jobs=1).fit(X, y).calibrate(*feature_rows(1_000, 2))
    _, parts = classifier.to_parts()
    contract = Contract(
        kind="classifier",
        question="attrition",
        product_id=None,
        horizon=6,
        gap=0,
        features=tuple(X.columns),
        classifier=parts,
        probability=None,
        origins=origins(),
        metrics={"auc": 0.7},
        verdict="beats its baselines",
    )
    return Artefact(contract, make_golden(classifier, X, seed=3), classifier)


@pytest.fixture(scope="session")
def constant() -> Artefact:
    """The base rate of a product."""
    contract = Contract(
        kind="constant",
        question="buy:home_loan",
        product_id="home_loan",
        horizon=6,
        gap=0,
        features=(),
        classifier=None,
        probability=0.0125,
        origins=origins(),
        metrics={},
        verdict="not modelled: 12 buyers, 50 needed",
    )
    return Artefact(contract, Golden(rows={}, probabilities=[0.0125]), None)


TOPICS = TopicModel(
    known_before="2023-04-01",
    words=("cher", "frais", "maison"),
    spellings=("cher", "frais", "maison"),
    idf=(1.5, 1.25, 2.0),
    components=((0.6, 0.8, 0.0), (0.0, -0.1, 0.9)),
)


@pytest.fixture(scope="session")
def topical(artefact: Artefact) -> Artefact:
    """The same with a classifier that reads two topics of messages beside."""
    X, y = feature_rows(2_000, 1)
    rng = np.random.default_rng(4)
    X = X.assign(**{name: np.where(rng.random(2_000) < 0.3, np.nan, rng.normal(size=2_000)) for name in TOPICS.names()})
    classifier = PropensityClassifier(max_rounds=10, n_jobs=1).fit(X, y)
    parts = {"features": tuple(X.columns), "classifier": classifier.to_parts()[1]}
    contract = artefact.contract.model_copy(update=parts)
    return Artefact(contract, make_golden(classifier, X, seed=3), classifier, TOPICS)


@pytest.fixture
def saved(artefact: Artefact, tmp_path: Path) -> Path:
    """A directory with the classifier's files."""
    directory = tmp_path / "saved"
    directory.mkdir()
    artefact.save(directory)
    return directory


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Path:
    """The directory of a small simulated book: 30 months."""
    directory = tmp_path_factory.mktemp("simulated")
    simulate(SimulateSettings(clients=1_200, months=30, seed=11), directory)
    return directory


SMALL = TrainingSettings(tests=1, bootstrap=20, parameters={"max_rounds": 20})


@pytest.fixture(scope="session")
def trained(simulated) -> TrainingResult:
    """A training on that book: attrition, erosion, a product with buyers enough, and one without."""
    with open_book(BookSettings(directory=str(simulated))) as book:
        return train_questions(
            book,
            Asking(
                attrition=AttritionSettings(min_events=20),
                erosion=ErosionSettings(min_events=20),
                next_product=NextProductSettings(min_buyers=30),
            ),
            FeatureSettings(groups=("tenure", "holdings", "balances", "interactions")),
            SMALL,
            only={"attrition", "erosion", "buy:livret_a", "buy:pel"},
        )


@pytest.fixture(scope="session")
def make_labelled() -> Callable[..., Labelled]:
    """Return the function that makes rows."""
    return labelled_rows


def labelled_rows(n: int = 3_000, seed: int = 5, rate: float | None = None) -> Labelled:
    """Rows of clients at two cuts, two to a household; labels that depend on the features, or on nothing."""
    X, y = feature_rows(n, seed)
    X = X.rename(columns={"tenure_months": "tenure"})
    if rate is not None:
        y = (np.random.default_rng(seed + 1).random(n) < rate).astype(int)
    client = np.arange(n, dtype=np.int64) // 2
    cut = np.where(np.arange(n) % 2 == 0, np.datetime64("2023-01-01"), np.datetime64("2023-07-01"))
    cut = cut.astype("datetime64[D]")
    keys = pd.MultiIndex.from_arrays([client.astype(str), cut.astype("datetime64[s]")])
    snapshots = Snapshots(X, keys, cut, client, client // 2, (client // 2) % 4 == 0)
    return Labelled(snapshots, np.arange(n, dtype=np.int64), y.astype(np.int64))
