"""Exact Shapley values of a LightGBM model by table look-up.

What a leaf contributes to a row's features depends only on which conditions of its path the row meets: so it is
computed once for every combination (`appetence.explain.subtrees`) and looked up for every row. The values are those of
path-dependent TreeSHAP (Lundberg et al., 2020, Algorithm 2), which is what LightGBM's `pred_contrib` computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

import numba
import numpy as np
import numpy.typing as npt

from appetence.errors import UsageError
from appetence.explain.assembly import build_tables
from appetence.explain.codes import Codes
from appetence.explain.groups import Top, TopGroups, check_groups, strongest_groups
from appetence.explain.kernel import CodeMatrix, Floats, spread, strongest
from appetence.explain.scorer import Scorer
from appetence.explain.trees import Booster, parse_trees

if TYPE_CHECKING:
    import shap

BLOCK = 8192
ROWS_AT_ONCE = 1 << 17
MAX_BYTES = 1 << 29


class TreeTables:
    """Contributions of every feature to every row's raw score, by look-up.

    Parameters
    ----------
    booster
        A trained `lightgbm.Booster` with constant leaves: any objective, any kind of boosting, any depth, categorical
        splits, missing values as NaN or as zero. Trees up to its best iteration are used, as `booster.predict` does.
        The score explained is LightGBM's raw one: of a random forest the trees' sum, where `predict` gives their mean.
    dtype
        Of the tables. "float32" is within 1e-5 of `pred_contrib` relative to the scores' scale, "float64" within 1e-9,
        at twice the memory. Sums are always in double precision.
    threads
        Threads that blocks of rows are spread over; None: as many as numba is configured to use (`NUMBA_NUM_THREADS`,
        by default the processors this process may use). Values do not depend on it.
    block
        Rows worked on at a time by a thread. Values do not depend on it.
    max_bytes
        What the tables may take. A model that needs more gets smaller tables and more look-ups; in the end, leaves
        are summed by quadrature for each row, which needs no table, is as exact and takes longer. However much is
        allowed, this is the way of leaves whose paths test more than 12 features (`n_deep_leaves` counts them).

    Raises
    ------
    ArtefactError
        If the model has linear leaves, or no counts of training rows.

    Examples
    --------
    >>> import lightgbm as lgb, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> booster = lgb.train({"verbose": -1}, lgb.Dataset(X, X[:, 0] > 0), 10)
    >>> values = TreeTables(booster).contributions(X)
    >>> bool(np.allclose(values, booster.predict(X, pred_contrib=True), atol=1e-5))
    True
    """

    def __init__(
        self,
        booster: Booster,
        dtype: Literal["float32", "float64"] = "float32",
        *,
        threads: int | None = None,
        block: int = BLOCK,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        if dtype not in ("float32", "float64"):
            raise UsageError("dtype must be 'float32' or 'float64'", repr(dtype))
        self._threads = numba.config.NUMBA_NUM_THREADS if threads is None else threads
        if self._threads < 1 or block < 1:
            raise UsageError("threads and block must be 1 or more", f"{threads} and {block}")
        self._block = block
        self._trees = parse_trees(booster)
        self._codes = Codes.of(self._trees)
        self._tables = build_tables(self._trees, self._codes, dtype, max_bytes, self._threads)
        self._bias = self._trees.expected_values()
        self._scorer = Scorer.of(self._trees, self._codes)

    @property
    def n_features(self) -> int:
        """Columns of the matrix that the model reads."""
        return self._trees.n_features

    @property
    def n_classes(self) -> int:
        """1, or the number of classes of a multiclass model."""
        return self._trees.n_classes

    @property
    def bias(self) -> Floats:
        """(n_classes,) the mean raw score over the training rows: what the contributions start from."""
        return self._bias.copy()

    @property
    def nbytes(self) -> int:
        """Bytes held by the tables."""
        return self._tables.nbytes

    @property
    def n_deep_leaves(self) -> int:
        """Leaves summed by quadrature for each row, for their paths test too many features for a table."""
        return len(self._tables.deep.value)

    def contributions(self, X: npt.ArrayLike) -> Floats:
        """Return every feature's contribution to the raw score, laid out as LightGBM's `pred_contrib`.

        Parameters
        ----------
        X
            (n, n_features) matrix as the booster sees it: categories as their codes, missing values as NaN.

        Returns
        -------
        contributions
            (n, n_features + 1), the bias last; for a multiclass model the classes' blocks stand side by side,
            (n, n_classes · (n_features + 1)). A row's sum is its raw score.
        """
        X = self._checked(X)
        out = np.zeros((len(X), self.n_classes, self.n_features + 1))
        out[:, :, -1] = self._bias

        def fill(rows: slice) -> None:
            for of_class, phi in enumerate(self._phi(X[rows])):
                spread(phi, self._codes.features, out[rows, of_class])

        self._each_block(len(X), fill)
        return out.reshape(len(X), out.shape[1] * out.shape[2])

    def raw_score(self, X: npt.ArrayLike) -> Floats:
        """Return (n,) raw scores, or (n, n_classes), as `booster.predict(X, raw_score=True)`: without tables."""
        X = self._checked(X)
        out = np.zeros((len(X), self.n_classes))

        def fill(rows: slice) -> None:
            out[rows] = self._scorer.scores(self._coded(X[rows]))

        self._each_block(len(X), fill)
        return out[:, 0] if self.n_classes == 1 else out

    def top(self, X: npt.ArrayLike, k: int) -> Top:
        """Return each row's strongest contributions without ever holding all of them.

        Parameters
        ----------
        X
            (n, n_features) matrix as for `contributions`.
        k
            How many, at most the features of the model.

        Returns
        -------
        indices, values, raw
            (n, k) columns of the features of greatest magnitude, strongest first and the earlier column where two
            tie; (n, k) their contributions; (n,) the raw score, bias and all contributions added. For a multiclass
            model there is an axis of classes after the rows.
        """
        X = self._checked(X)
        if not 0 < k <= self.n_features:
            raise UsageError(f"k must be from 1 to the {self.n_features} features of the model", k)
        top = Top.room(len(X), self.n_classes, k)

        def fill(rows: slice) -> None:
            for of_class, phi in enumerate(self._phi(X[rows])):
                strongest(phi, self._codes.features, *top.part(rows, of_class))
            top.raw[rows] += self._bias

        self._each_block(len(X), fill)
        return top if self.n_classes > 1 else top.of_one_class()

    def top_groups(self, X: npt.ArrayLike, k: int, groups: Sequence[int] | npt.NDArray[np.integer]) -> TopGroups:
        """Return each row's strongest groups of features without ever holding all contributions.

        Parameters
        ----------
        X
            (n, n_features) matrix as for `contributions`.
        k
            How many, at most the groups there are.
        groups
            (n_features,) the number of each feature's group: 0, 1, 2 … without a gap.

        Returns
        -------
        groups, values, speakers, raw
            (n, k) numbers of the groups of greatest magnitude, strongest first and the lower number where two tie;
            (n, k) the sums of their features' contributions; (n, k) the column of each group that moves most in the
            group's own direction; (n,) the raw score. For a multiclass model there is an axis of classes after the
            rows.

        Examples
        --------
        >>> import lightgbm as lgb, numpy as np
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> booster = lgb.train({"verbose": -1}, lgb.Dataset(X, X[:, 0] - X[:, 2]), 10)
        >>> found = TreeTables(booster).top_groups(X, 1, groups=[0, 0, 1])
        >>> sorted(set(found.speakers[:, 0].tolist()))
        [0, 2]
        """
        X = self._checked(X)
        group_of, n_groups = check_groups(groups, self.n_features)
        if not 0 < k <= n_groups:
            raise UsageError(f"k must be from 1 to the {n_groups} groups", k)
        top = TopGroups.room(len(X), self.n_classes, k)

        def fill(rows: slice) -> None:
            phi_of_rows = np.zeros((rows.stop - rows.start, self.n_features))
            for of_class, phi in enumerate(self._phi(X[rows])):
                spread(phi, self._codes.features, phi_of_rows)
                strongest_groups(phi_of_rows, group_of, n_groups, *top.part(rows, of_class))
            top.raw[rows] += self._bias

        self._each_block(len(X), fill)
        return top if self.n_classes > 1 else top.of_one_class()

    def iter_top(
        self,
        X: npt.ArrayLike,
        k: int,
        groups: Sequence[int] | npt.NDArray[np.integer] | None = None,
        rows: int = ROWS_AT_ONCE,
    ) -> Iterator[tuple[slice, Top | TopGroups]]:
        """Yield `top`, or `top_groups` where groups are given, of consecutive rows: what is held is a block's.

        Parameters
        ----------
        X
            (n, n_features) matrix as for `contributions`, or one mapped from a file (`numpy.memmap`): its values are
            read block by block.
        k, groups
            As of `top` and `top_groups`.
        rows
            Rows of a block. Values do not depend on it.

        Yields
        ------
        rows, top
            Which rows of `X`; their strongest features or groups.
        """
        X = self._checked(X)
        if rows < 1:
            raise UsageError("rows must be 1 or more", rows)
        for first in range(0, len(X), rows):
            block = slice(first, min(first + rows, len(X)))
            yield block, self.top(X[block], k) if groups is None else self.top_groups(X[block], k, groups)

    def explanation(self, X: npt.ArrayLike) -> shap.Explanation:
        """Return the contributions as shap's plots take them; (n, n_features, n_classes) for a multiclass model."""
        from shap import Explanation  # shap takes seconds to import, and only this needs it

        X = self._checked(X)
        values = self.contributions(X).reshape(len(X), self.n_classes, self.n_features + 1)
        single = self.n_classes == 1
        return Explanation(
            values=values[:, 0, :-1] if single else values[:, :, :-1].transpose(0, 2, 1),
            base_values=values[:, 0, -1] if single else values[:, :, -1],
            data=X,
            feature_names=list(self._trees.feature_names),
        )

    def _checked(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return a matrix of numbers; blocks of it are made double, so that it is not held twice."""
        X = np.asarray(X)
        if X.dtype.kind not in "fiub":
            try:
                X = X.astype(np.float64)
            except (TypeError, ValueError):
                raise UsageError(
                    "X must hold numbers", f"{X.dtype} values", "Give categories as their codes, and no sparse matrix"
                ) from None
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise UsageError(f"X must be a matrix of the model's {self.n_features} features", f"shape {X.shape}")
        return X

    def _coded(self, X: npt.NDArray[Any]) -> CodeMatrix:
        return self._codes.code(np.ascontiguousarray(X, dtype=np.float64))

    def _phi(self, X: npt.NDArray[Any]) -> Iterator[Floats]:
        """Yield (n_used, n_rows) contributions for each class; the array is the same one each time."""
        codes = self._coded(X)
        phi = np.empty(codes.shape)
        for of_class in range(self.n_classes):
            phi[:] = 0.0
            self._tables.add(codes, of_class, phi)
            yield phi

    def _each_block(self, n_rows: int, work: Callable[[slice], None]) -> None:
        """Do the work on all blocks, over the threads: blocks of even size, a multiple of the threads."""
        rounds = -(-n_rows // (self._block * self._threads))
        size = max(1, -(-n_rows // max(1, rounds * self._threads)))
        blocks = [slice(first, min(first + size, n_rows)) for first in range(0, n_rows, size)]
        if len(blocks) < 2 or self._threads == 1:
            for block in blocks:
                work(block)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(work, blocks):
                pass
