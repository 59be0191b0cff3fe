"""Why scores moved since the newest month published before: the rows of `score_moves`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from appetence import __version__
from appetence.book import Book
from appetence.book.spine import SPINE
from appetence.explain.moves import (
    BLOCK,
    CALIBRATION,
    FACTS,
    MODEL,
    NEW,
    REST,
    SCHEMA,
    TOTAL,
    Told,
    steps_between,
    strongest_moves,
    uncalibrated,
)
from appetence.explain.wording import Language, month_and_year
from appetence.features.catalogue import Feature
from appetence.features.pipeline import FeatureTable
from appetence.features.topic_model import TopicModel
from appetence.features.topics import build_topics
from appetence.models.artefact import Artefact
from appetence.models.kinds import ATTRITION, EROSION
from appetence.models.rows import why_unusable
from appetence.models.verdicts import Verdict
from appetence.months import Month
from appetence.progress import Progress, silent
from appetence.scoring.earlier import Earlier, Probabilities
from appetence.scoring.tables import SCORE_MOVES

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Texts = Mapping[Language, str]

THEMES_TOLD = 4
"""Themes of the client's that are listed at most; all others are in the rest."""

_OTHER_QUESTION = Verdict("the question asks something else since", "la question posée n’est plus la même depuis")
_FIXED: dict[str, Texts] = {
    REST: {"en": "All other changes together", "fr": "Tous les autres changements réunis"},
    CALIBRATION: {
        "en": "The model’s level was set anew (calibration)",
        "fr": "Le niveau du modèle a été réajusté (calibration)",
    },
}
_FACTS: Texts = {
    "en": "Facts of before that were learnt late, or corrected since",
    "fr": "Faits antérieurs connus avec retard, ou corrigés depuis",
}
_FACTS_OR_CODE: Texts = {
    "en": "Facts of before learnt late or corrected since, or read differently by a newer version of the software",
    "fr": "Faits antérieurs connus avec retard ou corrigés depuis, ou lus autrement par un logiciel plus récent",
}
_MODEL: Texts = {
    "en": "Another model is in use (version {now} instead of {before})",
    "fr": "Un autre modèle est utilisé (version {now} au lieu de {before})",
}
_TOTAL: Texts = {
    "en": "Only the whole difference is known: {why}",
    "fr": "Seule la différence totale est connue\N{NO-BREAK SPACE}: {why}",
}
_NEW_CLIENT: Texts = {
    "en": "New client: no score in {month}",
    "fr": "Nouveau client\N{NO-BREAK SPACE}: pas de score en {month}",
}
_NEW_QUESTION: Texts = {
    "en": "Not asked of this client in {month}",
    "fr": "Question non posée pour ce client en {month}",
}


@dataclass(frozen=True)
class Comparison:
    """Two cuts of the same book side by side.

    Parameters
    ----------
    table
        Features of the clients at either cut.
    cut, then
        The later cut and the earlier one.
    no_topics
        Why no topics of messages can be computed, if so.
    """

    book: Book
    table: FeatureTable
    cut: dt.date
    then: dt.date
    no_topics: str | None
    _topics: dict[TopicModel, FeatureTable] = field(default_factory=dict, init=False, repr=False)

    def rows_at(self, cut: dt.date, clients: pa.Array) -> Integers:
        """Return the rows of some clients at a cut; each has one."""
        rows = np.flatnonzero(np.asarray(pc.equal(self.table.data["cut"], pa.scalar(cut, pa.date32()))))
        ids = self.table.data["client_id"].take(pa.array(rows)).combine_chunks()
        found: Integers = rows[pc.index_in(clients, ids).to_numpy(zero_copy_only=False).astype(np.int64)]
        return found

    def why_unusable(self, artefact: Artefact) -> str | None:
        """Return why a model cannot score these rows; None where it can."""
        return why_unusable(artefact, [feature.name for feature in self.table.features], self.no_topics)

    def read_by(self, artefact: Artefact) -> tuple[pd.DataFrame, pa.Table, Mapping[str, Feature]]:
        """Return the rows as a model reads them and as they are told, with its own topics, and the catalogue."""
        features = {feature.name: feature for feature in self.table.features}
        if artefact.topics is None:
            return self._frame, self.table.data, features
        topics = self.topics(artefact.topics)
        values = self.table.data
        for feature in topics.features:
            values = values.append_column(feature.name, topics.data[feature.name])
        return pd.concat([self._frame, topics.frame()], axis=1), values, features | {f.name: f for f in topics.features}

    @cached_property
    def _frame(self) -> pd.DataFrame:
        return self.table.frame()

    def topics(self, model: TopicModel) -> FeatureTable:
        """Return the rows' topics by a topic model."""
        if model not in self._topics:
            self._topics[model] = build_topics(self.book, self.table.data.select(SPINE.names), model)
        return self._topics[model]


def score_moves(
    comparison: Comparison,
    earlier: Earlier,
    now: Probabilities,
    models: Mapping[str, Artefact],
    versions: Mapping[str, int],
    currency: str,
    progress: Progress = silent,
) -> pa.Table:
    """Tell why each score moved that both months have.

    Parameters
    ----------
    earlier
        The month compared with, with its models.
    now
        The probabilities about to be published.
    models, versions
        In use, by question.

    Returns
    -------
    pyarrow.Table
        The rows of `score_moves`, less `run_id` and `month`. Of attrition and erosion, a client without an earlier
        score is told as new.
    """
    found = []
    for number, (question, scored) in enumerate(now.items()):
        progress(f"comparing {question} with {earlier.month}", number / len(now))
        told = [_new(question, scored, earlier)] if question in (ATTRITION, EROSION) else []
        if question in earlier.probabilities and not _same_base_rate(earlier.models.get(question), models[question]):
            told.append(_of_question(comparison, earlier, question, scored, models[question], versions, currency))
        found += [_named(rows, question, earlier) for rows in told]
    return pa.concat_tables(found) if found else no_moves()


def no_moves() -> pa.Table:
    """Return no rows: there is no earlier month to compare with."""
    return SCORE_MOVES.schema.empty_table().drop_columns(["run_id", "month"])


def _of_question(
    comparison: Comparison,
    earlier: Earlier,
    question: str,
    scored: pa.Table,
    later: Artefact,
    versions: Mapping[str, int],
    currency: str,
) -> pa.Table:
    """Tell the moves of one question's clients, those who have both scores."""
    both = scored.join(earlier.probabilities[question], "client_id", join_type="inner", right_suffix="_before")
    both = both.sort_by("client_id").combine_chunks()
    clients = both["client_id"].combine_chunks()
    then, now = (both[name].to_numpy() for name in ("probability_before", "probability"))
    difference = 100 * (now - then)
    model = earlier.models.get(question)
    lost = earlier.lost.get(question) or _not_comparable(comparison, model, later)
    if lost is not None or model is None:
        return _only_total(clients, difference, lost or _OTHER_QUESTION)
    frame, values, features = comparison.read_by(model)
    old, new = (comparison.rows_at(cut, clients) for cut in (comparison.then, comparison.cut))
    answers = None if model is later else uncalibrated(later, comparison.read_by(later)[0].iloc[new])
    told = Told(
        [features[name] for name in model.features],
        comparison.table.themes,
        _texts(earlier, question, versions),
        Month.before(comparison.cut) - Month.before(comparison.then),
        currency,
        THEMES_TOLD,
    )
    tables = []
    for at, steps in zip(
        range(0, len(clients), BLOCK), steps_between(model, frame, old, new, then, now, answers), strict=True
    ):
        rows = slice(at, at + BLOCK)
        old_values, new_values = (values.take(pa.array(place[rows])) for place in (old, new))
        tables.append(strongest_moves(clients[rows], steps, old_values, new_values, difference[rows], told))
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _same_base_rate(model: Artefact | None, later: Artefact) -> bool:
    """Return whether the score is the same number for everyone in both months: nothing moves."""
    return model is later and later.classifier is None


def _not_comparable(comparison: Comparison, model: Artefact | None, later: Artefact) -> Verdict | None:
    """Return why a model of then cannot be set beside the one in use, if so."""
    if model is None or model is later:
        return None
    then, now = model.contract, later.contract
    if (then.horizon, then.gap, then.definition) != (now.horizon, now.gap, now.definition):
        return _OTHER_QUESTION
    missing = comparison.why_unusable(model)
    if missing is None:
        return None
    return Verdict(
        f"the model of then cannot read the book of today ({missing})",
        f"le modèle d’alors ne peut plus lire les données d’aujourd’hui ({missing})",
    )


def _only_total(clients: pa.Array, difference: Floats, why: Verdict) -> pa.Table:
    texts = [_TOTAL["en"].format(why=why.en), _TOTAL["fr"].format(why=why.fr)]
    return _rows(clients, TOTAL, pa.array(difference), *texts)


def _new(question: str, scored: pa.Table, earlier: Earlier) -> pa.Table:
    """Tell who had no score then: a new client, or one of whom the question was not asked."""
    asked = earlier.probabilities.get(question)
    had = pa.array([], pa.string()) if asked is None else asked["client_id"].combine_chunks()
    ids = scored["client_id"].combine_chunks()
    ids = ids.filter(pc.invert(pc.is_in(ids, had)))
    known = pc.is_in(ids, earlier.clients)
    tables = []
    for clients, texts in ((ids.filter(pc.invert(known)), _NEW_CLIENT), (ids.filter(known), _NEW_QUESTION)):
        named = [texts[lang].format(month=month_and_year(earlier.month.start, lang)) for lang in ("en", "fr")]
        tables.append(_rows(clients, NEW, pa.nulls(len(clients), pa.float64()), *named))
    return pa.concat_tables(tables)


def _rows(clients: pa.Array, part: str, points: pa.Array, en: str, fr: str) -> pa.Table:
    """Return a row per client, all of which say the same."""
    n = len(clients)
    columns = [clients, pa.repeat(1, n).cast(pa.int64()), pa.repeat(part, n), *(pa.nulls(n, pa.string()),) * 2, points]
    return pa.Table.from_arrays([*columns, pa.repeat(en, n), pa.repeat(fr, n)], schema=SCHEMA)


def _texts(earlier: Earlier, question: str, versions: Mapping[str, int]) -> Mapping[str, Texts]:
    """Return what is said of the parts that are not the client's."""
    before = earlier.recorded.get(question, {}).get("version", "?")
    model: Texts = {lang: text.format(now=versions.get(question, "?"), before=before) for lang, text in _MODEL.items()}
    facts = _FACTS if earlier.run.code_version == __version__ else _FACTS_OR_CODE
    return {**_FIXED, MODEL: model, FACTS: facts}


def _named(rows: pa.Table, question: str, earlier: Earlier) -> pa.Table:
    against = {"question": question, "against_run": earlier.run.run_id, "against_month": earlier.run.month}
    for name, value in against.items():
        rows = rows.append_column(pa.field(name, pa.string()), pa.repeat(value, len(rows)))
    return rows
