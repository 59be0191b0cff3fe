"""Topics of messages for a training: one topic model per date at which a model could have been made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import pyarrow as pa
from threadpoolctl import threadpool_limits

from appetence.book import Book
from appetence.config import FeatureSettings
from appetence.features.topic_fit import fit_topics
from appetence.features.topic_model import GROUP
from appetence.features.topics import build_topics, why_no_topics
from appetence.models.blocks import Blocks
from appetence.models.dataset import TopicColumns


def learn_topics(
    book: Book, spine: pa.Table, planned: Iterable[Blocks], settings: FeatureSettings
) -> tuple[Mapping[dt.date, TopicColumns], tuple[tuple[str, str], ...]]:
    """Fit a topic model per newest fit cut, and compute its features for all snapshots.

    Calibration and test cuts lie later, so that what was written by then is not learnt from. Questions of the same
    window share their dates, and so their topics.

    Parameters
    ----------
    spine
        The snapshots, in their order.
    planned
        The blocks of all questions.

    Returns
    -------
    tuple
        {newest fit cut: topics}; and why there are none, or none at a date.
    """
    if not settings.reads_topics:
        return {}, ()
    missing = why_no_topics(book, settings)
    if missing is not None:
        return {}, ((GROUP, missing),)
    topics, lacking = {}, []
    for cut in sorted({max(origin.fit) for blocks in planned for origin in (*blocks.tests, blocks.final)}):
        with threadpool_limits(1):  # more threads may add in another order, and the last bits would differ
            model = fit_topics(book, cut, settings.topics.components)
        if isinstance(model, str):
            lacking.append((GROUP, model))
        else:
            topics[cut] = TopicColumns(model, build_topics(book, spine, model).frame())
    return topics, tuple(lacking)
