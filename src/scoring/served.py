"""Rows for a model that is served outside the job: by MLflow, over HTTP or on Spark."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.spine import SPINE
from appetence.config import FeatureSettings
from appetence.features.pipeline import build_features
from appetence.features.topics import build_topics, why_no_topics
from appetence.models.artefact import Artefact
from appetence.models.rows import check_usable


def rows_for(
    book: Book, artefact: Artefact, spine: pa.Table, features: FeatureSettings, objecting: Collection[str]
) -> pa.Table:
    """Return what a model reads, topics of messages included: these are its own, so that no other table has them.

    Parameters
    ----------
    spine
        `client_id` and `cut`, each pair once.
    objecting
        Clients who object to profiling: they are left out, as from all scores.

    Returns
    -------
    pyarrow.Table
        `client_id`, `cut` and the model's features in its order, typed as in the feature table.

    Raises
    ------
    ArtefactError
        A feature that the model reads is switched off, or gone from the book.
    """
    spine = spine.filter(pc.invert(pc.is_in(spine["client_id"], pa.array(sorted(objecting), pa.string()))))
    data = build_features(book, spine, features).data
    check_usable(artefact, data.column_names, why_no_topics(book, features))
    if artefact.topics is not None:
        topics = build_topics(book, spine, artefact.topics).data
        for name in artefact.topics.names():
            data = data.append_column(topics.schema.field(name), topics[name])
    return data.select([*SPINE.names, *artefact.features])
