"""The monthly job: plan → features → score → stage → audit → publish."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from appetence import __version__
from appetence.book import Book
from appetence.book.spine import SPINE
from appetence.config import Config, OwnQuestion, ScenarioSettings
from appetence.errors import BookError, PublicationError
from appetence.features.own import load_own
from appetence.features.pipeline import FeatureTable, build_features
from appetence.features.population import population
from appetence.features.topics import why_no_topics
from appetence.models.artefact import Artefact
from appetence.models.credit import own_questions
from appetence.models.health import Health, InUse, champions_health, health_lines
from appetence.models.questions import ask
from appetence.models.registry import ModelRef, load_models
from appetence.models.rows import check_usable
from appetence.models.tracking import CHAMPION, TrackingStore
from appetence.models.verdicts import Verdict
from appetence.months import Month
from appetence.progress import Progress, part, silent
from appetence.scoring.audit import AuditFinding, audit, raise_on_failure
from appetence.scoring.changes import Changes, at_cut
from appetence.scoring.consents import objecting_clients
from appetence.scoring.earlier import Earlier, read_earlier, with_models
from appetence.scoring.plan import Plan, canonical, plan_run, scorable_month, with_objections
from appetence.scoring.room import value_room
from appetence.scoring.score import MonthScores, score_clients
from appetence.scoring.sink_duckdb import DuckdbSink, PublishedRun
from appetence.scoring.tables import RUN_TABLES
from appetence.value.segment_rules import SegmentRules, load_segments


@dataclass(frozen=True)
class ScoreOutcome:
    """What became of a month.

    Parameters
    ----------
    published
        False: the month was published before from the same facts, models and settings.
    unanswered
        Per question without a model, the reason.
    health
        Per question that a champion scores, how it does on months since it was trained; empty where nothing was done.
    """

    month: str
    run_id: str
    published: bool
    database: str
    clients: int
    objected: int
    questions: tuple[str, ...]
    unanswered: Mapping[str, Verdict]
    audit: tuple[AuditFinding, ...]
    health: Mapping[str, Health] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "month": self.month,
            "run_id": self.run_id,
            "published": self.published,
            "database": self.database,
            "clients": self.clients,
            "objected": self.objected,
            "questions": list(self.questions),
            "unanswered": {question: str(reason) for question, reason in self.unanswered.items()},
            "audit": [
                {"check": f.check, "figure": f.figure, "passed": f.passed, "warning": f.warning} for f in self.audit
            ],
            "health": {question: found.as_dict() for question, found in self.health.items()},
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader."""
        if self.published:
            yield f"scores: {self.month} published as run {self.run_id}: {self.clients:,} clients" + (
                f" ({self.objected:,} who object to profiling left out)" if self.objected else ""
            )
        else:
            yield f"scores: nothing to do, run {self.run_id} of {self.month} has the same facts, models and settings"
        for question, reason in self.unanswered.items():
            yield f"  {question}: not scored. {reason}"
        yield from health_lines(self.health)


def run_job(
    config: Config,
    book: Book,
    refs: Mapping[str, ModelRef],
    unanswered: Mapping[str, Verdict],
    month: str | None,
    why: str | None,
    progress: Progress = silent,
    store: TrackingStore | None = None,
) -> ScoreOutcome:
    """Score a month and publish it: all, or nothing.

    Parameters
    ----------
    refs
        Per question, the model version to score with.
    unanswered
        Per question without a model, the reason; kept with the run.
    why
        The reason for replacing a month that was published from something else.
    store
        Where models of earlier months are looked for; without it, only those in use are known.

    Raises
    ------
    UsageError
        The book does not show the month.
    PublicationError
        The month needs a reason to be replaced, or the scores failed the audit.
    """
    newest = Month.before(book.observed_until)
    chosen = scorable_month(month, Month.of(book.observed_from), newest)
    objecting = objecting_clients(book)
    progress("reading what was known of every client", 0.0)
    fingerprint = with_objections(book.fingerprint(chosen.cut), objecting)
    own = own_questions(book, config.asking)
    rules = None if config.value.segments is None else load_segments(config.value.segments)
    with DuckdbSink(Path(config.scoring.database)) as sink:
        sink.discard_unpublished()
        plan = plan_run(sink, chosen, fingerprint, _models(refs, unanswered, own), _settings(config, rules), why)
        if isinstance(plan, PublishedRun):
            return _nothing_to_do(plan, config, refs, unanswered)
        started = dt.datetime.now(dt.UTC)
        earlier = read_earlier(sink, chosen)
        both, left_out = _features(config, book, chosen.cut, objecting, earlier)
        table = at_cut(both, chosen.cut)
        progress("checking the models", 0.2)
        artefacts = load_models(refs.values())
        _check_models(config, book, table, artefacts)
        scores = score_clients(
            book,
            chosen.cut,
            table,
            artefacts,
            config.scoring,
            config.value,
            config.currency,
            own,
            part(progress, 0.25, 0.65),
        )
        changes = Changes(config, book, chosen.cut, refs, artefacts, scores)
        if earlier is not None:
            earlier = with_models(earlier, store, refs, artefacts)
        scores = replace(
            scores,
            score_moves=changes.moves(both, earlier, part(progress, 0.65, 0.75)),
            score_scenarios=changes.scenarios(part(progress, 0.75, 0.82)),
        )
        progress("telling segments and key figures", 0.82)
        room = value_room(book, chosen, table, scores.client_scores, rules, config.value, config.currency, sink)
        scores = replace(scores, **vars(room))
        health = _health(config, book, chosen.cut, refs, artefacts, part(progress, 0.84, 0.9))
        progress("writing, auditing and publishing", 0.9)
        clients = len(table.data)
        _stage(sink, plan, scores, started, clients, left_out)
        findings = _audit_and_publish(sink, plan, clients, objecting, _warnings(health))
    return ScoreOutcome(
        str(chosen),
        plan.run_id,
        True,
        config.scoring.database,
        clients,
        left_out,
        tuple(refs),
        unanswered,
        findings,
        health,
    )


def _features(
    config: Config, book: Book, cut: dt.date, objecting: frozenset[str], earlier: Earlier | None
) -> tuple[FeatureTable, int]:
    """Return the features of every client who may be scored, and how many may not.

    Of those who were scored in an earlier month the features of then are beside them: two cuts take one pass.
    """
    everyone = population(book, [cut])
    if len(everyone) == 0:
        raise BookError(
            "at least one client must hold a contract at the end of the month",
            f"none before {cut}",
            "Look at opened_on and closed_on of the contracts",
        )
    objects = pc.is_in(everyone["client_id"], pa.array(sorted(objecting), pa.string()))
    spine = everyone.filter(pc.invert(objects))
    whole = spine
    if earlier is not None:
        then = spine.filter(pc.is_in(spine["client_id"], earlier.clients)).drop_columns(["cut"])
        cuts = pa.array([earlier.month.cut] * len(then), pa.date32())
        whole = pa.concat_tables([spine, then.append_column(SPINE.field("cut"), cuts).cast(SPINE)])
    return build_features(book, whole, config.features), len(everyone) - len(spine)


def _check_models(config: Config, book: Book, table: FeatureTable, artefacts: Mapping[str, Artefact]) -> None:
    """Refuse models that read features or topics which the firm has switched off since, or keeps no more."""
    no_topics = why_no_topics(book, config.features)
    for artefact in artefacts.values():
        check_usable(artefact, [feature.name for feature in table.features], no_topics)


def _health(
    config: Config,
    book: Book,
    cut: dt.date,
    refs: Mapping[str, ModelRef],
    artefacts: Mapping[str, Artefact],
    progress: Progress,
) -> Mapping[str, Health]:
    """Look at every champion on the newest month that is over by the cut and that it has not learnt from."""
    asked = ask(book, config.asking).questions
    champions = [
        InUse(question, refs[question.name].version, artefacts[question.name])
        for question in asked
        if question.name in refs and refs[question.name].alias == CHAMPION
    ]
    return champions_health(book, champions, cut, config.features, config.training, progress)


def _warnings(health: Mapping[str, Health]) -> tuple[AuditFinding, ...]:
    """Return what the audit says of champions: it never keeps scores from being published."""
    check = "{question}: the champion beats its plain baselines on months since it was trained"
    return tuple(
        AuditFinding(check.format(question=question), found.verdict.en, found.state == "beats", warning=True)
        for question, found in health.items()
        if found.state != "unknown"
    )


def _models(refs: Mapping[str, ModelRef], unanswered: Mapping[str, Verdict], own: Sequence[OwnQuestion]) -> str:
    """Return what scored each question, and how readers know those of the firm's own."""
    described: dict[str, Any] = {
        question: {
            "name": ref.name,
            "version": ref.version,
            "alias": ref.alias,
            "horizon": ref.stored.horizon,
            "sha256": dict(ref.stored.sha256),
            **ref.stored.verdict.as_dict("verdict"),
        }
        for question, ref in refs.items()
    }
    described |= {question: reason.as_dict("refused") for question, reason in unanswered.items()}
    for question in own:
        if question.name in described:
            described[question.name] |= {"label_en": question.label_en, "label_fr": question.label_fr}
    return canonical(described)


def _settings(config: Config, rules: SegmentRules | None) -> str:
    """Return the settings that scores depend on; of files that it names, what they hold."""
    used = {"currency", "features", "value"}
    settings = config.model_dump(mode="json", include=used)
    if rules is not None:
        settings["value"]["segments"] = rules.version
    settings["scoring"] = config.scoring.model_dump(mode="json", exclude={"database"})
    settings["features"]["own"] = {group.name: group.sha256 for group in load_own(config.features.own)}
    if config.scenarios != ScenarioSettings():  # months published before there were scenarios are as they would be now
        settings["scenarios"] = config.scenarios.model_dump(mode="json")
    if config.questions:
        settings["questions"] = [question.model_dump(mode="json") for question in config.questions]
    return canonical(settings)


def _stage(
    sink: DuckdbSink, plan: Plan, scores: MonthScores, started: dt.datetime, clients: int, objected: int
) -> None:
    run = {
        "run_id": plan.run_id,
        "month": str(plan.month),
        "state": "staged",
        "started_at": started,
        "finished_at": None,
        "book_fingerprint": plan.fingerprint,
        "models": plan.models,
        "settings": plan.settings,
        "code_version": __version__,
        "clients": clients,
        "objected": objected,
        "supersedes": plan.supersedes,
        "why": plan.why,
    }
    tables = {table.name: getattr(scores, table.name) for table in RUN_TABLES}
    sink.stage(run, {name: _of_run(rows, plan) for name, rows in tables.items()})


def _of_run(rows: pa.Table, plan: Plan) -> pa.Table:
    for name, value in (("run_id", plan.run_id), ("month", str(plan.month))):
        rows = rows.append_column(pa.field(name, pa.string()), pa.repeat(value, len(rows)))
    return rows


def _audit_and_publish(
    sink: DuckdbSink, plan: Plan, clients: int, objecting: frozenset[str], warnings: tuple[AuditFinding, ...]
) -> tuple[AuditFinding, ...]:
    before = sink.published(str(plan.month - 1))
    try:
        findings = (
            *audit(sink, plan.run_id, clients, objecting, None if before is None else before.run_id),
            *warnings,
        )
        raise_on_failure(findings)
    except PublicationError:
        sink.fail(plan.run_id, dt.datetime.now(dt.UTC))
        raise
    sink.publish(plan.run_id, str(plan.month), dt.datetime.now(dt.UTC))
    return findings


def _nothing_to_do(
    shown: PublishedRun, config: Config, refs: Mapping[str, ModelRef], unanswered: Mapping[str, Verdict]
) -> ScoreOutcome:
    return ScoreOutcome(
        shown.month,
        shown.run_id,
        False,
        config.scoring.database,
        shown.clients,
        shown.objected,
        tuple(refs),
        unanswered,
        (),
    )
