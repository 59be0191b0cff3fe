from __future__ import annotations

import unicodedata

import pytest

from appetence.features.expressions import ACCENTED
from appetence.features.topic_model import TopicModel
from appetence.features.words import STOP_WORDS, is_counted, plain, runs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TARIF trop élevé !", ["tarif", "trop", "eleve"]),
        ("L'ÉCHÉANCE d’août", ["echeance", "aout"]),
        (unicodedata.normalize("NFD", "réclamation"), ["reclamation"]),
        ("cœur à cœur", ["coeur", "coeur"]),
        ("FR76 3000 4000 IBAN4U 06.12.34.56.78", []),
        ("Bonjour madame, vous êtes là ? ab", []),
        ("привет 你好 \x00\u202e", []),
        ("x" * 30, []),
        ("", []),
    ],
)
def test_words_that_may_count(text, words):
    assert [plain(run) for run in runs(text) if is_counted(plain(run))] == words


def test_stop_words_are_plain_and_every_accent_has_its_letter():
    assert all(word == plain(word) and word.isascii() for word in STOP_WORDS)
    for letter in ACCENTED:
        assert plain(letter) == unicodedata.normalize("NFKD", letter)[0]


def test_a_word_that_counts_may_stand_in_a_topic_model():
    model = TopicModel(
        known_before="2020-01-01",
        words=("abc", "x" * 20),
        spellings=("âbç", "x" * 20),
        idf=(1, 2),
        components=((1, 0),),
    )
    assert all(map(is_counted, model.words))
