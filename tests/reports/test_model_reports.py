"""Model reports: numbers as they were measured, hostile names inert, both languages, nothing fetched or run."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve

from appetence.explain.contributions import explain
from appetence.explain.shapes import FEWEST_ROWS
from appetence.features.catalogue import THEMES, Feature, Unit, Wording
from appetence.models.artefact import Artefact, Contract, Origins
from appetence.models.card import Card, Estimate, Slice
from appetence.models.classifier import PropensityClassifier
from appetence.models.fitting import Predictions
from appetence.models.golden import Golden
from appetence.models.held_out import measure_held_out
from appetence.models.outcome import Sample
from appetence.models.outflows import Outflows
from appetence.models.severity import Severity
from appetence.reports.model_report_data import ModelReport, make_report
from appetence.reports.model_report_words import MODEL_REPORT_WORDS
from appetence.reports.model_reports import FOLDER, REPORT, report_files, report_pages, write_report
from appetence.reports.rows_charts import Dots, Range, place_rows

from .test_cards import CARD, EVIL, STORED

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DATES = np.array(["2022-01-01", "2022-07-01"], "datetime64[D]")
LARGEST = 2_000_000
TITLES = {
    "model_report_en.html": f"Model report: first purchase of {EVIL}, version 3",
    "model_report_fr.html": f"Rapport du modèle\u00a0: premier achat de {EVIL}, version 3",
}


def feature(name: str, theme: str, unit: Unit) -> Feature:
    return Feature(name, theme, theme, unit, Wording(f"{name} {EVIL}", ""), Wording(f"« {name} » {EVIL}", ""))


FEATURES = (
    feature("tenure", "tenure", Unit.MONTHS),
    feature("balance", "assets", Unit.MONEY),
    feature("wallet", "share_of_wallet", Unit.SHARE),
    feature("channel", "contact", Unit.CODE),
    feature("complained", "complaints", Unit.FLAG),
)


def rows(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "tenure": rng.integers(0, 200, n).astype(float),
            "balance": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(8, 1, n)),
            "wallet": rng.random(n),
            "channel": pd.Series(rng.choice(["app", EVIL, "phone"], n), dtype="str"),
            "complained": rng.random(n) < 0.2,
        }
    )
    score = (
        -2 - 0.01 * X["tenure"] + 2.0 * X["complained"] * np.where(X["wallet"] > 0.5, 1, -1) + (X["channel"] == EVIL)
    )
    return X, (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int)


@pytest.fixture(scope="module")
def model() -> PropensityClassifier:
    return PropensityClassifier(max_rounds=40, n_jobs=1).fit(*rows(2_500, 1)).calibrate(*rows(1_000, 2))


def contract(question: str, **changes: object) -> Contract:
    origins = Origins(
        code_version="0.1.0",
        fitted_on=("2022-01-01",),
        calibrated_on=("2023-07-01",),
        label_window="[cut + 0, cut + 6) months",
        book_fingerprint="f" * 64,
    )
    return Contract.model_validate(
        {"kind": "constant", "question": question, "product_id": question.partition(":")[2] or None, "horizon": 6}
        | {"gap": 0, "features": (), "classifier": None, "probability": 0.0125, "metrics": {}, "verdict": "v"}
        | {"origins": origins}
        | changes
    )


@pytest.fixture(scope="module")
def artefact(model) -> Artefact:
    parts = {"classifier": model.to_parts()[1], "probability": None, "features": tuple(model.feature_names_in_)}
    return Artefact(contract("buy:x", kind="classifier", **parts), Golden(rows={}, probabilities=[0.5]), model)


def scores_of(model: PropensityClassifier, n: int = 2_000) -> Predictions:
    X, y = rows(n, 7)
    p = model.predict_proba(X)[:, 1]
    baselines = {"base rate": np.full(n, y.mean()), "logistic regression": p**1.1}
    return Predictions(np.arange(n), y, p, baselines, np.arange(n) // 2, np.repeat(DATES, n // 2))


SAMPLE = Sample(rows(800, 3)[0], "2023-07-01", 1_234)


@pytest.fixture(scope="module")
def report(artefact, model) -> ModelReport:
    held_out = measure_held_out(scores_of(model), None, 50, 0)
    return make_report(artefact, SAMPLE, FEATURES, THEMES, held_out, 0)


def dated(ratio: float = 1.25) -> tuple[Slice, ...]:
    told = {"rows": 1_000, "events": 130, "auc": 0.75, "mean_score": 0.1, "log_loss": 0.2}
    ratios = Estimate(value=ratio, low=0.9, high=1.6)
    return tuple(Slice(name=str(date), **told, observed_expected=ratios) for date in DATES)


TOLD = CARD.model_copy(
    update={
        "by_date": dated(),
        "tested_on": tuple(str(date) for date in DATES),
        "figures": {
            name: Estimate(value=value, low=value - 0.1, high=value + 0.1)
            for name, value in {"auc": 0.7512, "lift_10": 2.5, "log_loss": 0.31, "calibration_slope": 0.95}.items()
        },
    }
)


class Page(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def pages_of(report: ModelReport, card: Card = TOLD) -> tuple[Page, Page]:
    found = report_pages(report, card, STORED, "EUR")
    return Page(found["model_report_en.html"]), Page(found["model_report_fr.html"])


def test_it_tells_what_the_model_leans_on_as_it_was_computed(report, model):
    english, french = pages_of(report)
    X = SAMPLE.X
    phi = explain(model, X).phi
    strongest = float(np.abs(phi).mean(axis=0).max())
    assert f"{strongest:.3f}" in english.words
    assert f"{strongest:.3f}".replace(".", ",") in french.words
    for j, name in enumerate(X.columns):
        assert f"{np.abs(phi[:, j]).mean():.3f}" in english.words, name
    assert "800 rows, drawn (seed 0) from the 1,234 at the end of June 2023" in english.text
    assert "800 lignes, tirées (graine 0) parmi les 1 234 de fin juin 2023" in french.text
    assert f"{model.booster_.num_trees()} trees" in english.text
    assert "no row was off by 10⁻" in english.text
    assert "by level" in english.words
    assert "selon la modalité" in french.words


def test_it_tells_how_scores_did_out_of_time_as_scikit_learn_does(report, model):
    english, french = pages_of(report)
    scored = scores_of(model)
    observed, mean = calibration_curve(scored.y, scored.p, n_bins=10, strategy="quantile")
    error = np.abs(observed - mean).mean()
    assert report.held_out.error == pytest.approx(error, abs=2e-3)  # ties apart, bins are the same
    assert f"{report.held_out.error:.4f}" in english.text
    assert "0.7512" in english.words
    assert "0,7512" in french.words
    assert "1.25 (0.90 to 1.60)" in english.text
    assert "décembre 2021" in french.text  # the cut of January is the month before
    assert "households drawn as one" in english.text
    titles = [attrs["aria-label"] for tag, attrs in english.tags if tag == "svg" and "aria-label" in attrs]
    assert [title for title in titles if title.startswith(("Reliability", "How the", "Gains", "Lift"))] == titles[-4:]


@pytest.mark.parametrize("place", [0, 1])
def test_a_page_shows_hostile_names_and_runs_and_fetches_nothing(report, place):
    page = pages_of(report)[place]
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "link", "form", "object", "image", "use"}
    linked = [attrs["href"] for _, attrs in page.tags if "href" in attrs]
    assert linked
    assert all(link.startswith("#") for link in linked)
    assert not [attr for _, attrs in page.tags for attr in attrs if attr.startswith("on") or attr in ("src", "style")]
    assert any(EVIL in words for words in page.words)
    assert any(words.startswith(EVIL[:10]) and "(" in words for words in page.words)  # a level, cut short
    policy = next(attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src 'none'" in policy
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in linked} <= set(ids)


def test_files_are_small_whole_and_the_plots_are_svg(report):
    files = report_files(report, TOLD, STORED, "EUR")
    assert all(name.startswith(FOLDER) and len(text.encode()) < LARGEST for name, text in files.items())
    assert ModelReport.model_validate_json(files[FOLDER + REPORT]) == report
    plots = {name: text for name, text in files.items() if name.endswith(".svg")}
    assert {name.rpartition("/")[2] for name in plots} >= {"beeswarm.svg", "reliability.svg", "gains.svg", "lift.svg"}
    for text in plots.values():
        assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - made here
        assert "<script" not in text
    fallback = replace(STORED, directory=STORED.directory.parent.parent / "fallback" / "artifacts")
    assert all(name.startswith(f"{FOLDER}fallback_") for name in report_files(report, TOLD, fallback, "EUR"))


def test_no_client_can_be_read_off_it(report):
    for shape in report.why.shapes:
        assert all(one.rows >= FEWEST_ROWS for one in shape.means)
    balances = {f"{value:.6g}" for value in SAMPLE.X["balance"].dropna()}
    kept = set(re.findall(r"\d+\.\d+", report.model_dump_json()))
    assert not balances & kept


def test_a_constant_has_nothing_to_explain_and_an_untested_version_says_so():
    constant = Artefact(contract("buy:x"), Golden(rows={}, probabilities=[0.0125]), None)
    report = make_report(constant, SAMPLE, FEATURES, THEMES, None, 0)
    card = TOLD.model_copy(update={"figures": {}, "by_date": (), "tested_on": (), "deciles": (), "kind": "constant"})
    english, french = pages_of(report, card)
    assert "It gives everyone the same probability: there is nothing to explain." in english.text
    assert "une même probabilité pour tous : 1,25 %" in french.text
    assert "This version was not tested by itself" in english.text
    assert not [tag for tag, attrs in english.tags if tag == "svg" and attrs.get("role") == "img"]


def test_a_version_kept_without_curves_is_told_by_its_card(artefact):
    report = make_report(artefact, SAMPLE, FEATURES, THEMES, None, 0)
    english, _ = pages_of(report)
    assert "intervals are Wilson's, and gains are not drawn" in english.text
    titles = [attrs["aria-label"] for tag, attrs in english.tags if tag == "svg" and "aria-label" in attrs]
    assert titles[-1] == "Reliability by tenth of the score"


def test_erosion_tells_both_parts_and_the_money_found(model):
    parts = {"classifier": model.to_parts()[1], "probability": None, "features": tuple(model.feature_names_in_)}
    loss = {"threshold": 0.2, "min_balance": 1000.0, "mean_share": 0.5, "classifier": None}
    asked = contract("erosion", kind="classifier", loss=loss, **parts)
    both = Artefact(asked, Golden(rows={}, probabilities=[0.5]), model, severity=Severity(0.2, 0.5, model))
    scored = scores_of(model)
    lost = scored.y * np.linspace(10.0, 1000.0, len(scored.y))
    money = Outflows(lost, scored.p * np.linspace(10.0, 1000.0, len(lost)), {"mean outflow": np.ones(len(lost))})
    held_out = measure_held_out(replace(scored, outflows=money), None, 20, 0)
    report = make_report(both, SAMPLE, FEATURES, THEMES, held_out, 0)
    card = TOLD.model_copy(
        update={"question": "erosion", "label": {}, "rule": {"threshold": 0.2, "min_balance": 1000.0}}
    )
    english, french = pages_of(report, card)
    assert "What share leaves, where money does" in english.words
    mean = 0.2 + 0.8 * model.predict_proba(SAMPLE.X)[:, 1].mean()
    assert f"{100 * mean:.0f}% on average over the same rows" in english.text
    top = np.concatenate([at + np.argsort(-scored.p[at : at + 1_000])[:100] for at in (0, 1_000)])
    share = lost[top].sum() / lost.sum()
    assert f"{100 * share:.0f}% of the money by probability alone" in english.text
    assert "Sorties captées par part des clients" in french.words


def test_every_word_is_there_in_both_languages_with_the_same_places():
    for english, french in MODEL_REPORT_WORDS.values():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", french))


def test_rows_are_placed_below_one_another_on_one_axis():
    rows = [Range("a", 0.5, 0.0, 1.0), Dots("b", [-1.0, -1.0, 1.0], ["v0", "v4", "v0"])]
    chart = place_rows("t", "x", rows, str, width=200, left=50, row_height=20)
    assert chart.zero == (chart.left + chart.right) / 2
    assert chart.rows[0].range == (chart.zero, chart.right, (chart.zero + chart.right) / 2)
    assert dict(chart.rows[1].dots) == {"v0": "M50 38h0M178 38h0", "v4": "M50 40.6h0"}
    assert [row.y for row in chart.rows] == [18.0, 38.0]


@pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="needs Debian's chromium")
def test_a_browser_shows_it_prints_it_and_axe_finds_no_serious_violation(report, tmp_path):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    paths = write_report(report_pages(report, TOLD, STORED, "EUR"), tmp_path / "report")
    assert CHROMIUM is not None, "chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for path in paths:
            seen: list[str] = []
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.on("console", lambda message, seen=seen: seen.append(message.text))
            page.on("pageerror", lambda error, seen=seen: seen.append(str(error)))
            page.on("request", lambda request, seen=seen: seen.append(request.url))
            page.goto(path.as_uri())
            assert seen == [path.as_uri()]
            assert page.evaluate("document.documentElement.scrollWidth") == 1280
            assert page.locator("figure svg[role=img]").count() >= 9
            assert page.title() == TITLES[path.name]
            page.emulate_media(media="print")
            assert not page.locator("nav").is_visible()
            page.emulate_media(media="screen")
            found = Axe().run(page).response
            assert len(found["passes"]) > 10
            assert [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")] == []
            page.close()
        browser.close()
