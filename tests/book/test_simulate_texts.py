from __future__ import annotations

import re

import numpy as np

from appetence.book.simulate.names import HOSTILE, client_names
from appetence.book.simulate.texts import TOPICS, VOCABULARY, draw_texts

WORDS = VOCABULARY.to_pylist()


def test_texts_are_of_their_topic() -> None:
    rng = np.random.default_rng(0)
    telling = {
        "complaint": r"satisf|récla|réponse|indemn|erreur|attente|conseiller|application",
        "project_car": r"voit|véhic",
    }
    for topic, pattern in telling.items():
        drawn = draw_texts(rng, np.full(500, TOPICS.index(topic)))
        texts = [WORDS[index] for index in drawn if WORDS[index] not in HOSTILE]
        assert all(re.search(pattern, text.lower()) for text in texts)
        assert len(set(texts)) > 30


def test_no_text_belongs_to_two_topics() -> None:
    assert len(set(WORDS)) == len(WORDS)


def test_hostile_texts_are_rare_but_there() -> None:
    drawn = draw_texts(np.random.default_rng(1), np.zeros(60_000, dtype=np.int64))
    hostile = np.isin(np.array(WORDS)[drawn], HOSTILE).sum()
    assert 5 <= hostile <= 45


def test_names_of_a_household_share_the_last_and_a_few_are_hostile() -> None:
    household = np.repeat(np.arange(600), 2)
    company = np.repeat(np.arange(600) % 12 == 0, 2)
    names = client_names(np.random.default_rng(2), company, household).to_pylist()
    assert sum(name in HOSTILE for name in names) == 3
    couples = [pair for pair in zip(names[::2], names[1::2], strict=True) if not set(pair) & set(HOSTILE)]
    persons = [pair for pair in couples if all(" " in name for name in pair)]
    shared = [left.split(" ", 1)[1] == right.split(" ", 1)[1] for left, right in persons]
    assert np.mean(shared) > 0.9
    assert any("'" in name for name in names)
    assert any("é" in name for name in names)
