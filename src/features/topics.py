"""Topics of what a client wrote lately, by the topic model of one model: for training and for scoring alike.

Unlike the other groups these features belong to a model: another model, fitted at another date, has other topics.
"""

from __future__ import annotations

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from appetence.book import Book
from appetence.book.clocks import BookEngine
from appetence.book.spine import SPINE, numbered_spine
from appetence.config import FeatureSettings
from appetence.features.asof import AsKnown
from appetence.features.catalogue import Shape
from appetence.features.expressions import in_months_before, month_index, ratio
from appetence.features.pipeline import BLOCK, FeatureTable
from appetence.features.topic_fit import messages_of
from appetence.features.topic_model import TopicModel

MONTHS = 12
_AT_A_TIME = 3  # months whose texts are in memory together
_UNIT = 10**9  # a message's numbers are added as whole billionths: exact, in whatever order threads add


def why_no_topics(book: Book, settings: FeatureSettings) -> str | None:
    """Return why topics cannot be read from a book, if so."""
    if not settings.reads_topics:
        return "features.topics, or the group text, is switched off"
    missing = not book.has("interactions") or not book.has_column("interactions", "text")
    return "the book has no interactions.text" if missing else None


def build_topics(book: BookEngine, spine: pa.Table, model: TopicModel, *, block: int = BLOCK) -> FeatureTable:
    """Compute a topic model's features as known at each cut.

    Parameters
    ----------
    book
        An open book.
    spine
        `client_id` and `cut`, each pair once, in any order.
    model
        Its features are computed: per topic, the mean over the client's messages of the 12 months before the cut that
        were known at the cut; null without any.
    block
        Rows built at a time; the result does not depend on it.

    Returns
    -------
    FeatureTable
        Exactly the spine's rows, in its order. The same book, spine and model give the same bits.
    """
    numbered = numbered_spine(spine)
    places = book.memtable("topic_places", _places(book, numbered, model))
    blocks = [
        _means(book, numbered.slice(start, block), places, model.names())
        for start in range(0, max(numbered.num_rows, 1), block)
    ]
    columns = pa.concat_tables(blocks)
    data = numbered.select(SPINE.names)
    for name in model.names():
        data = data.append_column(pa.field(name, pa.float64()), columns[name])
    return FeatureTable(data, model.features())


def _places(book: BookEngine, spine: pa.Table, model: TopicModel) -> pa.Table:
    """Return the messages of the spine's clients as numbers, some months of texts at a time."""
    schema = pa.schema([("client_id", pa.string()), ("at", pa.date32()), ("known_on", pa.date32())])
    schema = pa.schema([*schema, *((name, pa.int64()) for name in model.names())])
    clients = book.memtable("topic_clients", pa.table({"client_id": pc.unique(spine["client_id"])}))
    texts = messages_of(book).semi_join(clients, "client_id")
    months = []
    for first in _months(spine):
        found = book.execute(texts.filter(month_index(texts["at"]).between(first, first + _AT_A_TIME - 1)))
        numbers = (model.transform(found["text"].to_pylist()) * _UNIT).round().astype("int64")
        columns = [found[name] for name in ("client_id", "at", "known_on")]
        months.append(pa.Table.from_arrays([*columns, *(pa.array(column) for column in numbers.T)], schema=schema))
    return pa.concat_tables(months) if months else schema.empty_table()


def _months(spine: pa.Table) -> range:
    bounds = pc.min_max(spine["cut_index"]).as_py()
    return range(0) if bounds["min"] is None else range(bounds["min"] - MONTHS, bounds["max"], _AT_A_TIME)


def _means(book: BookEngine, rows: pa.Table, places: ir.Table, names: tuple[str, ...]) -> pa.Table:
    known = AsKnown(book, book.memtable("topic_spine", rows), Shape())
    told = known.told("topic_places", places)
    lately = told.filter(in_months_before(told["at"], told.cut_index, MONTHS))
    means = lately.group_by("row").agg(**{name: ratio(lately[name].sum(), lately.count() * _UNIT) for name in names})
    return book.execute(known.onto_spine(means).select("row", *names).order_by("row")).select(names)
