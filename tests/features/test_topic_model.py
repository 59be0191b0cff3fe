from __future__ import annotations

import json
import math

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.feature_extraction.text import TfidfVectorizer

from appetence.explain.wording import say
from appetence.features.topic_model import TopicModel, is_topic
from appetence.features.words import plain, runs

WORDS = ("cher", "frais", "maison", "pret", "reclamation")
MODEL = TopicModel(
    known_before="2021-01-01",
    words=WORDS,
    spellings=("cher", "frais", "maison", "prêt", "réclamation"),
    idf=(1.5, 1.2, 2.0, 2.25, 1.0),
    components=((0.6, 0.7, 0.1, 0.1, 0.3), (0.5, 0.3, -0.7, -0.4, 0.0)),
)
TEXTS = [
    "Frais, FRAIS, frais : trop cher !",
    "une réclamation",
    "Maison et prêt ; prêt",
    "rien de connu",
    "",
    "'; DROP TABLE clients; -- <script>cher</script> \x00 " + "maison " * 500,
]


def place(text):
    """Go through the words one by one."""
    found = [plain(run) for run in runs(text)]
    weights = [
        (1 + math.log(found.count(w))) * idf if w in found else 0.0 for w, idf in zip(WORDS, MODEL.idf, strict=True)
    ]
    length = math.sqrt(sum(weight**2 for weight in weights)) or 1.0
    return [sum(w / length * c for w, c in zip(weights, topic, strict=True)) for topic in MODEL.components]


def test_a_message_is_placed_word_by_word():
    np.testing.assert_allclose(MODEL.transform(TEXTS), [place(text) for text in TEXTS], rtol=0, atol=1e-14)
    assert MODEL.transform(["rien de connu"]).tolist() == [[0.0, 0.0]]
    assert MODEL.transform([]).shape == (0, 2)


def test_it_is_the_tfidf_of_scikit_learn():
    tfidf = TfidfVectorizer(
        analyzer=lambda text: [plain(run) for run in runs(text)], vocabulary=WORDS, sublinear_tf=True
    )
    tfidf.idf_ = np.array(MODEL.idf)
    expected = tfidf.transform(TEXTS) @ np.array(MODEL.components).T
    np.testing.assert_allclose(MODEL.transform(TEXTS), expected, rtol=0, atol=1e-14)


def test_what_is_read_back_is_the_same_to_the_bit():
    again = TopicModel.model_validate_json(MODEL.model_dump_json())
    assert again == MODEL
    assert hash(again) == hash(MODEL)
    np.testing.assert_array_equal(again.transform(TEXTS), MODEL.transform(TEXTS))


def test_a_message_has_the_same_place_whatever_stands_beside_it():
    together = MODEL.transform(TEXTS)
    for text, row in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(MODEL.transform([text])[0], row)


HOSTILE = {
    "unknown key": {"extra": 1},
    "another format": {"format": 2},
    "no day": {"known_before": "tomorrow"},
    "markup for a word": {"words": ["<b>", *WORDS[1:]]},
    "a word twice": {"words": ["cher", "cher", *WORDS[2:]]},
    "words unsorted": {"words": list(WORDS[::-1])},
    "no words": {"words": [], "spellings": [], "idf": [], "components": [[]]},
    "too many words": {"words": ["abc"] * 1_001},
    "a spelling of another word": {"spellings": ["chef", *MODEL.spellings[1:]]},
    "a spelling that hides text": {"spellings": ["cher\u202e", *MODEL.spellings[1:]]},
    "a frequency too few": {"idf": [1.0] * 4},
    "a frequency below zero": {"idf": [-1.0] * 5},
    "a weight too many": {"components": [[0.1] * 6]},
    "a weight above one": {"components": [[1.5, 0.0, 0.0, 0.0, 0.0]]},
    "text for a weight": {"components": [["1", 0.0, 0.0, 0.0, 0.0]]},
    "no topics": {"components": []},
    "a topic without words": {"components": [[-0.1] * 5]},
    "too many topics": {"components": [[0.1] * 5] * 33},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_topic_model_is_refused(change):
    with pytest.raises(ValidationError):
        TopicModel.model_validate_json(json.dumps(json.loads(MODEL.model_dump_json()) | change))


def test_a_topic_is_told_by_the_words_of_the_end_it_is_near():
    first, second = MODEL.features()
    assert [first.name, second.name] == ["message_topic_1", "message_topic_2"]
    assert first.fr.negative is None
    assert (
        say(second, 0.31, "fr") == "Les messages des 12 derniers mois ressemblent à\u00a0: cher, frais (intensité 0,31)"
    )
    assert say(second, -0.31, "fr") == (
        "Les messages des 12 derniers mois ressemblent à\u00a0: maison, prêt (intensité 0,31)"
    )
    assert say(second, -0.31, "en") == "Messages of the last 12 months resemble: maison, prêt (strength 0.31)"
    assert say(second, 0.0, "en") == "Messages of the last 12 months resemble neither: cher, frais nor: maison, prêt"
    assert say(first, 0.0, "fr") == "Les messages des 12 derniers mois n’évoquent ni\u00a0: frais, cher, réclamation"
    assert say(first, None, "en") == "No message in the last 12 months"
    assert say(first, None, "fr") == "Aucun message au cours des 12 derniers mois"


def test_names_of_topics_are_told_from_others():
    assert all(map(is_topic, MODEL.names()))
    assert not any(map(is_topic, ("fees_mentions_12m", "message_topic_", "message_topic_1x", "my_message_topic_1")))
