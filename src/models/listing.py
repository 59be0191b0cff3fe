"""What is in the registry: every version with its dates, figures, verdict and approval; two of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appetence.errors import UsageError, did_you_mean
from appetence.models.artefact import CONTRACT_FILE, Contract, read_contract
from appetence.models.history import Promotion, promotions
from appetence.models.kinds import ATTRITION, EROSION
from appetence.models.tracking import RunFigures, StoredVersion, TrackingStore

_OWN_FIGURES = ("auc", "average_precision", "lift_10", "log_loss", "brier", "calibration_slope", "observed_expected")
_MODEL_FOLDER = "model"


@dataclass(frozen=True)
class Listed:
    """A version, what it was made from, and what its training's tests said.

    Attributes
    ----------
    contract
        None where the file cannot be read.
    figures
        Of the run that made it. Tests are of the model: what scores in its place has a verdict and no figures.
    """

    stored: StoredVersion
    contract: Contract | None
    figures: RunFigures

    @property
    def tested(self) -> Mapping[str, float]:
        """Figures of the tests: the model's by their names, a baseline's as `<baseline>.<name>`."""
        return self.figures.metrics if self.stored.directory.parent.name == _MODEL_FOLDER else {}

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """{baseline: {figure: value}} of the tests."""
        found: dict[str, dict[str, float]] = {}
        for name, value in self.tested.items():
            baseline, _, figure = name.rpartition(".")
            if baseline:
                found.setdefault(baseline.replace("_", " "), {})[figure] = value
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        stored = self.stored
        return {
            "version": stored.version,
            "aliases": list(stored.aliases),
            "kind": stored.kind,
            "horizon": stored.horizon,
            "trained_at": stored.registered_at,
            "fitted_on": [] if self.contract is None else list(self.contract.origins.fitted_on),
            "calibrated_on": [] if self.contract is None else list(self.contract.origins.calibrated_on),
            "figures": {name: value for name, value in self.tested.items() if "." not in name},
            "baselines": self.baselines,
            **stored.verdict.as_dict("verdict"),
            "approved_by": stored.approved_by or None,
            "approved_at": stored.approved_at or None,
            "why": stored.reason.en or None,
            "sha256": dict(stored.sha256),
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        stored, contract = self.stored, self.contract
        alias = ", ".join(stored.aliases) or "–"
        dates = "its contract cannot be read" if contract is None else _dates(contract)
        yield f"  version {stored.version}  [{alias}]  {stored.kind}, trained {stored.registered_at}, {dates}"
        if self.tested:
            yield "    test: " + "; ".join(
                [_figures(self.tested), *(_baseline(n, f) for n, f in self.baselines.items())]
            )
        yield f"    {stored.verdict}"
        if stored.approved_by:
            yield f"    approved {stored.approved_at} by {stored.approved_by}: {stored.reason}"


@dataclass(frozen=True)
class ModelList:
    """The versions of some questions, and their histories.

    Attributes
    ----------
    with_history
        Whether the promotions are told too.
    """

    versions: Mapping[str, Sequence[Listed]]
    history: Mapping[str, Sequence[Promotion]]
    with_history: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            question: {
                "versions": [one.as_dict() for one in versions],
                "promotions": [row.model_dump(mode="json") for row in self.history[question]],
            }
            for question, versions in self.versions.items()
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader: the newest version of each question first."""
        if not self.versions:
            yield "No model yet: appetence train"
        for question, versions in self.versions.items():
            yield question
            for one in reversed(versions):
                yield from one.lines()
            if self.with_history:
                yield "  history:"
                yield from (f"    {row.line}" for row in self.history[question])


@dataclass(frozen=True)
class Comparison:
    """Two versions of a question side by side, the second as seen from the first."""

    question: str
    first: Listed
    second: Listed

    @property
    def figures(self) -> dict[str, tuple[float | None, float | None]]:
        """Figures of either's own tests, which may have been at other dates."""
        one, other = self.first.tested, self.second.tested
        return {name: (one.get(name), other.get(name)) for name in _OWN_FIGURES if name in one or name in other}

    @property
    def parameters(self) -> dict[str, tuple[str | None, str | None]]:
        """Parameters and sizes that differ."""
        one, other = self.first.figures.params, self.second.figures.params
        names = sorted({*one, *other})
        return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}

    @property
    def added(self) -> list[str]:
        """Features that only the second reads."""
        return sorted(set(_features(self.second)) - set(_features(self.first)))

    @property
    def removed(self) -> list[str]:
        """Features that only the first reads."""
        return sorted(set(_features(self.first)) - set(_features(self.second)))

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "question": self.question,
            "versions": [self.first.as_dict(), self.second.as_dict()],
            "figures": {name: list(pair) for name, pair in self.figures.items()},
            "features_added": self.added,
            "features_removed": self.removed,
            "parameters": {name: list(pair) for name, pair in self.parameters.items()},
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        yield f"{self.question}: version {self.first.stored.version} and version {self.second.stored.version}"
        yield from self.first.lines()
        yield from self.second.lines()
        yield "  each one's own tests, which need not be of the same dates:"
        for name, pair in self.figures.items():
            yield f"    {name:<22}" + "".join(f"{'–' if value is None else f'{value:.4f}':>12}" for value in pair)
        yield f"  features added: {', '.join(self.added) or 'none'}"
        yield f"  features removed: {', '.join(self.removed) or 'none'}"
        yield "  parameters and sizes that differ:" if self.parameters else "  no parameter differs"
        for name, (one, other) in self.parameters.items():
            yield f"    {name:<22}  {_short(one)}  →  {_short(other)}"


def list_models(store: TrackingStore, config_name: str, question: str | None = None) -> ModelList:
    """Return all versions of a firm's models, or those of one question with its history.

    Raises
    ------
    UsageError
        The question has no model.
    """
    found: dict[str, list[StoredVersion]] = {}
    for name in store.names(f"{config_name}."):
        versions = store.versions(name)
        if versions:
            found[versions[0].question] = versions
    if question is not None:
        if question not in found:
            hint = did_you_mean(question, found) if found else "Train first: appetence train"
            raise UsageError("the question must have a model", repr(question), hint)
        found = {question: found[question]}
    ordered = sorted(found, key=lambda one: (one != ATTRITION, one != EROSION, one))
    return ModelList(
        {one: [listed(store, stored) for stored in found[one]] for one in ordered},
        {one: promotions(found[one]) for one in ordered},
        question is not None,
    )


def compare(models: ModelList, question: str, versions: tuple[int, int]) -> Comparison:
    """Put two versions of a question side by side.

    Raises
    ------
    UsageError
        A version that is not there.
    """
    there = {one.stored.version: one for one in models.versions[question]}
    for version in versions:
        if version not in there:
            known = ", ".join(map(str, sorted(there)))
            raise UsageError(f"a version to compare must be one of {question}'s", version, f"There are: {known}")
    return Comparison(question, there[versions[0]], there[versions[1]])


def listed(store: TrackingStore, stored: StoredVersion) -> Listed:
    """Read what is kept of a version beside the registry's own entry."""
    return Listed(stored, read_contract(stored.directory / CONTRACT_FILE), store.figures(stored.run_id))


def _features(one: Listed) -> tuple[str, ...]:
    return () if one.contract is None else one.contract.features


def _dates(contract: Contract) -> str:
    fitted, calibrated = contract.origins.fitted_on, contract.origins.calibrated_on
    parts = [f"fitted on {len(fitted)} cuts {fitted[0]} to {fitted[-1]}" if fitted else "fitted on none"]
    parts += [f"calibrated on {calibrated[0]} to {calibrated[-1]}"] if calibrated else []
    return ", ".join(parts)


def _figures(tested: Mapping[str, float]) -> str:
    found = []
    for name, label, digits in (("auc", "AUC", 3), ("log_loss", "log-loss", 4)):
        if name in tested:
            low, high = tested.get(f"{name}_low"), tested.get(f"{name}_high")
            bounds = "" if low is None or high is None else f" ({low:.{digits}f}–{high:.{digits}f})"
            found.append(f"{label} {tested[name]:.{digits}f}{bounds}")
    return ", ".join(found)


def _baseline(name: str, figures: Mapping[str, float]) -> str:
    return f"{name} " + ", ".join(f"{figures[key]:.{d}f}" for key, d in (("auc", 3), ("log_loss", 4)) if key in figures)


def _short(value: str | None) -> str:
    return "–" if value is None else value if len(value) <= 40 else value[:37] + "…"
