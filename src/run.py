"""The main job and its parts, wired: book → checks → models → scores → reports."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from appetence.book import Book, open_book
from appetence.book.checks import CheckReport, check_book
from appetence.book.simulate import simulate
from appetence.book.spark import SparkBook, require_spark_book
from appetence.config import Config
from appetence.errors import ArtefactError, PublicationError, UsageError
from appetence.features.pipeline import stream_features
from appetence.features.population import population
from appetence.models.approval import Approval, PromotionOutcome, promote, questions_with_a_challenger
from appetence.models.backtests.backtest import backtest_questions
from appetence.models.backtests.keep import keep_backtest
from appetence.models.backtests.result import BacktestResult
from appetence.models.card import Card
from appetence.models.credit import own_questions
from appetence.models.leaks import LeakReport, find_leaks
from appetence.models.listing import Comparison, ModelList, compare, list_models
from appetence.models.promotion import keep_training
from appetence.models.questions import ask
from appetence.models.registry import ModelRef, load, model_name, resolve, version_of
from appetence.models.tracking import CHALLENGER, CHAMPION, StoredVersion, TrackingStore
from appetence.models.training import TrainingResult, train_questions
from appetence.models.uplifts import UpliftResult, measure_uplift
from appetence.models.uplifts.learners import fit_effects
from appetence.models.uplifts.record import uplift_record
from appetence.models.verdicts import Verdict, untrained_yet
from appetence.months import Month
from appetence.progress import Progress, part, silent
from appetence.reports import read_published, write_reports
from appetence.reports.backtests import backtest_page, write_backtest
from appetence.reports.cards import card_files, refresh_cards, stored_card, write_card
from appetence.reports.model_report_data import report_anew
from appetence.reports.model_reports import (
    describing_reports,
    refresh_reports,
    report_pages,
    stored_report,
    write_report,
)
from appetence.reports.situations import read_directory
from appetence.reports.write import reports_of
from appetence.scoring.consents import objecting_clients
from appetence.scoring.job import ScoreOutcome, run_job
from appetence.scoring.plan import scorable_month
from appetence.scoring.served import rows_for
from appetence.scoring.uplift_targets import target_list
from appetence.scoring.what_if import what_if

if TYPE_CHECKING:
    from appetence.models.tuning_result import TuningResult

from appetence.value.backtest import ValueBacktest, backtest_value


@dataclass(frozen=True)
class Models:
    """What scores each question, why some cannot be asked of this book, and which were never trained."""

    refs: Mapping[str, ModelRef]
    refused: Mapping[str, Verdict]
    untrained: frozenset[str]

    @property
    def unanswered(self) -> Mapping[str, Verdict]:
        """Why a question has no score, for all that have none."""
        return {**self.refused, **dict.fromkeys(sorted(self.untrained), untrained_yet())}


@dataclass(frozen=True)
class RunOutcome:
    """What the main job did."""

    simulated: bool
    checked: CheckReport
    trained: TrainingResult | None
    scored: ScoreOutcome
    reports: Mapping[str, Path]
    reported: bool

    @property
    def changed(self) -> bool:
        """Whether anything was done at all."""
        return self.simulated or self.trained is not None or self.scored.published or self.reported

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "changed": self.changed,
            "simulated": self.simulated,
            "checks": self.checked.to_json(),
            "trained": None if self.trained is None else self.trained.as_dict(),
            "scored": self.scored.as_dict(),
            "reports": {language: str(path) for language, path in self.reports.items()},
        }

    def lines(self) -> Iterator[str]:
        """Return it for a reader, where to look last."""
        if not self.changed:
            yield f"Nothing to do: run {self.scored.run_id} of {self.scored.month} is published, its reports are there."
        else:
            yield f"book: {sum(self.checked.rows.values()):,} rows in {len(self.checked.rows)} tables" + (
                ", made up by the simulator" if self.simulated else ""
            )
            yield from (f"  {finding.severity}: {finding}" for finding in self.checked.findings)
            if self.trained is not None:
                yield "models:"
                yield from (f"  {line}" for line in self.trained.lines())
            yield from self.scored.lines()
        yield "Look at:"
        yield f"  scores   {self.scored.database} (views current_client_scores, current_appetence_scores, …)"
        yield from (f"  reports  {path}" for path in self.reports.values())


@dataclass(frozen=True)
class BacktestOutcome:
    """What a backtest found, and where its report and its run in MLflow are."""

    result: BacktestResult
    report: Path
    run_id: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**self.result.as_dict(), "report": str(self.report), "run_id": self.run_id}

    def lines(self) -> Iterator[str]:
        """Return it for a reader, where to look last."""
        yield from self.result.lines()
        yield "Look at:"
        yield f"  report  {self.report}"
        yield f"  MLflow  run {self.run_id}"


def run_all(config: Config, month: str | None, progress: Progress = silent) -> RunOutcome:
    """Do the whole monthly job; what is done already is left alone.

    Raises
    ------
    AppetenceError
        The first step that cannot be done; what was published before stays as it was.
    """
    simulated = _simulated(config, part(progress, 0.0, 0.08))
    with _checked(config, part(progress, 0.08, 0.1)) as (book, checked):
        store = TrackingStore(config.tracking, config.name)
        models, trained = models_in_use(config, book, store), None
        if models.untrained:
            trained = _train(config, book, store, models.untrained, part(progress, 0.1, 0.7))
            models = models_in_use(config, book, store)
        scored = run_job(config, book, models.refs, models.unanswered, month, None, part(progress, 0.7, 0.9), store)
        reports, reported = _reports(config, book, scored.month, scored.run_id, part(progress, 0.9, 1.0))
    return RunOutcome(simulated, checked, trained, scored, reports, reported)


def check_leaks(config: Config, progress: Progress = silent) -> LeakReport:
    """Look for leaks of the future into what the models learn from; the book must pass its checks first."""
    with _checked(config, part(progress, 0.0, 0.05)) as (book, _):
        settings = (config.asking, config.features, config.training)
        return find_leaks(book, *settings, part(progress, 0.05, 1.0))


def train_all(config: Config, only: Collection[str] | None, progress: Progress = silent) -> TrainingResult:
    """Train questions anew and keep every version; a champion stays until another is promoted over it."""
    _simulated(config, part(progress, 0.0, 0.1))
    with _checked(config, part(progress, 0.1, 0.12)) as (book, _):
        store = TrackingStore(config.tracking, config.name)
        return _train(config, book, store, only, part(progress, 0.12, 1.0))


def backtest_all(config: Config, only: Collection[str] | None, progress: Progress = silent) -> BacktestOutcome:
    """Judge questions over rolling origins, write the report, and log both; no model is kept or promoted."""
    _simulated(config, part(progress, 0.0, 0.1))
    with _checked(config, part(progress, 0.1, 0.12)) as (book, _):
        store = TrackingStore(config.tracking, config.name)
        result = backtest_questions(
            book,
            config.asking,
            config.features,
            config.training,
            config.backtest,
            only,
            part(progress, 0.12, 0.95),
        )
        newest, products = Month.before(book.observed_until), read_directory(book).products
        asked = own_questions(book, config.asking)
    progress("writing the report, keeping figures in MLflow", 0.95)
    own = {one.name: one.model_dump(include={"label_en", "label_fr"}) for one in asked}
    title = config.title or config.name
    page = backtest_page(result, products, own=own, title=title, languages=config.languages, month=newest)
    path = write_backtest(page, Path(config.reports.directory), newest, only)
    run_id = keep_backtest(store, config.name, result, config.training, config.backtest, {path.name: page})
    return BacktestOutcome(result, path, run_id)


def backtest_money(config: Config, progress: Progress = silent) -> ValueBacktest:
    """Check what clients were said to bring in a year against what they did, at earlier dates."""
    _simulated(config, part(progress, 0.0, 0.1))
    with _checked(config, part(progress, 0.1, 0.12)) as (book, _):
        return backtest_value(
            book,
            config.asking,
            config.features,
            config.training,
            config.backtest,
            config.value,
            config.currency,
            part(progress, 0.12, 1.0),
        )


def tune(
    config: Config, question: str, minutes: float | None, trials: int | None, progress: Progress = silent
) -> TuningResult:
    """Search the parameters of a question; `minutes` and `trials` go before those of the config."""
    from appetence.models.tuning import tune_question  # Optuna, which no other command needs

    given = {"time_budget": minutes, "trials": trials}
    settings = config.tuning.model_copy(update={name: value for name, value in given.items() if value is not None})
    _simulated(config, part(progress, 0.0, 0.05))
    with _checked(config, part(progress, 0.05, 0.07)) as (book, _):
        return tune_question(
            book,
            question,
            config.asking,
            config.features,
            config.training,
            settings,
            TrackingStore(config.tracking, config.name),
            part(progress, 0.07, 1.0),
        )


def uplift_of(config: Config, product: str | None, targets: Path | None, progress: Progress = silent) -> UpliftResult:
    """Measure whom offers change and keep the figures; write whom to offer what where it is beyond chance.

    Parameters
    ----------
    product
        None for all products together.
    targets
        A Parquet file for the list of targets; None for none.

    Raises
    ------
    PublicationError
        Targets were asked for and the order is no better than chance; nothing is written then.
    """
    _simulated(config, part(progress, 0.0, 0.1))
    with _checked(config, part(progress, 0.1, 0.15)) as (book, _):
        horizon = config.uplift.horizon or config.next_product.horizon
        settings = (horizon, config.uplift.min_buyers, config.features, config.training)
        result = measure_uplift(book, product, *settings, part(progress, 0.15, 0.9))
        fingerprint = book.fingerprint(book.observed_until)
        store = TrackingStore(config.tracking, config.name)
        with store.run(uplift_record(result, config.training, fingerprint)):
            pass
        if targets is not None:
            progress("finding whom to offer what", 0.9)
            _write_targets(config, book, result, targets)
    return result


def _write_targets(config: Config, book: Book, result: UpliftResult, out: Path) -> None:
    """Fit the learner chosen on all that is known by now, and write the list for the month after the book's end."""
    if result.draws is None or result.judgement is None or not result.judgement.found:
        raise PublicationError("targets must be better than clients drawn at random", result.state, f"{result.verdict}")
    with threadpool_limits(1):
        model = fit_effects(result.draws, config.training.parameters, config.training.seed)
        found = target_list(
            book,
            model,
            result.judgement.learner,
            sorted(result.sides),
            book.observed_until,
            config.features,
            config.value,
        )
    with _whole_or_not(out) as scratch:
        pq.write_table(found, scratch)


@contextmanager
def _whole_or_not(out: Path) -> Iterator[Path]:
    """Give a file to write to, which takes its place under the wanted name only when nothing went wrong."""
    scratch = out.with_name(f".{out.name}.part")
    try:
        yield scratch
        scratch.replace(out)
    finally:
        scratch.unlink(missing_ok=True)


def promote_version(
    config: Config,
    question: str | None,
    version: int | None,
    approval: Approval,
    progress: Progress = silent,
) -> PromotionOutcome:
    """Hold a version to the gate beside what is in use, and put it in use where it wins or a person overrules.

    Parameters
    ----------
    question
        None for the one that has a challenger.
    version
        None for the challenger.
    """
    with _checked(config, part(progress, 0.0, 0.2)) as (book, _):
        store = TrackingStore(config.tracking, config.name)
        if question is None:
            asked = ask(book, config.asking)
            waiting = questions_with_a_challenger(store, config.name, [one.name for one in asked.questions])
            if len(waiting) != 1:
                hint = f"Name one of them: {', '.join(waiting)}" if waiting else "Train anew: appetence train"
                raise UsageError("promote must be told the question, unless one has a challenger", len(waiting), hint)
            question = waiting[0]
        asked = ask(book, config.asking, [question])
        if not asked.questions:
            raise UsageError("the question must be one that a model answers", repr(question))
        settings = (config.features, config.training, part(progress, 0.2, 1.0))
        outcome = promote(store, config.name, book, asked.questions[0], version, approval, *settings)
        if outcome.promoted:
            changed = [number for number in (outcome.version, outcome.before) if number is not None]
            refresh_cards(store, model_name(config.name, question), changed)
            refresh_reports(store, model_name(config.name, question), changed, config.currency)
        return outcome


def models_of(config: Config, question: str | None, versions: tuple[int, int] | None) -> ModelList | Comparison:
    """Return what is in the registry, or two versions of a question side by side."""
    models = list_models(TrackingStore(config.tracking, config.name), config.name, question)
    return models if question is None or versions is None else compare(models, question, versions)


def write_model_card(config: Config, question: str, version: int | None, out: Path) -> list[Path]:
    """Write the card of a version, by default of what scores the question, with the approvals there are now.

    Raises
    ------
    UsageError
        The question has no model, no such version, or one that was trained before there were cards.
    """
    store = TrackingStore(config.tracking, config.name)
    models = list_models(store, config.name, question)
    stored, card = _with_card(config, store, models, question, version)
    return write_card(card_files(card, stored, models.history[question]), out)


def write_model_report(
    config: Config, question: str, version: int | None, out: Path, progress: Progress = silent
) -> list[Path]:
    """Write the report of a version, by default of what scores the question: a page per language.

    One that was kept without a report is explained anew on the book, and has no curves of held-out scores.

    Raises
    ------
    UsageError
        The question has no model, no such version, or one that was trained before there were cards.
    """
    store = TrackingStore(config.tracking, config.name)
    stored, card = _with_card(config, store, list_models(store, config.name, question), question, version)
    report = stored_report(store, stored)
    if report is None:
        artefact = load(ModelRef(question, "", stored))
        with _checked(config, part(progress, 0.0, 0.2)) as (book, _):
            progress("explaining the model on its newest month", 0.2)
            asked = ask(book, config.asking, [question]).questions
            if not asked:
                raise UsageError("the question must be one that a model answers", repr(question))
            report = report_anew(book, asked[0], artefact, config.features, config.training)
    return write_report(report_pages(report, card, stored, config.currency), out)


def _with_card(
    config: Config, store: TrackingStore, models: ModelList, question: str, version: int | None
) -> tuple[StoredVersion, Card]:
    """Return a version, by default what scores the question, with its card."""
    ref = resolve(store, config.name, question)
    chosen = version or (models.versions[question][-1].stored.version if ref is None else ref.version)
    stored = version_of(store, config.name, question, chosen).stored
    card = stored_card(store, stored)
    if card is None:
        raise UsageError("the version must have a card", f"none with version {chosen}", "Train anew: appetence train")
    return stored, card


def score_month(config: Config, month: str | None, why: str | None, progress: Progress = silent) -> ScoreOutcome:
    """Score a month with the models in use, and publish it."""
    with _checked(config, part(progress, 0.0, 0.1)) as (book, _):
        store = TrackingStore(config.tracking, config.name)
        models = models_in_use(config, book, store)
        if models.untrained and not models.refs:
            raise PublicationError("a model must be trained before a month is scored", hint="First: appetence train")
        return run_job(config, book, models.refs, models.unanswered, month, why, part(progress, 0.1, 1.0), store)


def ask_what_if(config: Config, client_id: str, month: Month, progress: Progress = silent) -> pa.Table:
    """Ask the models of a published month what would change one client's scores."""
    with _checked(config, part(progress, 0.0, 0.5)) as (book, _):
        progress("asking what would change the scores", 0.5)
        return what_if(config, book, TrackingStore(config.tracking, config.name), client_id, month)


def report_month(config: Config, month: str | None, progress: Progress = silent) -> Sequence[Path]:
    """Write the reports of a published month anew; return the pages to open first."""
    with _checked(config, part(progress, 0.0, 0.2)) as (book, _):
        chosen = scorable_month(month, Month.of(book.observed_from), Month.before(book.observed_until))
        return tuple(_write(config, book, str(chosen), part(progress, 0.2, 1.0)).values())


def write_features(
    config: Config, months: Sequence[str], out: Path, engine: Literal["duckdb", "spark"] = "duckdb"
) -> tuple[int, int]:
    """Write the feature table of some months to a Parquet file; return its numbers of rows and features."""
    with _checked_on(config, engine) as book:
        first, newest = Month.of(book.observed_from), Month.before(book.observed_until)
        chosen = {scorable_month(month, first, newest) for month in months or [str(newest)]}
        spine = population(book, sorted(month.cut for month in chosen))
        found = stream_features(book, spine, config.features)
        with _whole_or_not(out) as scratch, pq.ParquetWriter(scratch, found.schema) as writer:
            for block in found.blocks:
                writer.write_table(block)
                del block  # before the next one is built
    return len(spine), len(found.features)


def write_model_rows(config: Config, question: str, months: Sequence[str], out: Path) -> tuple[int, int]:
    """Write what the model in use for a question reads of some months; return the numbers of rows and features.

    Raises
    ------
    UsageError
        The question has no model in use.
    """
    ref = resolve(TrackingStore(config.tracking, config.name), config.name, question)
    if ref is None:
        raise UsageError("the question must have a model in use", repr(question), "First: appetence train")
    artefact = load(ref)
    with _checked(config, silent) as (book, _):
        first, newest = Month.of(book.observed_from), Month.before(book.observed_until)
        chosen = {scorable_month(month, first, newest) for month in months or [str(newest)]}
        spine = population(book, sorted(month.cut for month in chosen))
        rows = rows_for(book, artefact, spine, config.features, objecting_clients(book))
    with _whole_or_not(out) as scratch:
        pq.write_table(rows, scratch)
    return len(rows), len(artefact.features)


def models_in_use(config: Config, book: Book, store: TrackingStore) -> Models:
    """Resolve every question's alias once; refusals are those told of this very book."""
    asked = ask(book, config.asking)
    found = {question.name: resolve(store, config.name, question.name) for question in asked.questions}
    definitions = {question.name: question.definition for question in asked.questions}
    refs = {name: ref for name, ref in found.items() if ref is not None and _answers(ref, definitions[name])}
    told = {**asked.refused, **store.refusals(book.fingerprint(book.observed_until), definitions)}
    refused = {name: reason for name, reason in told.items() if name not in refs}
    return Models(refs, refused, frozenset(found) - set(refs) - set(refused))


def _answers(ref: ModelRef, definition: str) -> bool:
    """Say whether a model answers what the config asks now; a plain rate that does not is simply made anew.

    Raises
    ------
    ArtefactError
        It is a champion, which only a person replaces.
    """
    if ref.stored.definition != definition and ref.alias == CHAMPION:
        raise ArtefactError(
            f"the model of question {ref.question!r} must answer what the config asks",
            "another target or population than it was made for",
            f"Give the changed question a name of its own; or train it, and put that version in use: appetence train "
            f"-q {ref.question}, then appetence promote {ref.question} --anyway",
        )
    return ref.stored.definition == definition


def _simulated(config: Config, progress: Progress) -> bool:
    """Make up the demo book where the config asks for one and there is none; say whether it was made."""
    book = config.book
    if book.simulate is None or book.directory is None or Path(book.directory, "clients.parquet").exists():
        return False
    simulate(book.simulate, Path(book.directory), progress)
    return True


@contextmanager
def _checked(config: Config, progress: Progress) -> Iterator[tuple[Book, CheckReport]]:
    """Open the book, and stop where its checks find an error."""
    progress("opening and checking the book", 0.0)
    with open_book(config.book) as book:
        report = check_book(book)
        report.raise_for_errors()
        yield book, report


@contextmanager
def _checked_on(config: Config, engine: Literal["duckdb", "spark"]) -> Iterator[Book | SparkBook]:
    """Open the checked book on an engine. The checks are DuckDB's for both: a pass per table, which spills to disk."""
    if engine == "spark":
        require_spark_book(config.book)
    with _checked(config, silent) as (book, _):
        if engine == "duckdb":
            yield book
            return
        set_aside = book.quarantined()
    with SparkBook(config.book, set_aside=set_aside) as on_spark:
        yield on_spark


def _train(
    config: Config, book: Book, store: TrackingStore, only: Collection[str] | None, progress: Progress
) -> TrainingResult:
    result = train_questions(
        book,
        config.asking,
        config.features,
        config.training,
        only,
        part(progress, 0.0, 0.9),
    )
    progress("keeping models and figures in MLflow", 0.9)
    describe = describing_reports(book, result, config.training, config.currency)
    kept = keep_training(store, config.name, result, config.training, describe)
    challengers = {question: stored.version for question, stored in kept.items() if CHALLENGER in stored.aliases}
    return replace(result, challengers=challengers)


def _reports(
    config: Config, book: Book, month: str, run_id: str, progress: Progress
) -> tuple[Mapping[str, Path], bool]:
    """Write the month's reports unless they are there for this very run; say whether they were written."""
    there = reports_of(run_id, Path(config.reports.directory), Month.parse(month), config.languages)
    if there is not None:
        return there, False
    return _write(config, book, month, progress), True


def _write(config: Config, book: Book, month: str, progress: Progress) -> Mapping[str, Path]:
    return write_reports(
        read_published(Path(config.scoring.database), Month.parse(month)),
        book,
        config.reports,
        languages=config.languages,
        title=config.title or config.name,
        currency=config.currency,
        coverage=config.features.coverage,
        progress=progress,
    ).overviews
