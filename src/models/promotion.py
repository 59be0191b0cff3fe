"""From a training to the models in use: every version is kept in MLflow, and a rule or a person says which one scores.

The first version that beats its baselines becomes the champion. A champion stays until another version is promoted over
it: a later training that beats its baselines gives its version the alias `challenger`, and moves nothing else. While
there is no champion, the newest fallback scores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from appetence import __version__
from appetence.config import TrainingSettings
from appetence.models.artefact import Artefact
from appetence.models.history import Promotion, history_file, promotions
from appetence.models.outcome import Outcome
from appetence.models.registry import ModelRef, model_name, resolve
from appetence.models.tracking import (
    BOOK,
    CHALLENGER,
    CHAMPION,
    DEFINITION,
    FALLBACK,
    STATE,
    VERDICT,
    VERDICT_FR,
    Data,
    RunRecord,
    StoredVersion,
    TrackingStore,
    now,
)
from appetence.models.training import TrainingResult
from appetence.models.verdicts import Verdict

FIRST_THAT_BEATS = "rule: first version that beats its baselines"
NO_CHAMPION = "rule: fallback while no version beats its baselines"


Describe = Callable[[StoredVersion, Artefact, Outcome, Sequence[Promotion]], Mapping[str, str]]
"""Writes files on a version, for the run that made it: {path: content}."""


def keep_training(
    store: TrackingStore,
    config_name: str,
    result: TrainingResult,
    settings: TrainingSettings,
    describe: Describe | None = None,
) -> dict[str, StoredVersion]:
    """Log a training with one nested run per question, register its models, and give aliases by the rule.

    Parameters
    ----------
    config_name
        The firm's: models are registered as `<config_name>.<question>`.
    settings
        As resolved; logged with the run.
    describe
        Writes the model card of each version.

    Returns
    -------
    dict
        {question: the version that got an alias}: champion, challenger, or fallback while there is no champion.
    """
    kept = {}
    with store.run(_training_record(config_name, result, settings)) as parent:
        for outcome in result.outcomes.values():
            with store.run(_question_record(outcome, settings, result.book_fingerprint), parent) as run_id:
                registered = _keep(store, config_name, outcome, run_id)
                for stored, artefact in registered:
                    if describe is not None:
                        history = promotions(store.versions(stored.name))
                        store.add_texts(run_id, describe(stored, artefact, outcome, history))
                    if stored.aliases:
                        kept[outcome.question] = stored
    return kept


def _keep(
    store: TrackingStore, config_name: str, outcome: Outcome, run_id: str
) -> list[tuple[StoredVersion, Artefact]]:
    """Register what a question brought, and give an alias where the rule says so."""
    name = model_name(config_name, outcome.question)
    before = resolve(store, config_name, outcome.question)
    has_champion = before is not None and before.alias == CHAMPION
    registered = []
    if outcome.model is not None:
        stored = store.register(name, outcome.model, run_id, verdict=outcome.verdict)
        if outcome.state == "beats" and has_champion:
            stored = store.point(stored, CHALLENGER)
        elif outcome.state == "beats":
            stored = put_in_use(store, stored, before, CHAMPION, FIRST_THAT_BEATS, outcome.verdict)
        registered.append((stored, outcome.model))
    if outcome.fallback is not None and not has_champion:
        stored = store.register(name, outcome.fallback, run_id, folder="fallback", verdict=outcome.verdict)
        stored = put_in_use(store, stored, before, FALLBACK, NO_CHAMPION, outcome.verdict)
        registered.append((stored, outcome.fallback))
    return registered


def put_in_use(
    store: TrackingStore,
    stored: StoredVersion,
    before: ModelRef | None,
    alias: str,
    by: str,
    why: Verdict,
    gate: dict[str, object] | None = None,
    overruled: bool = False,
) -> StoredVersion:
    """Write a promotion into the history, and then give the alias: what scores is never without its row.

    Parameters
    ----------
    before
        What scored until now.
    gate
        `Gate.as_dict`, where there was a comparison.
    """
    row = Promotion(
        question=stored.question,
        alias=alias,
        at=now(),
        by=by,
        why=why.en,
        overruled=overruled,
        from_version=None if before is None else before.version,
        to_version=stored.version,
        sha256=store.hashes(stored),
        gate=gate,
    )
    store.add_texts(stored.run_id, history_file([*promotions(store.versions(stored.name)), row]))
    approved = store.approve(stored, alias, by, why, row.at, row.model_dump_json())
    store.unpoint(approved, CHALLENGER)
    return approved


def _training_record(config_name: str, result: TrainingResult, settings: TrainingSettings) -> RunRecord:
    states = [outcome.state for outcome in result.outcomes.values()]
    return RunRecord(
        name=f"{config_name} training",
        params={name: value for name, value in settings.model_dump().items() if name != "parameters"},
        metrics={} if result.ranking is None else {f"ranking_{k}": v for k, v in result.ranking.flat().items()},
        data=[Data("book", "training", result.book_fingerprint, result.book_fingerprint)],
        tags={"code_version": __version__} | {f"questions.{state}": str(states.count(state)) for state in set(states)},
        texts={"training.json": _json(result.as_dict()), "settings.json": _json(settings.model_dump(mode="json"))},
    )


def _question_record(outcome: Outcome, settings: TrainingSettings, book_fingerprint: str) -> RunRecord:
    contract = next((model.contract for model in (outcome.model, outcome.fallback) if model is not None), None)
    params: dict[str, object] = dict(outcome.facts) | dict(settings.parameters)
    texts = {}
    if contract is not None:
        params |= {"horizon": contract.horizon, "gap": contract.gap}
        texts["origins.json"] = _json(contract.origins.model_dump(mode="json"))
        texts["features.json"] = _json(list(contract.features))
    if outcome.evaluation is not None:
        texts |= outcome.evaluation.texts()
    return RunRecord(
        name=outcome.question,
        params=params,
        metrics={} if outcome.evaluation is None else outcome.evaluation.flat(),
        tags={
            STATE: outcome.state,
            VERDICT: outcome.verdict.en,
            VERDICT_FR: outcome.verdict.fr,
            BOOK: book_fingerprint,
            DEFINITION: outcome.definition,
        },
        texts=texts,
        series={} if outcome.evaluation is None else outcome.evaluation.series(),
        data=_data(outcome, () if contract is None else contract.features, book_fingerprint),
    )


def _data(outcome: Outcome, features: Sequence[str], book_fingerprint: str) -> list[Data]:
    """Return the rows that a question learnt from and was tested on; none where it was refused."""
    if "label_hash" not in outcome.facts:
        return []
    sizes = {name: value for name, value in outcome.facts.items() if isinstance(value, int)}
    digest = str(outcome.facts["label_hash"])
    found = [Data(outcome.question, "training", digest, book_fingerprint, sizes, features)]
    if outcome.evaluation is not None:
        tested = {"rows": outcome.evaluation.rows, "events": outcome.evaluation.events}
        tested |= {"test_dates": len(outcome.evaluation.dates), "units": outcome.evaluation.units}
        found.append(Data(f"{outcome.question} tests", "evaluation", digest, book_fingerprint, tested, features))
    return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
