from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from appetence.config import FeatureSettings, TopicSettings
from appetence.features.topic_fit import fit_topics
from appetence.features.topics import build_topics, why_no_topics

CUTS = [dt.date(2020, 2, 1), dt.date(2021, 1, 1), dt.date(2021, 3, 1), dt.date(2021, 12, 1)]


def spine_of(clients, cuts=CUTS):
    pairs = [(f"c{n}", cut) for cut in cuts for n in reversed(range(clients))]
    return pa.table({"client_id": [c for c, _ in pairs], "cut": pa.array([d for _, d in pairs], pa.date32())})


@pytest.fixture
def model(messages, message_book):
    return fit_topics(message_book(messages(1)), dt.date(2021, 3, 1), 4)


def test_means_against_the_oracle(messages, message_book, model, slow):
    rows = messages(2)
    found = build_topics(message_book(rows), spine_of(31), model)
    assert found.features == model.features()
    assert found.data.column_names == ["client_id", "cut", *model.names()]
    told = 0
    for row in found.data.to_pylist():
        cut, places = row["cut"], []
        for message in rows:
            lately = slow.months_earlier(cut, 12) <= message["at"] < cut
            in_time = (message["known_on"] or message["at"]) < cut
            if message["client_id"] == row["client_id"] and message["text"] and lately and in_time:
                places.append(model.transform([message["text"]])[0])
        for k, name in enumerate(model.names()):
            if places:
                assert row[name] == pytest.approx(sum(place[k] for place in places) / len(places), abs=2e-9)
            else:
                assert row[name] is None
        told += bool(places)
    assert 60 < told < found.data.num_rows - 10


def test_what_became_known_after_a_cut_does_not_move_it(messages, message_book, model):
    rows = messages(3)
    cut = dt.date(2021, 3, 1)
    earlier = [row for row in rows if row["at"] < cut and (row["known_on"] or row["at"]) < cut]
    assert len(earlier) < len(rows) - 100
    then, now = (build_topics(message_book(facts), spine_of(30, [cut]), model) for facts in (earlier, rows))
    assert then.data.equals(now.data)


def test_blocks_and_the_order_of_messages_change_no_bit(messages, message_book, model):
    rows = messages(4)
    whole = build_topics(message_book(rows), spine_of(30), model).data
    assert build_topics(message_book(rows[::-1]), spine_of(30), model, block=7).data.equals(whole)
    nobody = build_topics(message_book(rows), spine_of(0), model).data
    assert nobody.schema == whole.schema
    assert nobody.num_rows == 0


def test_a_hostile_text_is_only_a_text(message_book, model):
    text = "'; DROP TABLE clients; -- " + "frais" + "\x00é" * 2000
    rows = [{"interaction_id": "1", "client_id": "c0", "at": dt.date(2020, 12, 1), "known_on": None, "text": text}]
    row = build_topics(message_book(rows), spine_of(1), model).data.to_pylist()[1]
    assert row["message_topic_1"] == pytest.approx(model.transform([text])[0][0], abs=1e-9)


def test_a_book_without_texts_and_a_firm_that_wants_none_read_say_so(make_book, message_book, messages):
    with_texts, all_groups = message_book(messages(5)), FeatureSettings()
    assert why_no_topics(with_texts, all_groups) is None
    assert why_no_topics(make_book(), all_groups) == "the book has no interactions.text"
    assert why_no_topics(make_book({"interactions": [{"client_id": "1"}]}), all_groups) is not None
    for off in (FeatureSettings(topics=TopicSettings(enabled=False)), FeatureSettings(groups=("tenure",))):
        assert "switched off" in why_no_topics(with_texts, off)
