from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from appetence.book import open_book
from appetence.config import (
    AttritionSettings,
    BookSettings,
    FeatureSettings,
    NextProductSettings,
    TopicSettings,
    TrainingSettings,
)
from appetence.features.topic_fit import fit_topics
from appetence.features.topics import build_topics
from appetence.models.blocks import Blocks, Origin, Window
from appetence.models.dataset import TopicColumns
from appetence.models.fitting import Wrapping, fit_fallback, fit_model
from appetence.models.questions import Question
from appetence.models.topics import learn_topics
from appetence.models.training import train_questions
from appetence.models.verdicts import Verdict

FEW = {"max_rounds": 10}
TEXT = FeatureSettings(groups=("tenure", "text"), topics=TopicSettings(components=4))
MAY, JUNE, JULY = dt.date(2022, 5, 1), dt.date(2022, 6, 1), dt.date(2022, 7, 1)
PLANNED = (
    Blocks((Origin(JULY, (MAY,), (JUNE,), JULY),), Origin(JULY, (MAY, JUNE), (JULY,), None)),
    Blocks((Origin(JULY, (MAY, JUNE), (JUNE,), JULY),), Origin(JULY, (JUNE,), (JULY,), None)),
)


@pytest.fixture(scope="module")
def book(simulated):
    with open_book(BookSettings(directory=str(simulated))) as opened:
        yield opened


def spine_of(book, *cuts):
    clients = sorted(book.execute(book.table("clients").select("client_id"))["client_id"].to_pylist())[:200]
    pairs = [(client, cut) for client in clients for cut in cuts]
    return pa.table({"client_id": [c for c, _ in pairs], "cut": pa.array([d for _, d in pairs], pa.date32())})


def test_each_newest_fit_cut_has_topics_known_before_it(book):
    spine = spine_of(book, MAY, JULY)
    topics, lacking = learn_topics(book, spine, PLANNED, TEXT)
    assert lacking == ()
    assert set(topics) == {MAY, JUNE}
    for cut, found in topics.items():
        assert found.model == fit_topics(book, cut, 4)
        assert found.X.equals(build_topics(book, spine, found.model).frame())
    assert topics[MAY].model != topics[JUNE].model


def test_no_message_is_read_where_a_firm_wants_none_read(book):
    spine = spine_of(book, MAY)
    for off in (FeatureSettings(groups=("tenure",)), FeatureSettings(topics=TopicSettings(enabled=False))):
        assert learn_topics(book, spine, PLANNED, off) == ({}, ())


def test_a_book_with_too_few_texts_or_none_says_so(make_book):
    none = make_book({"interactions": [{"client_id": "1"}]})
    spine = pa.table({"client_id": ["1"], "cut": pa.array([MAY], pa.date32())})
    assert learn_topics(none, spine, PLANNED, TEXT) == ({}, (("topics", "the book has no interactions.text"),))
    few = make_book({"interactions": [{"client_id": "1", "text": "trop cher"}]})
    topics, lacking = learn_topics(few, spine, PLANNED, TEXT)
    assert topics == {}
    assert [reason for _, reason in lacking] == [
        f"1 messages with a text were known before {cut}, 200 needed" for cut in (MAY, JUNE)
    ]


@pytest.fixture
def labelled(make_labelled, topical):
    """Rows with topics for models whose newest fit cut is January."""
    rows = make_labelled(3_000)
    topic = np.random.default_rng(1).normal(size=(3_000, 2))
    X = rows.X.iloc[:, :0].assign(**dict(zip(topical.topics.names(), topic.T, strict=True)))
    topics = {dt.date(2023, 1, 1): TopicColumns(topical.topics, X)}
    return replace(rows, snapshots=replace(rows.snapshots, topics=topics))


JANUARY, SUMMER = dt.date(2023, 1, 1), dt.date(2023, 7, 1)
FITTED = Origin(dt.date(2024, 1, 1), (JANUARY,), (SUMMER,), None)


def test_rows_read_the_topics_of_the_origin_and_of_no_other(labelled):
    plain = tuple(labelled.snapshots.X.columns)
    assert labelled.features == plain
    there = labelled.at(FITTED)
    assert there.features == (*plain, "message_topic_1", "message_topic_2")
    block = there.block([SUMMER], held_out=True)
    assert tuple(block.X.columns) == block.features
    topics = labelled.snapshots.topics[JANUARY].X
    np.testing.assert_array_equal(block.X["message_topic_2"], topics["message_topic_2"].to_numpy()[block.rows])
    assert there.at(Origin(SUMMER, (SUMMER,), (SUMMER,), None)).features == plain


def test_a_model_that_reads_topics_is_stored_with_them_and_its_fallback_is_not(labelled):
    question = Question("attrition", None, Window(6), 50, ())
    wrapping = Wrapping(question, FITTED, "f" * 64, {}, Verdict("wins", "gagne"), 7)
    made = wrapping.classifier(fit_model(labelled, FITTED, FEW, 7), labelled)
    made.check_golden()
    assert made.features[-2:] == ("message_topic_1", "message_topic_2")
    assert made.topics == labelled.snapshots.topics[JANUARY].model
    fallback = fit_fallback(wrapping, labelled, 3, 0.0, FEW)
    assert (fallback.features, fallback.topics) == (("tenure",), None)


def test_a_training_learns_topics_at_each_of_its_dates(book):
    small = TrainingSettings(tests=1, bootstrap=20, parameters=FEW)
    result = train_questions(book, AttritionSettings(min_events=20), NextProductSettings(enabled=False), TEXT, small)
    model = result.outcomes["attrition"].model
    assert model.topics.known_before == max(model.contract.origins.fitted_on)
    assert len(result.facts["topics"]) == 2
    assert max(result.facts["topics"]) == model.topics.known_before
    assert set(model.topics.names()) <= set(model.features)
    assert not set(model.topics.names()) & set(result.facts["features"])
    model.check_golden()
