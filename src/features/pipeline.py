"""The feature table: all groups over a spine, for training and for scoring alike.

Builders make expressions; this module runs them, block by block, and casts the result to the types that the
catalogue declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from appetence.book.clocks import BookEngine, StreamingEngine
from appetence.book.spine import SPINE, numbered_spine
from appetence.book.stand_in import StandIn
from appetence.config import GROUPS, FeatureSettings
from appetence.errors import AppetenceError, UsageError, did_you_mean
from appetence.features.asof import AsKnown, Engine, Expressions
from appetence.features.blocks import Blocks, cut_into_blocks
from appetence.features.bundles import associations
from appetence.features.catalogue import THEMES, Feature, Group, Shape, Theme, Unit, catalogue, group_module
from appetence.features.engine import Compiled, Shared
from appetence.features.household import everyone
from appetence.features.ordering import in_order
from appetence.features.own import OwnGroup, load_own, themes_of

BLOCK = 245_760
"""Rows of a block where the spine is long: memory stays flat however long it is.

Two of DuckDB's row groups of 122,880, so that two threads have equal parts.
"""

WHOLE = 1_000_000
"""Rows of a spine that is built as one block: a month of most firms, sooner done than cut up."""

_ENGINES = 2
"""Blocks under way at a time: where one waits for a single thread, another has work for the others."""

_READY = {"calendar": 0, "person": 0, "balances": 2, "household": 2}
"""Groups that need nothing added up come first, those that need the most last: the engine waits least."""

_TYPES = {Unit.CODE: pa.string(), Unit.FLAG: pa.bool_()}
_DECLARED = {"string": "text", "date": "date"}


@dataclass(frozen=True)
class FeatureTable:
    """What was known of each client at each cut.

    Parameters
    ----------
    data
        `client_id`, `cut` and one column per feature, in the spine's order. FLAG is boolean, CODE text, all others
        float64; null where unknown.
    features
        The columns after the first two, in their order.
    switched_off
        Group and reason, for all that this book cannot give.
    themes
        By name, what features are grouped under when they explain a score, the firm's own included.
    """

    data: pa.Table
    features: tuple[Feature, ...]
    switched_off: tuple[tuple[str, str], ...] = ()
    themes: Mapping[str, Theme] = field(default_factory=lambda: THEMES)

    def frame(self) -> pd.DataFrame:
        """Return the features alone as a pandas frame, as models read them."""
        return self.data.select([feature.name for feature in self.features]).to_pandas()


@dataclass(frozen=True)
class FeatureStream:
    """The same as `FeatureTable`, of which the rows come in blocks.

    Attributes
    ----------
    schema
        Of `client_id`, `cut` and the features.
    blocks
        To be taken once; each block is computed when it is asked for.
    order
        How the blocks' rows stand in the spine.
    """

    schema: pa.Schema
    features: tuple[Feature, ...]
    switched_off: tuple[tuple[str, str], ...]
    themes: Mapping[str, Theme]
    blocks: Iterator[pa.Table]
    order: Blocks


def build_features(
    book: BookEngine,
    spine: pa.Table,
    settings: FeatureSettings | None = None,
    *,
    block: int | None = None,
) -> FeatureTable:
    """Compute features as known at each cut, for one cut or many in one pass.

    Parameters
    ----------
    book
        An open book, on any engine.
    spine
        `client_id` and `cut` (first days of months), each pair once, in any order.
    settings
        Groups, features to leave out, the firm's own groups, coverage targets; all groups by default.
    block
        Rows built at a time; None for `BLOCK`, or all of a spine of no more than `WHOLE`. The result does not depend on
        it.

    Returns
    -------
    FeatureTable
        Exactly the spine's rows, in its order. The same book and spine give the same bits.

    Raises
    ------
    UsageError
        A group or feature that is not known.
    AppetenceError
        A spine with a pair twice, a null, or a cut that is no first day of a month.
    """
    found = stream_features(book, spine, settings, block=block)
    data = found.order.in_order(pa.concat_tables(found.blocks))
    return FeatureTable(data, found.features, found.switched_off, found.themes)


def stream_features(
    book: BookEngine,
    spine: pa.Table,
    settings: FeatureSettings | None = None,
    *,
    block: int | None = None,
) -> FeatureStream:
    """Compute features block by block, for a table that need not fit into memory.

    See `build_features` for parameters and errors. Where there is more than one block, clients of a household stand
    together, in the order in which the spine names the first of them. The book must stay open, and build no other
    features, until the last block has been taken.
    """
    settings = FeatureSettings() if settings is None else settings
    numbered = numbered_spine(spine)
    own = load_own(settings.own)
    shape = shape_of(book, settings)
    features, switched_off = available(book, shape, settings, own)
    groups: dict[str, Group] = {name: group_module(name) for name in GROUPS} | {group.name: group for group in own}
    schema = pa.schema([(f.name, _TYPES.get(f.unit, pa.float64())) for f in features])

    def blocks() -> Iterator[pa.Table]:
        for rows, columns in _built_blocks(book, cut, features, groups, shape, schema):
            yield pa.Table.from_arrays([*rows.select(SPINE.names), *columns], schema=whole)

    size = (WHOLE if len(numbered) <= WHOLE else BLOCK) if block is None else block
    cut = cut_into_blocks(book, numbered, size, households=any(f.group == "household" for f in features))
    whole = pa.schema([*(field.with_nullable(True) for field in SPINE), *schema])
    return FeatureStream(whole, features, switched_off, themes_of(own), blocks(), cut)


def shape_of(book: BookEngine, settings: FeatureSettings) -> Shape:
    """Return what this book has of its own: families of products, columns of `client_facts`, coverage targets."""
    products = book.execute(book.table("products").select("product_id", "family"))
    families = tuple(sorted(set(products["family"].drop_null().to_pylist())))
    for family in (family for target in settings.coverage for family in target.families):
        if family not in families:
            hint = did_you_mean(family, families)
            raise UsageError("features.coverage must name families of the products", repr(family), hint)
    types = book.table("client_facts").schema()
    return Shape(
        families,
        tuple((name, _DECLARED.get(str(types[name]), "number")) for name in book.extra_columns("client_facts")),
        settings.coverage,
        tuple(sorted(zip(products["product_id"].to_pylist(), products["family"].to_pylist(), strict=True))),
    )


def available(
    book: BookEngine, shape: Shape, settings: FeatureSettings, own: Sequence[OwnGroup] = ()
) -> tuple[tuple[Feature, ...], tuple[tuple[str, str], ...]]:
    """Return the features that this book can give, and per group why others cannot be given."""
    wanted = catalogue(settings.groups, shape, own)
    known = {feature.name for feature in catalogue(GROUPS, shape, own)}
    for name in settings.exclude:
        if name not in known:
            raise UsageError("a feature to exclude must be known", repr(name), did_you_mean(name, known))
    kept = []
    lacking: dict[str, dict[str, str]] = {}
    for feature in wanted:
        missing = next((missing for need in feature.needs if (missing := _missing(book, need))), None)
        if missing is not None:
            lacking.setdefault(feature.group, {})[feature.name] = missing
        elif feature.name not in settings.exclude:
            kept.append(feature)
    return tuple(kept), tuple((group, _reason(group, missing, wanted)) for group, missing in lacking.items())


def _missing(book: BookEngine, need: str) -> str | None:
    """Return what the book lacks of a need, a table or `table.column`; None where it has it."""
    table, _, column = need.partition(".")
    if not book.has(table):
        return table
    return need if column and not book.has_column(table, column) else None


def _reason(group: str, missing: dict[str, str], wanted: tuple[Feature, ...]) -> str:
    reason = f"the book has no {', '.join(dict.fromkeys(missing.values()))}"
    if all(feature.name in missing for feature in wanted if feature.group == group):
        return reason
    return f"{reason}, which leaves out {', '.join(missing)}"


def _built_blocks(
    book: BookEngine,
    blocks: Blocks,
    features: tuple[Feature, ...],
    groups: Mapping[str, Group],
    shape: Shape,
    schema: pa.Schema,
) -> Iterator[tuple[pa.Table, list[pa.Array]]]:
    """Run the groups over each block; hand out its rows, and the features' columns in the rows' order."""
    wanted = dict(_by_group(features))
    first = sorted(wanted, key=lambda group: _READY.get(group, 1))

    together = None
    if "bundles" in wanted:
        cuts = blocks.cuts()
        indices = cuts["cut_index"].to_pylist()
        at_large = book.at_large if isinstance(book, StandIn) else book
        together = associations(at_large, book.memtable("association_cuts", cuts), indices, shape)

    def built(spine: ir.Table, engine: Engine) -> Iterator[tuple[str, ir.Table]]:
        pairs = None if together is None else engine.keep_whole("associations", together)
        known = AsKnown(book, spine, shape, pairs, engine=engine)
        if "household" in wanted:
            known = replace(known, everyone=engine.keep("everyone", everyone(known.of_members("clients"), spine)))
        if isinstance(engine, Compiled):
            engine.code(known.members)
        for group in first:
            made = _built(groups[group], group, known, wanted[group])
            yield group, made.select("row", **{name: made[name].cast(_sql(schema, name)) for name in wanted[group]})

    def columns(found: Iterable[list[pa.Array]]) -> list[pa.Array]:
        by_group = dict(zip(first, found, strict=True))
        return [column for group in wanted for column in by_group[group]]

    if not isinstance(book, StreamingEngine):
        for block in blocks:
            parts = built(book.memtable("spine", block.rows), Expressions())
            yield block.rows, columns(in_order(group, book.execute(part), block) for group, part in parts)
        return
    with ExitStack() as stack:
        shared = stack.enter_context(Shared(book, blocks))
        engines = [stack.enter_context(Compiled(shared, n, _ENGINES)) for n in range(min(_ENGINES, len(blocks)))]
        for engine in engines:
            for group, part in built(engine.spine, engine):
                engine.ask(part, partial(in_order, group))
        answers = [engine.answers() for engine in engines]
        for number in range(len(blocks)):
            block, found = next(answers[number % _ENGINES])
            yield block.rows, columns(found)
            del block, found


def _built(group: Group, name: str, known: AsKnown, features: list[str]) -> ir.Table:
    """Return a group's expression; a firm's own group may fail, or not give what it declares."""
    try:
        built = group.build(known)
        lacking = [feature for feature in ("row", *features) if feature not in built.columns]
    except AppetenceError:
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise AppetenceError(f"feature group {name} must run", message) from error
    if lacking:
        raise AppetenceError(f"feature group {name} must build the features it declares", f"no {', '.join(lacking)}")
    return built


def _sql(schema: pa.Schema, name: str) -> str:
    return {pa.string(): "string", pa.bool_(): "boolean"}.get(schema.field(name).type, "float64")


def _by_group(features: tuple[Feature, ...]) -> Iterator[tuple[str, list[str]]]:
    for group in dict.fromkeys(feature.group for feature in features):
        yield group, [feature.name for feature in features if feature.group == group]
