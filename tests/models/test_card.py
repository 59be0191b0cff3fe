from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from appetence.book import open_book
from appetence.config import BookSettings, TrackingSettings, TrainingSettings
from appetence.models.card import disparity, read_card
from appetence.models.promotion import keep_training, put_in_use
from appetence.models.registry import resolve
from appetence.models.tracking import CHALLENGER, CHAMPION, TrackingStore
from appetence.models.verdicts import Verdict
from appetence.reports.cards import DATA, MARKDOWN, PAGES, refresh_cards, stored_card
from appetence.reports.model_reports import FOLDER, REPORT, describing_reports, refresh_reports

SETTINGS = TrainingSettings(tests=1, bootstrap=20, parameters={"max_rounds": 20})


@pytest.fixture(scope="module")
def book(simulated):
    with open_book(BookSettings(directory=str(simulated))) as opened:
        yield opened


@pytest.fixture(scope="module")
def store(tmp_path_factory, trained, book) -> TrackingStore:
    """A training with its cards: attrition in use, a model of a product and what stands in for it, a rate."""
    store = TrackingStore(TrackingSettings(directory=str(tmp_path_factory.mktemp("cards"))), "bank")
    outcome = replace(trained.outcomes["attrition"], state="beats", fallback=None)
    result = replace(trained, outcomes={**trained.outcomes, "attrition": outcome})
    keep_training(store, "bank", result, SETTINGS, describing_reports(book, result, SETTINGS, "EUR"))
    return store


def test_a_card_holds_what_the_training_measured(store, trained):
    stored = store.version_at("bank.attrition", CHAMPION)
    card = stored_card(store, stored)
    outcome = trained.outcomes["attrition"]
    assert card.figures["auc"].value == outcome.evaluation.metrics["auc"].value
    assert card.figures["log_loss"].low == outcome.evaluation.metrics["log_loss"].low
    assert set(card.gains) == {"base rate", "life table", "logistic regression"}
    assert [line.name for line in card.features] == list(outcome.model.features)
    assert card.tested_on == outcome.evaluation.dates
    assert card.sha256 == dict(stored.sha256)
    assert card.parameters == {"max_rounds": "20"}
    (date,) = card.by_date
    y, p = outcome.tested.y, outcome.tested.p
    assert (date.rows, date.events) == (len(y), y.sum())
    assert date.auc == pytest.approx(roc_auc_score(y, p))
    assert date.observed_expected.value == pytest.approx(y.sum() / p.sum())
    assert sum(row["observed"] for row in card.deciles) == y.sum()


def test_groups_of_a_protected_attribute_are_those_of_the_file(book, trained, simulated):
    tested = trained.outcomes["attrition"].tested
    (gender,) = disparity(book, trained.material.clients, tested, 20, 0)
    declared = dict(zip(*pq.read_table(simulated / "protected.parquet").to_pydict().values(), strict=True))
    clients = trained.material.clients.to_pylist()
    groups = np.array([declared.get(clients[row], "") for row in tested.rows])
    assert gender.attribute == "gender"
    assert len(gender.groups) + gender.left_out == len(set(groups)) == 3  # companies have none
    for one in gender.groups:
        inside = groups == one.name
        assert (one.rows, one.events) == (inside.sum(), tested.y[inside].sum())
        assert one.events >= 20
        assert one.mean_score == pytest.approx(tested.p[inside].mean())
        assert one.auc == pytest.approx(roc_auc_score(tested.y[inside], tested.p[inside]))
        assert one.observed_expected.low <= one.observed_expected.value <= one.observed_expected.high


def test_a_firm_that_maps_no_protected_attribute_has_no_such_audit(make_book, trained):
    tested = trained.outcomes["attrition"].tested
    assert disparity(make_book(), trained.material.clients, tested, 20, 0) is None


def test_every_version_has_its_files_and_none_holds_a_client(store, simulated):
    for name in store.names("bank."):
        for stored in store.versions(name):
            prefix = "" if stored.directory.parent.name == "model" else "fallback_"
            texts = [store.text(stored.run_id, prefix + file) for file in (DATA, MARKDOWN, *PAGES.values())]
            assert all(texts)
            assert f"version {stored.version}" in texts[1].splitlines()[0]
            pages = (REPORT, "model_report_en.html", "model_report_fr.html")
            texts += [store.text(stored.run_id, f"{FOLDER}{prefix}{file}") for file in pages]
            assert all(texts)
            ids = set(pq.read_table(simulated / "clients.parquet", columns=["client_id"])["client_id"].to_pylist())
            assert not ids & {word for text in texts for word in re.findall(r"[\w.]+", text)}


def test_approvals_go_on_after_the_card_was_written(store):
    stored = store.version_at("bank.attrition", CHAMPION)
    again = put_in_use(store, stored, None, CHAMPION, "A. Martin", Verdict("<b>so</b> [x](y)", "ainsi"))
    refresh_cards(store, "bank.attrition", [again.version])
    text = store.text(stored.run_id, MARKDOWN)
    assert text.count("rule: first version that beats its baselines") == 1
    assert "| A. Martin | &lt;b&gt;so&lt;/b&gt; \\[x\\](y) |" in text
    assert "&lt;b&gt;so&lt;/b&gt; [x](y)" in store.text(stored.run_id, PAGES["fr"])
    assert read_card("{}") is None
    assert read_card(None) is None


def test_a_report_tells_the_alias_that_its_version_has_now(store):
    def status(run_id: str) -> str:
        page = store.text(run_id, f"{FOLDER}model_report_en.html")
        return page.partition('<p class="eyebrow"><bdi>')[2].partition("</bdi>")[0]

    stored = store.versions("bank.erosion")[0]
    assert "challenger" not in status(stored.run_id)
    refresh_reports(store, "bank.erosion", [store.point(stored, CHALLENGER).version], "EUR")
    assert "challenger" in status(stored.run_id)


def test_a_card_of_erosion_says_what_it_calls_so_and_its_error_in_money(store, trained):
    outcome = trained.outcomes["erosion"]
    ref = resolve(store, "bank", "erosion")
    card = stored_card(store, ref.stored)
    assert card.rule == {"threshold": 0.2, "min_balance": 1000.0}
    text = store.text(ref.stored.run_id, MARKDOWN)
    assert text.startswith("# Model card: silent erosion")
    assert "comes to 20 % or more" in text
    assert "balances of 1,000 or more" in text
    french = store.text(ref.stored.run_id, PAGES["fr"])
    assert "atteignent 20\u00a0% des encours" in french
    money = outcome.evaluation.outflow
    assert card.outflow["realised"].value == pytest.approx(money.realised)
    assert card.outflow["mae"].high == pytest.approx(money.model.mae.high)
    assert f"{money.realised:,.0f}" in text
    assert "Sorties attendues, en montants" in french
    assert stored_card(store, store.version_at("bank.attrition", CHAMPION)).outflow is None
