"""A stored model: three to five text files that can be read, checked and refused.

`model.txt` is LightGBM's text format, `contract.json` says what the model answers and how its inputs are coded, and
`golden.json` holds made-up rows with the probabilities that the model gave them when it was made: whatever differs on
another machine, in another version or after a change of the files shows there before a client is scored. A model that
reads topics of messages keeps in `topics.json` how they are computed: they are its own. A model of erosion also says
which share of the money leaves: with trees of its own in `severity.txt`, or a mean in the contract.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, Field, ValidationError, model_validator

from appetence.errors import ArtefactError
from appetence.features.topic_model import TopicModel, is_topic
from appetence.models.classifier import PropensityClassifier
from appetence.models.golden import Golden, Probability, Stored
from appetence.models.kinds import kind_of, product_of
from appetence.models.severity import Severity

MODEL_FILE, CONTRACT_FILE, GOLDEN_FILE, TOPICS_FILE = "model.txt", "contract.json", "golden.json", "topics.json"
SEVERITY_FILE = "severity.txt"
GOLDEN_TOLERANCE = 1e-9
LARGEST_FILE = 256 * 2**20
"""Bytes; a text model of thousands of trees stays far below."""
LARGEST_TOPICS = 4 * 2**20
"""Bytes; 32 topics of 1,000 words, at their longest, take less than a fifth."""

_SHOWN = 200  # characters of a foreign error's text

Floats = npt.NDArray[np.float64]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


StoredT = TypeVar("StoredT", bound=BaseModel)


class Origins(Stored):
    """What a model was made from: cuts, the months in which a row's weight halved (if any), and the code's version."""

    code_version: str
    fitted_on: tuple[Day, ...]
    calibrated_on: tuple[Day, ...]
    label_window: str
    book_fingerprint: str
    half_life: Annotated[int, Field(ge=1)] | None = None


class Loss(Stored):
    """What a model of erosion says of money: see `appetence.models.severity`."""

    threshold: Annotated[float, Field(gt=0, le=1)]
    min_balance: Annotated[float, Field(gt=0)]
    mean_share: Probability
    classifier: dict[str, Any] | None


class Contract(Stored):
    """What a model answers, as stored in `contract.json`.

    `definition` is a hash of what a firm's own question asked when the model was made; empty for other kinds.
    """

    format: Literal[1] = 1
    kind: Literal["classifier", "constant"]
    question: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,39}|(buy|rebuy):.+)$", max_length=300)]
    product_id: str | None
    definition: str = ""
    horizon: Annotated[int, Field(ge=1)]
    gap: Annotated[int, Field(ge=0)]
    features: tuple[str, ...]
    classifier: dict[str, Any] | None
    probability: Probability | None
    origins: Origins
    metrics: dict[str, float]
    verdict: str
    loss: Loss | None = None

    @model_validator(mode="after")
    def _whole(self) -> Contract:
        if (self.kind == "classifier") != (self.classifier is not None and self.probability is None):
            raise ValueError("a classifier holds its contract and no probability; a constant holds a probability only")
        if self.product_id != product_of(self.question):
            raise ValueError("the question names another product: buy:<product_id> has one, attrition has none")
        if (self.loss is None) != (kind_of(self.question) != "erosion"):
            raise ValueError("erosion says which share of the money leaves, and no other question does")
        if self.kind == "constant" and self.loss is not None and self.loss.classifier is not None:
            raise ValueError("beside a constant stands a mean share, which reads no feature")
        if self.kind == "constant" and self.features:
            raise ValueError("a constant reads no feature")
        if len(set(self.features)) != len(self.features):
            raise ValueError("a feature is named twice")
        return self


@dataclass(frozen=True)
class Artefact:
    """A model with what it answers.

    Attributes
    ----------
    contract
        Question, window, features, origins, metrics and verdict.
    golden
        Rows with the probabilities expected of them.
    classifier
        None for a constant.
    topics
        How the topics are computed that the model reads; None where it reads none.
    severity
        Which share of the money leaves; None where the question is not about money.
    """

    contract: Contract
    golden: Golden
    classifier: PropensityClassifier | None
    topics: TopicModel | None = None
    severity: Severity | None = None

    @property
    def question(self) -> str:
        """`attrition`, `buy:<product_id>` and others: see `appetence.models.kinds`."""
        return self.contract.question

    @property
    def kind(self) -> str:
        """`classifier` or `constant`."""
        return self.contract.kind

    @property
    def horizon(self) -> int:
        """Months of the label window."""
        return self.contract.horizon

    @property
    def gap(self) -> int:
        """Months between the cut and the label window."""
        return self.contract.gap

    @property
    def features(self) -> tuple[str, ...]:
        """Features read, in order."""
        return self.contract.features

    @property
    def probability(self) -> float | None:
        """The probability that a constant gives to everyone; None for a classifier."""
        return self.contract.probability

    @property
    def verdict(self) -> str:
        """How the model did out of time, in one sentence."""
        return self.contract.verdict

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return (n,) probabilities for the rows of a feature matrix; columns beyond `features` are ignored.

        Raises
        ------
        ArtefactError
            A feature that the model reads is missing.
        """
        if self.classifier is None:
            return np.full(len(X), self.contract.probability, dtype=np.float64)
        self._check_features(X)
        return np.asarray(self.classifier.predict_proba(X[list(self.features)])[:, 1], dtype=np.float64)

    def predict_share(self, X: pd.DataFrame) -> Floats:
        """Return (n,) the share of the balances that leaves where erosion happens.

        Raises
        ------
        ArtefactError
            A feature that the model reads is missing, or the question is not about money.
        """
        if self.severity is None:
            raise ArtefactError(f"The model for {self.question} must be about money", "no share of it is stored")
        self._check_features(X)
        return self.severity.share(X)

    def _check_features(self, X: pd.DataFrame) -> None:
        missing = [name for name in self.features if name not in X.columns]
        if missing:
            raise ArtefactError(f"The model for {self.question} must get all its features", f"none of {missing}")

    def check_golden(self) -> None:
        """Score the golden rows and compare.

        Raises
        ------
        ArtefactError
            Where a probability, or a share of the money, is off by more than 1e-9.
        """
        expected = np.array([*self.golden.probabilities, *(self.golden.shares or ())])
        if (self.golden.shares is None) != (self.severity is None):
            raise ArtefactError(f"{GOLDEN_FILE} must hold shares of the money where the model for erosion tells them")
        try:
            X = self.golden.frame()
            found = self.predict(X)
            if self.severity is not None:
                found = np.concatenate([found, self.predict_share(X)])
        except Exception as error:  # as in `load`: what the parts cannot score together is not a model
            message = f"{type(error).__name__}: {str(error)[:_SHOWN]}"
            raise ArtefactError(f"The model for {self.question} must score its golden rows", message) from error
        off = float(np.abs(found - expected).max())
        if not off <= GOLDEN_TOLERANCE:
            raise ArtefactError(
                f"The model for {self.question} must give its golden rows the probabilities stored with them",
                f"a difference of {off:.3g}",
                "The files were altered, or another LightGBM reads them differently: train again",
            )

    def save(self, directory: Path) -> list[str]:
        """Write the files into an existing directory and return their names."""
        names = [CONTRACT_FILE, GOLDEN_FILE]
        (directory / CONTRACT_FILE).write_text(_json(self.contract), encoding="utf-8")
        (directory / GOLDEN_FILE).write_text(_json(self.golden), encoding="utf-8")
        if self.classifier is not None:
            (directory / MODEL_FILE).write_text(self.classifier.to_parts()[0], encoding="utf-8")
            names.append(MODEL_FILE)
        if self.severity is not None and self.severity.model is not None:
            (directory / SEVERITY_FILE).write_text(self.severity.model.to_parts()[0], encoding="utf-8")
            names.append(SEVERITY_FILE)
        if self.topics is not None:
            (directory / TOPICS_FILE).write_text(_json(self.topics), encoding="utf-8")
            names.append(TOPICS_FILE)
        return names

    @classmethod
    def load(cls, directory: Path) -> Artefact:
        """Read the files of a directory.

        Raises
        ------
        ArtefactError
            A file is missing, too large, not text, or not what it should be.

        Notes
        -----
        LightGBM aborts the whole process on some corrupt models: read files of unknown origin through
        `appetence.models.registry`, which tries them in another process first.
        """
        contract = _read(Contract, directory / CONTRACT_FILE)
        golden = _read(Golden, directory / GOLDEN_FILE)
        severity = _severity(directory, contract)
        if contract.classifier is None:
            return cls(contract, golden, None, None, severity)
        classifier = _classifier(directory / MODEL_FILE, contract.classifier)
        if names_of(classifier) != contract.features:
            raise ArtefactError(f"{CONTRACT_FILE} must name the features that the model reads, in order")
        return cls(contract, golden, classifier, _topics(directory, contract), severity)


def names_of(classifier: PropensityClassifier) -> tuple[str, ...]:
    """Return the features that a classifier reads, in order."""
    return tuple(str(name) for name in classifier.feature_names_in_)


def _classifier(path: Path, parts: dict[str, Any]) -> PropensityClassifier:
    text = _text(path)
    try:
        classifier = PropensityClassifier.from_parts(text, parts)
        names_of(classifier)
    except ArtefactError:
        raise
    except Exception as error:  # any failure of a parser on a foreign file means the same: refuse it
        message = f"{type(error).__name__}: {str(error)[:_SHOWN]}"
        raise ArtefactError(f"{path.name} and {CONTRACT_FILE} must hold a classifier", message) from error
    return classifier


def _severity(directory: Path, contract: Contract) -> Severity | None:
    """Read which share of the money leaves; it reads no feature that the model does not."""
    loss = contract.loss
    if loss is None:
        return None
    model = None if loss.classifier is None else _classifier(directory / SEVERITY_FILE, loss.classifier)
    if model is not None and not set(names_of(model)) <= set(contract.features):
        raise ArtefactError(f"{SEVERITY_FILE} must read features that {CONTRACT_FILE} names")
    return Severity(loss.threshold, loss.mean_share, model)


def _topics(directory: Path, contract: Contract) -> TopicModel | None:
    """Read the topics that a model's contract names; they must be those of the model's own dates."""
    read = {name for name in contract.features if is_topic(name)}
    if not read:
        return None
    topics = _read(TopicModel, directory / TOPICS_FILE, LARGEST_TOPICS)
    if read != set(topics.names()) or topics.known_before != max(contract.origins.fitted_on, default=""):
        raise ArtefactError(f"{TOPICS_FILE} must hold the topics that {CONTRACT_FILE} names, known at its dates")
    return topics


def read_contract(path: Path) -> Contract | None:
    """Return what a stored model says of itself, to show it; None where it cannot be read. Nothing is verified."""
    try:
        return _read(Contract, path)
    except ArtefactError:
        return None


def _json(stored: BaseModel) -> str:
    return json.dumps(stored.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)


def _text(path: Path, largest: int = LARGEST_FILE) -> str:
    try:
        if path.stat().st_size > largest:
            raise ArtefactError(f"{path.name} must be smaller than {largest} bytes", path.stat().st_size)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtefactError(f"A stored model must hold {path.name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{path.name} must be readable UTF-8 text", type(error).__name__) from None


def _read(kind: type[StoredT], path: Path, largest: int = LARGEST_FILE) -> StoredT:
    try:
        return kind.model_validate_json(_text(path, largest))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or path.name
        raise ArtefactError(f"{path.name} must be part of a stored model", f"{place}: {first['msg']}") from None
    except RecursionError:
        raise ArtefactError(f"{path.name} must not be nested deeply") from None
