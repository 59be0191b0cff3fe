"""The commands. Heavy imports stay inside them, so that `--help` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from appetence import __version__
from appetence.errors import AppetenceError, UsageError
from appetence.months import Month

if TYPE_CHECKING:
    from appetence.config import Config

app = typer.Typer(
    name="appetence",
    help="Who is leaving, who is ready for what, and why: scores and reports for a book of financial clients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The firm's config file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
MonthOption = Annotated[str | None, typer.Option("--month", "-m", help="YYYY-MM; the newest full month by default.")]
DEFAULT_CONFIG = Path("configs/demo.yaml")


def main() -> None:
    """Run the command line: exit code 0 done, 1 failed check or refused, 2 wrong use."""
    try:
        app()
    except AppetenceError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("interrupted: nothing half-done was published", file=sys.stderr)
        raise SystemExit(130) from None


def _version(wanted: bool) -> None:
    if wanted:
        print(f"appetence {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None: ...


def _load(path: Path) -> Config:
    from appetence.config import load_config

    return load_config(path)


def _emit(result: dict[str, Any], lines: Iterable[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=2, default=str))
    else:
        for line in lines:
            print(line)


@app.command()
def run(
    config: ConfigOption = DEFAULT_CONFIG,
    month: MonthOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do the whole monthly job: check the book, train what has no model, score the month, write the reports."""
    from appetence.progress import show_progress
    from appetence.run import run_all

    with show_progress() as progress:
        outcome = run_all(_load(config), month, progress)
    _emit(outcome.as_dict(), outcome.lines(), as_json)


@app.command()
def simulate(
    config: ConfigOption = DEFAULT_CONFIG,
    out: Annotated[Path | None, typer.Option(help="Where to write; book.directory of the config by default.")] = None,
    clients: Annotated[int | None, typer.Option(help="How many clients; as in the config by default.")] = None,
    months: Annotated[int | None, typer.Option(help="How many months; as in the config by default.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same bytes.")] = None,
) -> None:
    """Make up a client book with known truth."""
    from appetence.book.simulate import simulate as simulate_book
    from appetence.config import SimulateSettings
    from appetence.progress import show_progress

    book = _load(config).book
    chosen = {"clients": clients, "months": months, "seed": seed}
    base = (book.simulate or SimulateSettings()).model_dump()
    settings = SimulateSettings.model_validate(base | {k: v for k, v in chosen.items() if v is not None})
    directory = out or (Path(book.directory) if book.directory else None)
    if directory is None:
        raise UsageError("simulate must know where to write", hint="Give --out DIRECTORY")
    with show_progress() as progress:
        simulate_book(settings, directory, progress)
    print(f"simulated {settings.clients:,} clients over {settings.months} months in {directory}")


@app.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    leaks: Annotated[
        bool, typer.Option("--leaks", help="Look for leaks of the future into what is learnt from; takes minutes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the client book and the config's own questions: errors, warnings, rows set aside. Or look for leaks."""
    if leaks:
        _check_leaks(_load(config), as_json)
        return
    from appetence.book import open_book
    from appetence.book.checks import check_book
    from appetence.targets.own import require_readable

    settings = _load(config)
    with open_book(settings.book) as book:
        report = check_book(book)
        require_readable(book, settings.questions)
    lines = [f"{count:>12,}  {table}" for table, count in report.rows.items()]
    lines += [f"{finding.severity}: {finding}" for finding in report.findings]
    _emit(report.to_json(), [*lines, "the book may be used" if report.ok else "the book may not be used"], as_json)
    if not report.ok:
        raise typer.Exit(1)


def _check_leaks(config: Config, as_json: bool) -> None:
    from appetence.progress import show_progress
    from appetence.run import check_leaks

    with show_progress() as progress:
        report = check_leaks(config, progress)
    _emit(report.as_dict(), report.lines(), as_json)
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def features(
    config: ConfigOption = DEFAULT_CONFIG,
    month: Annotated[list[str] | None, typer.Option("--month", "-m", help="YYYY-MM; may be given often.")] = None,
    out: Annotated[Path, typer.Option(help="A Parquet file to write.")] = Path("features.parquet"),
    engine: Annotated[
        Literal["duckdb", "spark"], typer.Option(help="What computes them; the numbers are the same.")
    ] = "duckdb",
    question: Annotated[
        str | None,
        typer.Option("--question", "-q", help="Only what the model in use for it reads, topics of messages included."),
    ] = None,
) -> None:
    """Write what was known of each client at the end of one month or of many."""
    from appetence.run import write_features, write_model_rows

    if question is not None and engine != "duckdb":
        raise UsageError("--question must be without --engine spark", engine, "Topics of messages are DuckDB's alone")
    if question is not None:
        rows, columns = write_model_rows(_load(config), question, month or [], out)
    else:
        rows, columns = write_features(_load(config), month or [], out, engine)
    print(f"{rows:,} rows × {columns} features in {out}")


@app.command()
def train(
    config: ConfigOption = DEFAULT_CONFIG,
    question: Annotated[
        list[str] | None,
        typer.Option(
            "--question", "-q", help="attrition, erosion, buy:<product_id> or one of your own; may be given often."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train models, test them out of time, and keep them in MLflow."""
    from appetence.progress import show_progress
    from appetence.run import train_all

    with show_progress() as progress:
        result = train_all(_load(config), set(question) if question else None, progress)
    _emit(result.as_dict(), result.lines(), as_json)


@app.command()
def tune(
    question: Annotated[str, typer.Argument(help="attrition, erosion, buy:<product_id> or one of your own.")],
    config: ConfigOption = DEFAULT_CONFIG,
    time_budget: Annotated[
        float | None,
        typer.Option("--time-budget", min=0.01, max=10_080, help="Minutes at most in all; the config's by default."),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", min=2, max=1000, help="Trials in all, earlier runs' too; the config's by default."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Search better parameters of a question, and say what they gain out of time. Run it again to go on."""
    from appetence.progress import show_progress
    from appetence.run import tune as tune_parameters

    with show_progress() as progress:
        result = tune_parameters(_load(config), question, time_budget, trials, progress)
    _emit(result.as_dict(), result.lines(), as_json)
    if result.state in ("refused", "unfinished"):
        raise typer.Exit(1)


@app.command()
def promote(
    question: Annotated[
        str | None, typer.Argument(help="Any question; by default the one that has a challenger.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    version: Annotated[
        int | None, typer.Option("--version", help="A version, an older one to roll back; the challenger by default.")
    ] = None,
    why: Annotated[str | None, typer.Option(help="The reason; kept with the model.")] = None,
    by: Annotated[
        str | None, typer.Option(envvar="APPETENCE_APPROVER", help="Who approves it; kept with the model.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Promote it though the gate says no; recorded as such.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put another version in use, if it beats the one in use on the newest months that are over."""
    from appetence.models.approval import Approval
    from appetence.progress import show_progress
    from appetence.run import promote_version

    approval = Approval.of(by, why, anyway)
    with show_progress() as progress:
        outcome = promote_version(_load(config), question, version, approval, progress)
    _emit(outcome.as_dict(), outcome.lines(), as_json)
    if not outcome.promoted:
        raise typer.Exit(1)


@app.command()
def uplift(
    config: ConfigOption = DEFAULT_CONFIG,
    product: Annotated[str, typer.Option(help="A product_id; all products with a control group together.")] = "all",
    targets: Annotated[
        Path | None, typer.Option(help="A Parquet file to write whom to offer what to, if it is beyond chance.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure whom offers change, where a control group was drawn at random; refused where it was not."""
    from appetence.progress import show_progress
    from appetence.run import uplift_of

    with show_progress() as progress:
        result = uplift_of(_load(config), None if product == "all" else product, targets, progress)
    _emit(result.as_dict(), result.lines(), as_json)
    if result.state == "refused":
        raise typer.Exit(1)


@app.command()
def models(
    config: ConfigOption = DEFAULT_CONFIG,
    question: Annotated[str | None, typer.Option("--question", "-q", help="One question, with its history.")] = None,
    versions: Annotated[
        tuple[int, int] | None, typer.Option("--compare", help="Two versions of the question side by side.")
    ] = None,
    card: Annotated[str | None, typer.Option("--card", help="A question: write its model card.")] = None,
    report: Annotated[str | None, typer.Option("--report", help="A question: write its model report.")] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="Another version than the one in use, for --card or --report.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The folder to write the card or the report to.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions of every model: which one scores, its figures, and who approved it when and why."""
    from appetence.progress import show_progress
    from appetence.run import models_of, write_model_card, write_model_report

    wanted = card or report
    if (wanted is None) != (out is None) or (version is not None and wanted is None) or (card and report):
        hint = "For example: --card attrition --out card, or --report attrition --out report"
        raise UsageError("--card or --report, and --out, go together", hint=hint)
    if report is not None and out is not None:
        with show_progress() as progress:
            pages = [str(path) for path in write_model_report(_load(config), report, version, out, progress)]
        _emit({"report": pages}, pages, as_json)
        return
    if card is not None and out is not None:
        paths = [str(path) for path in write_model_card(_load(config), card, version, out)]
        _emit({"card": paths}, paths, as_json)
        return
    if versions is not None and question is None:
        raise UsageError("--compare needs --question", hint="For example: --question attrition --compare 1 3")
    found = models_of(_load(config), question, versions)
    _emit(found.as_dict(), found.lines(), as_json)


@app.command()
def backtest(
    question: Annotated[
        list[str] | None,
        typer.Argument(
            help="attrition, erosion, buy:<product_id>, one of your own; or value. All questions by default."
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Make the models again as of many earlier dates, and judge what they said against what happened.

    `value` judges money instead: what clients were said to bring in a year, and did.
    """
    from appetence.progress import show_progress
    from appetence.run import backtest_all, backtest_money

    settings = _load(config)
    with show_progress() as progress:
        if question == ["value"]:
            money = backtest_money(settings, progress)
            _emit(money.as_dict(), money.lines(), as_json)
            return
        outcome = backtest_all(settings, set(question) if question else None, progress)
    _emit(outcome.as_dict(), outcome.lines(), as_json)


@app.command()
def score(
    config: ConfigOption = DEFAULT_CONFIG,
    month: MonthOption = None,
    revise: Annotated[
        bool, typer.Option("--revise", help="Replace a month that was published from other data.")
    ] = False,
    why: Annotated[str | None, typer.Option(help="The reason for replacing it; kept with the run.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a month and publish: all of it, or nothing."""
    from appetence.progress import show_progress
    from appetence.run import score_month

    if revise != bool(why and why.strip()):
        raise UsageError("--revise and --why go together", hint='For example: --revise --why "late contracts arrived"')
    with show_progress() as progress:
        outcome = score_month(_load(config), month, why, progress)
    _emit(outcome.as_dict(), outcome.lines(), as_json)


@app.command()
def explain(
    client: Annotated[str, typer.Option("--client", help="The client's id.")],
    config: ConfigOption = DEFAULT_CONFIG,
    month: MonthOption = None,
    question: Annotated[str | None, typer.Option("--question", "-q", help="One question; all by default.")] = None,
    language: Annotated[Literal["fr", "en"], typer.Option(help="The language of the reasons.")] = "en",
    what_if: Annotated[
        bool, typer.Option("--what-if", help="Ask the models anew what would change the scores: of any client.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say why a client has the scores that were published, why they moved, and what would change them."""
    from appetence.scoring.explanation import explain_client

    settings = _load(config)
    chosen = None if month is None else Month.parse(month)
    found = explain_client(Path(settings.scoring.database), client, chosen, question, language)
    if what_if:
        from appetence.progress import show_progress
        from appetence.run import ask_what_if

        with show_progress() as progress:
            answers = ask_what_if(settings, client, Month.parse(found.month), progress)
        found = found.asked_anew(answers.to_pylist())
    _emit(found.as_dict(), found.lines(), as_json)


@app.command()
def value(config: ConfigOption = DEFAULT_CONFIG, month: MonthOption = None, as_json: JsonOption = False) -> None:
    """Tell what the published clients are worth together, term by term."""
    from appetence.scoring.worth import read_worth

    settings = _load(config)
    chosen = None if month is None else Month.parse(month)
    found = read_worth(Path(settings.scoring.database), chosen, settings.currency)
    _emit(found.as_dict(), found.lines(), as_json)


@app.command()
def whatif(
    config: ConfigOption = DEFAULT_CONFIG,
    mix: Annotated[str, typer.Option(help="Segments in percent: A=40,B=30,C=30; those not named share the rest.")] = "",
    retention: Annotated[float, typer.Option(min=-100, max=100, help="Points added to the yearly retention.")] = 0.0,
    cross_sell: Annotated[float, typer.Option("--cross-sell", min=0, max=20, help="Products added per client.")] = 0.0,
    multiple: Annotated[float, typer.Option(min=-99, max=1000, help="Percent added to the multiple.")] = 0.0,
    today: Annotated[
        str | None, typer.Option("--from", help="A mix as today's, with the profits that the firm's segments expect.")
    ] = None,
    reach: Annotated[float, typer.Option(min=0, max=1000, help="The rise in percent to say what it takes of.")] = 60.0,
    month: MonthOption = None,
    language: Annotated[Literal["fr", "en"], typer.Option(help="The language of the answer.")] = "en",
    as_json: JsonOption = False,
) -> None:
    """Say what the book would be worth with another mix of segments, retention, products per client or multiple."""
    from appetence.scoring.whatif import answer_what_if
    from appetence.value.whatif import Scenario, shares_of

    scenario = Scenario(shares_of(mix), retention / 100, cross_sell, multiple / 100)
    before = None if today is None else shares_of(today)
    found = answer_what_if(_load(config), scenario, reach / 100, before, month, language)
    _emit(found.as_dict(), found.lines(), as_json)


@app.command()
def report(config: ConfigOption = DEFAULT_CONFIG, month: MonthOption = None) -> None:
    """Write the reports of a published month anew."""
    from appetence.progress import show_progress
    from appetence.run import report_month

    with show_progress() as progress:
        where = report_month(_load(config), month, progress)
    for path in where:
        print(path)


@app.command()
def docs(out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("docs")) -> None:
    """Write the pages that are generated from declarations: book, features, score tables, key figures."""
    from appetence.book.describe import describe_contract
    from appetence.features.describe import describe_features
    from appetence.scoring.describe import describe_scores
    from appetence.value.describe import describe_kpis

    out.mkdir(parents=True, exist_ok=True)
    pages = {"book": describe_contract(), "features": describe_features(), "scores": describe_scores()}
    for name, text in (pages | {"kpis": describe_kpis()}).items():
        (out / f"{name}.md").write_text(text, encoding="utf-8")
        print(out / f"{name}.md")
