"""Topics of messages: words of many clients, their weights, and what a topic's number says.

A topic model is TF-IDF and a truncated SVD as plain numbers: it is stored with the model that learnt from it, as JSON,
and scores as it was fitted. It holds words that many clients use, and never a text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.sparse import csr_array

from appetence.features.catalogue import Feature, Unit, Wording
from appetence.features.words import plain, runs

GROUP = "topics"
PREFIX = "message_topic_"
MOST_WORDS = 1_000
"""Words of a model; rarer ones weigh next to nothing in its topics."""
MOST_TOPICS = 32

_NAMED = 4  # words that name a topic
_STRONG = 0.25  # of the strongest weight on the same side: a weaker word does not name a topic

Floats = npt.NDArray[np.float64]
Word = Annotated[str, Field(pattern=r"^[a-z]{3,20}$")]
Spelling = Annotated[str, Field(max_length=20)]
Idf = Annotated[float, Field(gt=0, le=100)]
Weight = Annotated[float, Field(ge=-1, le=1)]
Topic = Annotated[tuple[Weight, ...], Field(min_length=1, max_length=MOST_WORDS)]


class TopicModel(BaseModel):
    """A fitted topic model, as stored in `topics.json`.

    Attributes
    ----------
    known_before
        The cut before which the messages were known that it was fitted on.
    words
        The w words counted, in plain letters, sorted.
    spellings
        How each is mostly spelt, accents included.
    idf
        Shape (w,): the inverse document frequency.
    components
        Shape (k, w): the right singular vectors, the strongest weight of each positive.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    format: Literal[1] = 1
    known_before: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    words: Annotated[tuple[Word, ...], Field(min_length=1, max_length=MOST_WORDS)]
    spellings: Annotated[tuple[Spelling, ...], Field(max_length=MOST_WORDS)]
    idf: Annotated[tuple[Idf, ...], Field(max_length=MOST_WORDS)]
    components: Annotated[tuple[Topic, ...], Field(min_length=1, max_length=MOST_TOPICS)]

    @model_validator(mode="after")
    def _whole(self) -> TopicModel:
        size = len(self.words)
        if list(self.words) != sorted(set(self.words)):
            raise ValueError("words are sorted, and each is there once")
        if any(len(part) != size for part in (self.spellings, self.idf, *self.components)):
            raise ValueError("there are as many spellings, frequencies and weights as words")
        if [plain(spelling) for spelling in self.spellings] != list(self.words):
            raise ValueError("each spelling is one of its word")
        if not all(max(topic) > 0 for topic in self.components):
            raise ValueError("each topic has a weight above zero")
        return self

    def names(self) -> tuple[str, ...]:
        """Return the names of its features, one per topic."""
        return tuple(f"{PREFIX}{number}" for number in range(1, len(self.components) + 1))

    def features(self) -> tuple[Feature, ...]:
        """Return its features with the words that name each topic."""
        return tuple(_feature(name, *self._poles(k)) for k, name in enumerate(self.names()))

    def transform(self, texts: Iterable[str]) -> Floats:
        """Return (n, k) numbers, k per message: its place on each topic, from -1 to 1.

        A word that a message holds c times counts (1 + log c) · idf; a message's counts are scaled to length 1 and
        projected on the components. A message without any of the words is 0 everywhere.
        """
        counts = self._counts(texts)
        counts.data = (1.0 + np.log(counts.data)) * np.array(self.idf)[counts.indices]
        row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        length = np.sqrt(np.bincount(row, counts.data**2, minlength=counts.shape[0]))
        length[length == 0] = 1.0
        places: Floats = (counts @ np.array(self.components).T) / length[:, np.newaxis]
        return places

    def _counts(self, texts: Iterable[str]) -> csr_array:
        place = {word: j for j, word in enumerate(self.words)}
        columns: list[int] = []
        times: list[int] = []
        ends = [0]
        for text in texts:
            found = Counter(place[word] for word in map(plain, runs(text)) if word in place)
            ordered = sorted(found)  # one order of adding up, so that the same words give the same bits
            columns += ordered
            times += [found[j] for j in ordered]
            ends.append(len(columns))
        data = (np.array(times, dtype=np.float64), np.array(columns, dtype=np.int64), np.array(ends, dtype=np.int64))
        return csr_array(data, shape=(len(ends) - 1, len(self.words)))

    def _poles(self, k: int) -> tuple[str, str]:
        """Return the words at the positive end of a topic and at its negative end; the second may be none."""
        weights = np.array(self.components[k])
        return self._strongest(weights), self._strongest(-weights)

    def _strongest(self, weights: Floats) -> str:
        order = np.argsort(-weights, kind="stable")[:_NAMED]
        return ", ".join(self.spellings[j] for j in order if weights[j] > max(_STRONG * weights[order[0]], 0.0))


def is_topic(feature: str) -> bool:
    """Say whether a feature is a topic, which only the topic model of its own model can compute."""
    return re.fullmatch(PREFIX + r"\d+", feature) is not None


def _feature(name: str, these: str, those: str) -> Feature:
    """Return a topic's feature: above zero messages resemble these words, below zero those."""
    en, fr = "Messages of the last 12 months", "Les messages des 12 derniers mois"
    return Feature(
        name,
        GROUP,
        "messages",
        Unit.SCORE,
        Wording(
            f"Topic of messages: {these}",
            f"{en} resemble: {these} (strength {{value}})",
            negative=f"{en} resemble: {those} (strength {{value}})" if those else None,
            zero=f"{en} resemble neither: {these}{f' nor: {those}' if those else ''}",
            missing="No message in the last 12 months",
        ),
        Wording(
            f"Sujet des messages : {these}",
            f"{fr} ressemblent à : {these} (intensité {{value}})",
            negative=f"{fr} ressemblent à : {those} (intensité {{value}})" if those else None,
            zero=f"{fr} n’évoquent ni : {these}{f' ni : {those}' if those else ''}",
            missing="Aucun message au cours des 12 derniers mois",
        ),
        needs=("interactions.text",),
    )
