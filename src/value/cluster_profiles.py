"""Clusters in words: what sets each apart from the book, by the catalogue's names, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from appetence.explain import wording
from appetence.explain.wording import Language, typeset
from appetence.features.catalogue import Feature, Unit
from appetence.models.verdicts import Verdict, french
from appetence.value.amounts import amount
from appetence.value.clusters import STABLE, STRUCTURE, ClusterModel, column_of

Ints = npt.NDArray[np.int64]

APART = 0.3
"""Spreads between a cluster's mean and the book's from which on a feature sets it apart: a small effect and a bit, by
Cohen (1988), whose small one is 0.2."""

_TRAIT = {
    "median": {
        "en": "{label}: {here} at the median, {book} in the book",
        "fr": "{label} : {here} en médiane, {book} dans le portefeuille",
    },
    "mean": {
        "en": "{label}: {here} on average, {book} in the book",
        "fr": "{label} : {here} en moyenne, {book} dans le portefeuille",
    },
    "flag": {
        "en": "{label}: {here} of clients, {book} in the book",
        "fr": "{label} : {here} des clients, {book} dans le portefeuille",
    },
}
_NAME = {
    True: {"en": "more: {labels}", "fr": "plus : {labels}"},
    False: {"en": "less: {labels}", "fr": "moins : {labels}"},
}
_LIKE_THE_BOOK = {"en": "like the book", "fr": "semblable au portefeuille"}


@dataclass(frozen=True)
class Trait:
    """A feature that sets a cluster apart: figures here and in the book, and by how many spreads the means differ."""

    feature: str
    here: float
    book: float
    apart: float
    text_en: str
    text_fr: str


@dataclass(frozen=True)
class ClusterProfile:
    """A cluster for a reader: how many clients, and what sets it apart, the strongest first."""

    cluster: int
    clients: int
    share: float
    name_en: str
    name_fr: str
    traits: tuple[Trait, ...]


def cluster_profiles(
    model: ClusterModel,
    data: pa.Table,
    clusters: Ints,
    features: Sequence[Feature],
    currency: str,
    traits: int = 5,
) -> tuple[ClusterProfile, ...]:
    """Describe clusters by the features that set them apart, one per theme.

    Parameters
    ----------
    clusters
        (clients,) of the rows of `data`, as from `ClusterModel.place`, or renamed since.
    features
        The catalogue's, for their words.
    traits
        At most so many per cluster.

    Returns
    -------
    tuple of ClusterProfile
        In the order of the clusters' numbers.
    """
    known = {feature.name: feature for feature in features}
    weights = np.array([each.weight for each in model.features])
    spreads = model.scaled(data) / weights
    book = spreads.mean(axis=0)
    values = {each.name: column_of(data, each.name) for each in model.features}
    profiles = []
    for cluster in sorted(set(clusters.tolist())):
        inside = clusters == cluster
        apart = spreads[inside].mean(axis=0) - book
        told: list[Trait] = []
        for place in np.argsort(-np.abs(apart), kind="stable"):
            feature = known[model.features[place].name]
            if abs(apart[place]) < APART or len(told) == traits:
                break
            if all(known[trait.feature].theme != feature.theme for trait in told):
                told.append(_trait(feature, values[feature.name], inside, float(apart[place]), currency))
        names = [_name(told, known, language) for language in ("en", "fr")]
        count = int(inside.sum())
        profiles.append(ClusterProfile(cluster, count, count / len(clusters), names[0], names[1], tuple(told)))
    return tuple(profiles)


def cluster_verdict(model: ClusterModel) -> Verdict:
    """Say how far clusters may be trusted: whether other draws give them, and whether they lie apart."""
    chosen = model.chosen
    count, stability, silhouette = chosen.clusters, f"{chosen.stability:.2f}", f"{chosen.silhouette:.2f}"
    if not model.stable:
        return Verdict(
            f"No number of clusters is stable: the best, {count}, has a mean adjusted Rand index of {stability} over "
            f"draws of clients, and {STABLE:g} is needed. Do not build on them",
            f"Aucun nombre de groupes n’est stable : le meilleur, {count}, a un indice de Rand ajusté moyen de "
            f"{french(stability)} d’un tirage de clients à l’autre, et il faut {french(f'{STABLE:g}')}. N’en tirez "
            "rien",
        )
    en = f"{count} clusters, which other draws of clients give again (mean adjusted Rand index {stability})"
    rand = f"indice de Rand ajusté moyen : {french(stability)}"
    fr = f"{count} groupes, que d’autres tirages de clients redonnent ({rand})"
    if model.structured:
        return Verdict(
            f"{en} and which lie apart (mean silhouette {silhouette})",
            f"{fr} et qui sont bien distincts (silhouette moyenne : {french(silhouette)})",
        )
    return Verdict(
        f"{en}; they do not lie apart (mean silhouette {silhouette}, and more than {STRUCTURE:g} is needed): clients "
        "pass from one to the other by degrees",
        f"{fr} ; ils ne sont pas nettement distincts (silhouette moyenne : {french(silhouette)}, il faut plus de "
        f"{french(f'{STRUCTURE:g}')}) : on passe de l’un à l’autre par degrés",
    )


def _trait(
    feature: Feature, values: npt.NDArray[np.float64], inside: npt.NDArray[np.bool_], apart: float, currency: str
) -> Trait:
    """Return the trait; counts are told by their means, for most medians of counts are zero."""
    flag, mean = feature.unit is Unit.FLAG, feature.unit in (Unit.COUNT, Unit.FLAG)
    here, book = (_figure(each, mean) for each in (values[inside], values))
    texts = {}
    languages: tuple[Language, ...] = ("en", "fr")
    for language in languages:
        template = _TRAIT["flag" if flag else "mean" if mean else "median"][language]
        told = [
            wording.share(each, language) if flag else amount(each, feature.unit, language, currency)
            for each in (here, book)
        ]
        label = getattr(feature, language).label
        texts[language] = typeset(template, language).format(label=label, here=told[0], book=told[1])
    return Trait(feature.name, here, book, apart, texts["en"], texts["fr"])


def _figure(values: npt.NDArray[np.float64], mean: bool) -> float:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return float("nan")
    return float(known.mean() if mean else np.median(known))


def _name(traits: Sequence[Trait], known: Mapping[str, Feature], language: str) -> str:
    """Return a short name of the three strongest traits."""
    if not traits:
        return _LIKE_THE_BOOK[language]
    strongest = sorted(traits[:3], key=lambda trait: trait.apart < 0)
    parts = []
    for more, group in groupby(strongest, key=lambda trait: trait.apart > 0):
        labels = ", ".join(getattr(known[trait.feature], language).label for trait in group)
        parts.append(_NAME[more][language].format(labels=labels))
    text = typeset((" ; " if language == "fr" else "; ").join(parts), "fr" if language == "fr" else "en")
    return text[:1].upper() + text[1:]
