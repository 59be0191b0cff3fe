from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata

import numpy as np
import pytest

from appetence.features import topic_fit
from appetence.features.topic_fit import FEWEST_CLIENTS, fit_topics
from appetence.features.topic_model import TopicModel
from appetence.features.words import STOP_WORDS

CUT = dt.date(2021, 7, 1)


def known(rows, cut=CUT):
    return [row for row in rows if row["text"] and row["at"] < cut and (row["known_on"] or row["at"]) < cut]


def words_of(text):
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe"))
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return [word for word in re.split(r"[^a-z0-9]+", letters) if word]


def slow_topics(rows, components):
    """TF-IDF in plain loops over dense rows, and NumPy's full SVD."""
    documents, users = {}, {}
    for row in known(rows):
        documents.setdefault(row["client_id"], []).extend(words_of(row["text"]))
        for word in words_of(row["text"]):
            users.setdefault(word, set()).add(row["client_id"])
    kept = sorted(
        w for w, who in users.items() if len(who) >= 20 and 3 <= len(w) <= 20 and w.isalpha() and w not in STOP_WORDS
    )
    idf = {word: math.log((1 + len(documents)) / (1 + len(users[word]))) + 1 for word in kept}
    matrix = []
    for words in documents.values():
        row = [(1 + math.log(words.count(w))) * idf[w] if w in words else 0.0 for w in kept]
        length = math.sqrt(sum(x * x for x in row)) or 1.0
        matrix.append([x / length for x in row])
    topics = np.linalg.svd(np.array(matrix), full_matrices=False)[2][:components]
    return kept, [idf[word] for word in kept], [topic * np.sign(topic[np.argmax(np.abs(topic))]) for topic in topics]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_topics_against_the_oracle(seed, messages, message_book):
    rows = messages(seed)
    words, idf, topics = slow_topics(rows, 3)
    found = fit_topics(message_book(rows), CUT, 3)
    assert list(found.words) == words
    assert len(words) == 24
    np.testing.assert_allclose(found.idf, idf, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.components, topics, rtol=0, atol=1e-5)
    assert found.known_before == "2021-07-01"
    assert {"réclamation", "prêt", "œuvre", "dégât"} <= set(found.spellings)


def test_what_became_known_later_changes_nothing(messages, message_book):
    rows = messages(4)
    later = [row for row in rows if row not in known(rows) and row["text"]]
    assert len(later) > 50
    found = fit_topics(message_book(rows), CUT, 5)
    assert found == fit_topics(message_book(known(rows)), CUT, 5)
    noise = [row | {"text": "tout autre chose " * 9} if row in later else row for row in reversed(rows)]
    assert found == fit_topics(message_book(noise), CUT, 5)


def test_the_messages_drawn_are_the_same_whatever_comes_later(messages, message_book, monkeypatch):
    monkeypatch.setattr(topic_fit, "MOST_MESSAGES", 250)
    rows = messages(5)
    found = fit_topics(message_book(rows), CUT, 3)
    assert found == fit_topics(message_book(known(rows)[::-1]), CUT, 3)
    monkeypatch.setattr(topic_fit, "MOST_MESSAGES", 10_000)
    assert found != fit_topics(message_book(rows), CUT, 3)


def said_by(clients, text):  # by c0, c1, …
    return [
        {
            "interaction_id": f"{text} {n}",
            "client_id": f"c{n}",
            "at": dt.date(2020, 5, 1),
            "known_on": None,
            "text": text,
        }
        for n in range(clients)
    ]


def test_no_rare_word_and_no_name_is_kept(messages, message_book):
    rows = messages(6) + said_by(FEWEST_CLIENTS, "parapluie de Éléonore D'Aubigné et Béranger FR76123 jean@petit.fr")
    rows += said_by(FEWEST_CLIENTS - 1, "secret") + 40 * said_by(1, "confidence")
    for number, row in enumerate(rows):
        row["interaction_id"] = f"i{number}"
    clients = [{"client_id": f"c{n}", "name": "Eleonore d’AUBIGNE" if n == 7 else None} for n in range(30)]
    book = message_book(rows, clients=clients, advisors=[{"advisor_id": "a", "name": "Zoé Béranger-Petit"}])
    found = fit_topics(book, CUT, 3)
    assert {"parapluie", "jean"} <= set(found.words)
    assert not {"secret", "confidence", "eleonore", "aubigne", "beranger", "petit", "fr76123", "bonjour"} & set(
        found.words
    )
    assert "secret" not in found.model_dump_json()


def test_a_spelling_of_few_is_not_shown(messages, message_book):
    few = FEWEST_CLIENTS - 1
    rows = messages(7) + said_by(few, "clôture") + [row | {"client_id": "c29"} for row in said_by(1, "cloturé")]
    for number, row in enumerate(rows):
        row["interaction_id"] = f"i{number}"
    found = fit_topics(message_book(rows), CUT, 3)
    spelt = dict(zip(found.words, found.spellings, strict=True))
    assert spelt["cloture"] == "cloture"
    assert spelt["reclamation"] == "réclamation"


def test_too_little_to_learn_from_is_said(messages, message_book):
    few = fit_topics(message_book(messages(8, messages=150)), CUT, 3)
    assert re.fullmatch(r"\d+ messages with a text were known before 2021-07-01, 200 needed", few)
    same = fit_topics(message_book(messages(8, clients=19)), CUT, 3)
    assert same == "0 words of 20 clients were known before 2021-07-01, 20 needed"


def test_there_are_no_more_topics_than_directions(message_book):
    texts = [" ".join(f"mot{a}{b}" for b in "abcdefgh") for a in "xyz"]
    rows = [row | {"client_id": f"{text[:4]}{row['client_id']}"} for text in texts for row in said_by(80, text)]
    found = fit_topics(message_book(rows), CUT, 8)
    assert isinstance(found, TopicModel)
    assert len(found.words) == 24
    assert len(found.components) == 3
