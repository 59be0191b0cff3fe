"""The page of a backtest: all that was found, in both languages, in one file that fetches and runs nothing."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from appetence.models.backtests.horizons import Horizons
from appetence.models.backtests.result import Backtest, BacktestResult, SegmentSheet
from appetence.models.backtests.sheets import Sheet
from appetence.models.backtests.verdict import backtested
from appetence.models.dependence import Dependence, DesignEffect
from appetence.models.drift import Drift, FeatureDrift
from appetence.models.kaplan_meier import KaplanMeier
from appetence.models.metrics import Interval
from appetence.models.outflows import Forecast, OutflowFigures
from appetence.models.rankings.result import LENGTHS, SCORERS, ProductRanking
from appetence.models.verdicts import too_few
from appetence.months import Month
from appetence.reports.backtest_words import BACKTEST_WORDS
from appetence.reports.backtests import backtest_page, write_backtest
from appetence.reports.charts import Axis, Series, axis, place

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DATES = ("2005-01-01", "2005-07-01", "2006-01-01")
HOSTILE = "<script>document.title='owned'</script>"
PRODUCTS = {"card": {"label_en": "Premium card", "label_fr": HOSTILE}}


def at(value: float, half: float = 0.02) -> Interval:
    return Interval(value, value - half, value + half)


def sheet(auc: float, ratio: float) -> Sheet:
    figures = {"auc": at(auc), "lift_10": at(2.5), "log_loss": at(0.25), "calibration_slope": at(0.9)}
    own = figures | {"observed_expected": at(ratio), "empc": Interval(1.5, float("nan"), float("nan"))}
    plain = {"auc": at(0.6), "lift_10": at(1.5), "log_loss": at(0.26), "observed_expected": at(1.0)}
    names = ("base rate", "life table", "logistic regression")
    ahead = {"auc": at(auc - 0.6), "log_loss": at(0.01, 0.005)}
    return Sheet(4_000, 321, own, dict.fromkeys(names, plain), dict.fromkeys(names, ahead))


def horizons() -> Horizons:
    left = np.linspace(0.01, 0.2, 24)
    curve = KaplanMeier(*[np.linspace(1.0, 0.5, 61)] * 3, clients=900, events=400)
    names = ("", "life table", "Kaplan-Meier", "shifted-beta-geometric")
    own = sheet(0.71, 1.1)
    sheets = {months: replace(own, baselines=dict.fromkeys(names[1:], own.model)) for months in (3, 24)}
    return Horizons(
        sheets={**sheets, 12: Sheet(100, 4)},
        months=24,
        brier={name: at(0.06 + 0.001 * k) for k, name in enumerate(names)},
        ahead={name: at(0.002, 0.001) for name in names[1:]},
        rows=4_000,
        dates=2,
        shares=dict.fromkeys(("observed", *names), left),
        cohorts=dict.fromkeys(range(1999, 2007), curve),
    )


def in_money(realised: float) -> OutflowFigures:
    model = Forecast(1_000_000.0, Interval(realised / 1e6, 0.9, 1.4), Interval(812.4, 700, 930), at(0.45))
    plain = Forecast(900_000.0, at(1.3), Interval(930.0, 800, 1100), at(0.25))
    row = {"decile": 1, "rows": 4_000, "promised": 1e6, "realised": realised}
    return OutflowFigures(realised, 4_000, model, {"mean share of balances": plain}, {}, (row,))


def found(question: str = "attrition") -> Backtest:
    dates = {date: sheet(0.7 + 0.02 * k, (1.1, 2.1, 0.9)[k]) for k, date in enumerate(DATES)}
    pooled = sheet(0.72, 1.2)
    shares = np.array([0.0, 0.1, 0.5, 1.0])
    gains = [{"share_of_rows": x, "model": x**0.5, "base rate": x, "life table": x**0.8} for x in shares]
    moved = FeatureDrift("assets", 0.4, 0.1, False), FeatureDrift("tenure", 0.5, 0.1, True)
    effects = {"household": DesignEffect(1.0, 0.1, 500.0), "cohort": DesignEffect(9.0, 0.3, 40.0)}
    return Backtest(
        question=question,
        verdict=backtested(pooled, dates, "cohort"),
        dependence=Dependence("cohort", effects),
        units=96,
        pooled=pooled,
        dates=dates,
        unseen=Sheet(60, 3),
        segments=(SegmentSheet("kind", "person", sheet(0.7, 1.0)), SegmentSheet("tenure", "0–11", Sheet(10, 1))),
        deciles=tuple(
            {"rows": 100, "mean_score": 0.02 * k, "expected": 2.0 * k, "observed": 2.5 * k} for k in range(10)
        ),
        gains=tuple(gains),
        drift=tuple(Drift(date, (900, 800), 0.8, 0.61, moved, ("assets",)) for date in DATES),
        horizons=horizons() if question == "attrition" else None,
    )


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    labels = {"assets": ("Assets held with us", "Encours confiés"), "tenure": ("Months as a client", "Ancienneté")}
    return BacktestResult(
        {
            "attrition": found(),
            "erosion": replace(
                found("erosion"),
                outflow=in_money(1_234_567.0),
                outflow_dates={date: in_money(400_000.0 + k) for k, date in enumerate(DATES)},
            ),
            "buy:card": found("buy:card"),
        },
        {"buy:loan": too_few(3, 50, "buy")},
        "0123456789abcdef" * 4,
        {},
        labels,
        ProductRanking(
            buyers=1_234,
            questions=("buy:card", "buy:loan", "rebuy:card"),
            dates=DATES,
            unit="household",
            units=1_001,
            ceiling={3: 0.98, 7: 1.0},
            figures={k: {name: at(0.5 - 0.05 * i) for i, name in enumerate(SCORERS)} for k in LENGTHS},
            ahead={k: {name: at(0.05 * i) for i, name in enumerate(SCORERS) if i} for k in LENGTHS},
        ),
    )


@pytest.fixture(scope="module")
def page(result) -> str:
    return backtest_page(result, PRODUCTS, title="Banque <b>", languages=("fr", "en"), month=Month(2007, 12))


class Tags(HTMLParser):
    """Collects what a page is made of, and holds its tags to closing in order."""

    void = ("meta", "br", "col")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_asks_for_nothing(page):
    tags = Tags(page)
    assert tags.open == []
    names = {tag for tag, _ in tags.seen}
    assert "svg" in names
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not any(key.startswith("on") or key in ("src", "style") for _, attrs in tags.seen for key in attrs)
    links = [attrs["href"] for tag, attrs in tags.seen if tag == "a"]
    ids = {attrs["id"] for _, attrs in tags.seen if "id" in attrs}
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert "script-src &#39;none&#39;" in page
    assert HOSTILE not in page
    assert "Banque &lt;b&gt;" in page


def test_the_error_in_money_is_told_of_erosion_alone_in_both_languages(page):
    told = {part.split('"')[0]: part for part in re.split(r'<div id="(?=fr|en)', page)[1:]}
    for language, heading, plain, amount, error in (
        ("en", "In money: outflow expected and seen", "mean share of balances", "1,234,567", "812 (700–930)"),
        (
            "fr",
            "En montants\u00a0: sorties attendues",
            "part moyenne des encours",
            "1\u202f234\u202f567",
            "812 (700–930)",
        ),
    ):
        assert told[language].count(f"<h4>{heading}") == 1
        for text in (plain, amount, error, "1.23 (0.90–1.40)" if language == "en" else "1,23 (0,90–1,40)"):
            assert text in told[language], text
    assert "Silent erosion" in told["en"]
    assert "Érosion silencieuse" in told["fr"]


def test_everything_is_told_in_both_languages(page, result):
    french, english = page.split('<div id="en"')
    assert "Beats the life table by 0.120 ± 0.020 AUC" in english
    assert "Fait mieux que la table de survie de 0,120 ± 0,020 d’AUC" in french
    assert "probabilities 2.1 × too low at 2005-07" in english
    assert "month of joining" in english
    assert "mois d’entrée" in french
    assert "First purchase: Premium card" in english
    assert "The models&#39; order beats the best plain one, popularity: MAP@7 0.500 against 0.450" in english
    assert "L’ordre des modèles fait mieux que le meilleur ordre simple, la popularité" in french
    assert "clients semblables" in french
    assert "MAP@3, models ahead by" in english
    assert "1,234 clients at a test date who bought something, 3 products" in english
    assert "0.720 (0.700–0.740)" in english
    assert "0,720 (0,700–0,740)" in french
    assert "trop peu d’événements" in french
    assert "Encours confiés" in french
    assert "Not judged" in english
    assert english.count("<svg") == french.count("<svg") > 8
    assert "juillet 2005" in french


def test_every_horizon_is_told_and_drawn(page):
    french, english = page.split('<div id="en"')
    assert "Every horizon from one model" in english
    assert "Tous les horizons avec un seul modèle" in french
    assert "Integrated Brier score over 24 months, 2 test date(s)" in english
    assert "0.0020 (0.0010 to 0.0030)" in english
    assert "0,0020 (0,0010 à 0,0030)" in french
    assert english.count("Share still there, by year of joining") == 2  # the caption, and the picture's own name
    years = re.findall(r'class="cohort-\d"><polyline points="[^"]+"/><text[^>]+>(\d{4})<', english)
    assert years[0] == "1999"
    assert years[-1] == "2006"
    assert len(years) == 6
    # each row of a key, two entries long, lies within its picture
    for key in re.findall(
        r'<svg viewBox="0 0 420 (\d+)" aria-hidden="true" class="key">(.*?)</svg>', english, re.DOTALL
    ):
        assert max(int(y) for y in re.findall(r'<text x="\d+" y="(\d+)"', key[1])) < int(key[0])


def test_every_word_is_there_twice():
    for key, (english, french) in BACKTEST_WORDS.items():
        assert english, key
        assert french, key
        assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", french)), key


def test_a_part_of_the_questions_does_not_replace_the_whole(page, tmp_path):
    whole = write_backtest(page, tmp_path, Month(2007, 12), None)
    part = write_backtest("part", tmp_path, Month(2007, 12), {"buy:../x", "attrition"})
    assert whole == tmp_path / "backtests" / "2007-12.html"
    assert part.name == "2007-12-attrition-buy-x.html"
    assert whole.read_text(encoding="utf-8") == page
    assert sorted(file.name for file in whole.parent.iterdir()) == [part.name, whole.name]


def test_points_are_placed_between_the_edges():
    chart = place(
        "t", ("x", "y"), (Axis(0, 1), Axis(0, 2)), [Series("model", [(0, 0), (1, 2), (0.5, float("nan"))], [(1, 1, 9)])]
    )
    first, last = chart.series[0].dots
    assert first == (chart.left, chart.bottom)
    assert last == (chart.right, chart.top)
    assert chart.series[0].ranges == [(chart.right, chart.top, (chart.top + chart.bottom) / 2)]


@pytest.mark.parametrize("values", [[0.5], [0.0, 0.0], [1e-5, 3e-5], [float("nan")], [0.61, 0.74, 4.2]])
def test_an_axis_spans_its_values_with_a_few_round_ticks(values):
    found = axis(values, str)
    known = [value for value in values if np.isfinite(value)] or [0.0, 1.0]
    assert found.low <= min(known)
    assert found.high >= max(known)
    assert 1 <= len(found.ticks) <= 9


@pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="needs Debian's chromium; CI installs it and may not skip"
)
def test_a_browser_shows_it_and_fetches_nothing(page, tmp_path):
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "chromium is not installed"
    path = write_backtest(page, tmp_path, Month(2007, 12), None)
    requests, messages = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 400, "height": 800})
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: messages.append(message.text))
        tab.goto(path.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400
        line = tab.locator(".charts .model polyline").first
        assert line.evaluate("e => getComputedStyle(e).stroke") == "rgb(11, 74, 111)"
        box = line.bounding_box()
        assert box is not None
        assert box["width"] > 100
        browser.close()
    assert requests == [path.as_uri()]
    assert messages == []


def test_a_firms_own_question_is_named_as_the_firm_names_it(result):
    own = {"calls": {"label_en": "Calls <us>", "label_fr": "Nous <appelle>"}}
    told = BacktestResult({"calls": found("calls")}, {}, "0" * 64, {}, result.labels)
    page = backtest_page(told, PRODUCTS, own=own, title="", languages=("fr", "en"), month=Month(2007, 12))
    assert "Calls &lt;us&gt;" in page
    assert "Nous &lt;appelle&gt;" in page
