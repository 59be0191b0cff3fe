"""Clients grouped by how they behave: clusters that are found again when other clients are drawn.

Features are brought to one scale by their median and spread, each theme of the catalogue counts as much as any other,
principal components take out what says the same twice, and k-means divides. The number of clusters is the one that is
told apart best among those that are stable. What is kept is numbers in JSON, so that next month's clients are placed
by the very same rules.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from appetence.config import ClusterSettings
from appetence.errors import ArtefactError, UsageError
from appetence.features.catalogue import Feature, Unit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STABLE = 0.8
"""Mean adjusted Rand index over bootstrap draws from which on clusters are stable: good recovery, by Steinley (2004,
"Properties of the Hubert-Arabie adjusted Rand index", Psychological Methods 9)."""

STRUCTURE = 0.25
"""Mean silhouette up to which there is no substantial structure: Kaufman & Rousseeuw (1990, "Finding groups in data",
chapter 2)."""

_KNOWN = 0.5  # a feature that is unknown of more clients than this says more of the file than of the client
_VARIANCE, _COMPONENTS = 0.9, 10  # of what features say, and at most so many principal components
_CLIP = 4.0  # spreads from the median: beyond, a client is an extreme and no direction of its own
_JUDGED = 2_000  # clients by whom the silhouette is taken: it compares all pairs
_ROWS = 100_000  # placed at a time, so that memory stays flat
_NOT_BEHAVIOUR = ("market", "season")  # themes of what happens to all clients, whatever they do
_AGE = "clients.birth_date"  # what is worked out from it says how old a client is, not what the client does
_LONG_TAILED = (Unit.MONEY, Unit.COUNT, Unit.MONTHS)


@dataclass(frozen=True)
class Scaled:
    """How one feature is brought to scale: z = weight · clip((f(x) − centre) / spread); unknown is 0.

    `bend`, of long-tailed features: f(x) = sign(x) · log(1 + |x| / bend); else f(x) = x.
    """

    name: str
    bend: float | None
    centre: float
    spread: float
    weight: float

    def of(self, values: Floats) -> Floats:
        """Return the scaled values."""
        z = self.weight * np.clip((self.bent(values) - self.centre) / self.spread, -_CLIP, _CLIP)
        return np.nan_to_num(z)

    def bent(self, values: Floats) -> Floats:
        """Return f(x)."""
        return _bent(values, self.bend)


@dataclass(frozen=True)
class Tried:
    """One number of clusters: mean silhouette, and mean adjusted Rand index over the draws."""

    clusters: int
    silhouette: float
    stability: float


@dataclass(frozen=True)
class ClusterModel:
    """Clusters that clients can be placed in; numbered from 1, the largest first.

    Attributes
    ----------
    components
        (components, features): directions in the space of scaled features.
    centres
        (clusters, components).
    tried
        Every number of clusters that was judged.
    """

    features: tuple[Scaled, ...]
    middle: tuple[float, ...]
    components: tuple[tuple[float, ...], ...]
    centres: tuple[tuple[float, ...], ...]
    tried: tuple[Tried, ...]

    @property
    def chosen(self) -> Tried:
        """What was found of the number that was chosen."""
        return next(each for each in self.tried if each.clusters == len(self.centres))

    @property
    def stable(self) -> bool:
        """Whether other draws of clients give the same clusters."""
        return self.chosen.stability >= STABLE

    @property
    def structured(self) -> bool:
        """Whether there is more to the clusters than where a cloud was cut."""
        return self.chosen.silhouette > STRUCTURE

    def place(self, data: pa.Table) -> Ints:
        """Return each client's cluster, from 1.

        Raises
        ------
        UsageError
            A feature that the clusters read is not there.
        """
        lacking = [each.name for each in self.features if each.name not in data.column_names]
        if lacking:
            hint = "Learn the clusters anew"
            raise UsageError("clusters need the features they were learnt from", f"no {', '.join(lacking)}", hint)
        parts = [self._nearest(data.slice(start, _ROWS)) for start in range(0, len(data), _ROWS)]
        return np.concatenate(parts) + 1 if parts else np.zeros(0, dtype=np.int64)

    def scaled(self, data: pa.Table) -> Floats:
        """Return the scaled features, (clients, features)."""
        return np.column_stack([each.of(column_of(data, each.name)) for each in self.features])

    def to_json(self) -> str:
        """Return all numbers as JSON."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ClusterModel:
        """Read what `to_json` wrote.

        Raises
        ------
        ArtefactError
            The text is no such model.
        """
        try:
            raw = json.loads(text)
            features = tuple(Scaled(**each) for each in raw["features"])
            tried = tuple(Tried(**each) for each in raw["tried"])
            components, centres = (tuple(map(tuple, raw[name])) for name in ("components", "centres"))
            model = cls(features, tuple(raw["middle"]), components, centres, tried)
            shapes = np.array(components, dtype=np.float64).shape, np.array(centres, dtype=np.float64).shape
            if shapes != ((shapes[1][1], len(features)), (len(centres), shapes[0][0])) or not model.chosen:
                raise ValueError("shapes that do not fit")
        except (ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
            raise ArtefactError("clusters must be JSON as it was written", type(error).__name__) from None
        return model

    def _nearest(self, data: pa.Table) -> Ints:
        where = (self.scaled(data) - np.array(self.middle)) @ np.array(self.components).T
        centres = np.array(self.centres)
        # |x − c|² without |x|², which is the same for all centres
        return np.asarray(np.argmin((centres**2).sum(axis=1) - 2.0 * where @ centres.T, axis=1), dtype=np.int64)


def learn_clusters(data: pa.Table, features: Sequence[Feature], settings: ClusterSettings) -> ClusterModel:
    """Learn clusters from clients' features.

    Parameters
    ----------
    data
        One row per client, of one cut.
    features
        The catalogue's of the table. Left out are those of other groups than `settings.groups`, what is worked out from
        the date of birth, moves of the market, categories, and what is unknown of more than half of the clients or the
        same of all. Protected attributes are in no feature table.

    Returns
    -------
    ClusterModel
        The same clients and seed give the same numbers. Where no number of clusters is stable, the most stable one,
        and `stable` is False.

    Raises
    ------
    UsageError
        Fewer clients than would make clusters of ten, or no feature that tells them apart.
    """
    if len(data) < 10 * settings.most:
        hint = "Set value.clusters.most lower"
        raise UsageError(f"clusters need at least {10 * settings.most} clients", len(data), hint)
    rng = np.random.default_rng(settings.seed)
    rows = np.sort(rng.permutation(len(data))[: settings.sample])
    sample = data.take(pa.array(rows))
    scaled = _scaled(sample, [each for each in features if each.group in settings.groups])
    if not scaled:
        raise UsageError("clusters need features that differ among clients", "none", "Look at value.clusters.groups")
    import sklearn.cluster  # noqa: F401 - what is loaded later would not be limited

    with threadpool_limits(1):  # sums in another order are other numbers
        return _learnt(sample, scaled, settings)


def column_of(data: pa.Table, name: str) -> Floats:
    """Return a feature as float64, a flag as 0 and 1, NaN where it is unknown."""
    column = data[name]
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _learnt(sample: pa.Table, scaled: tuple[Scaled, ...], settings: ClusterSettings) -> ClusterModel:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    points = np.column_stack([each.of(column_of(sample, each.name)) for each in scaled])
    shape = PCA(min(_COMPONENTS, *points.shape), svd_solver="full").fit(points)
    enough = int(np.searchsorted(np.cumsum(shape.explained_variance_ratio_), _VARIANCE)) + 1
    components = shape.components_[:enough]
    where = (points - shape.mean_) @ components.T
    tried = tuple(_tried(where, settings))
    stable = [each for each in tried if each.stability >= STABLE]
    best = max(stable, key=lambda each: each.silhouette) if stable else max(tried, key=lambda each: each.stability)
    found = KMeans(best.clusters, n_init=10, random_state=settings.seed).fit(where)
    order = np.argsort(-np.bincount(found.labels_, minlength=best.clusters), kind="stable")
    centres = found.cluster_centers_[order]
    return ClusterModel(scaled, tuple(shape.mean_.tolist()), _rows(components), _rows(centres), tried)


def _tried(where: Floats, settings: ClusterSettings) -> Iterator[Tried]:
    """Judge every number of clusters: by the silhouette, and by how well bootstrap draws give the same division."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    for clusters in range(settings.fewest, settings.most + 1):
        rng = np.random.default_rng([settings.seed, clusters])
        found = KMeans(clusters, n_init=5, random_state=settings.seed).fit(where)
        judged = rng.permutation(len(where))[:_JUDGED]
        labels = found.labels_[judged]
        silhouette = float(silhouette_score(where[judged], labels)) if len(np.unique(labels)) > 1 else 0.0
        agreement = []
        for draw in range(settings.bootstrap):
            again = where[rng.integers(0, len(where), len(where))]
            other = KMeans(clusters, n_init=3, random_state=settings.seed + 1 + draw).fit(again)
            agreement.append(adjusted_rand_score(found.labels_, other.predict(where)))
        yield Tried(clusters, silhouette, float(np.mean(agreement)))


def _scaled(sample: pa.Table, features: Sequence[Feature]) -> tuple[Scaled, ...]:
    """Return how each usable feature is scaled; features of one theme share its weight."""
    found = []
    for feature in features:
        if feature.unit is Unit.CODE or feature.theme in _NOT_BEHAVIOUR or _AGE in feature.needs:
            continue
        if feature.name not in sample.column_names:
            continue
        values = column_of(sample, feature.name)
        values = values[np.isfinite(values)]
        if len(values) < _KNOWN * len(sample):
            continue
        large = np.abs(values[values != 0])
        bend = float(np.median(large)) if feature.unit in _LONG_TAILED and len(large) else None
        values = _bent(values, bend)
        low, centre, high = np.quantile(values, (0.25, 0.5, 0.75))
        # of normal values both are the standard deviation; where most values are one, only the second is not zero
        spread = max((high - low) / 1.349, float(values.std()) if high == low else 0.0)
        if spread > 0 and np.unique(values).size > 1:
            found.append((feature, Scaled(feature.name, bend, float(centre), float(spread), 1.0)))
    sharing = Counter(feature.theme for feature, _ in found)
    return tuple(
        Scaled(each.name, each.bend, each.centre, each.spread, 1.0 / float(np.sqrt(sharing[feature.theme])))
        for feature, each in found
    )


def _bent(values: Floats, bend: float | None) -> Floats:
    return values if bend is None else np.asarray(np.sign(values) * np.log1p(np.abs(values) / bend))


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())
