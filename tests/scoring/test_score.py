"""A month's scores against figures worked out by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from appetence.config import FeatureSettings, OwnQuestion, ScoringSettings, ValueSettings
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.features.topic_model import TopicModel
from appetence.features.topics import build_topics
from appetence.models.artefact import Artefact, Contract, Golden, Loss, Origins
from appetence.models.classifier import PropensityClassifier
from appetence.models.severity import Severity
from appetence.scoring import score
from appetence.scoring.score import score_clients

CUT = dt.date(2023, 1, 1)
TABLES = {
    "clients": [{"client_id": "a", "advisor_id": "X"}, {"client_id": "b"}, {"client_id": "c"}],
    "products": [
        {"product_id": "save", "annual_margin": 60.0, "margin_kind": "amount"},
        {"product_id": "loan", "annual_margin": 120.0, "margin_kind": "amount", "acquisition_cost": 90},
        {"product_id": "far", "annual_margin": 0.01, "margin_kind": "rate"},
    ],
    "contracts": [
        {"client_id": "a", "contract_id": "1", "product_id": "save"},
        {"client_id": "a", "contract_id": "2", "product_id": "loan", "ends_on": dt.date(2023, 7, 1)},
        {"client_id": "b", "contract_id": "3", "product_id": "save"},
        {"client_id": "c", "contract_id": "4", "product_id": "loan", "opened_on": dt.date(2023, 6, 1)},
    ],
}


def base_rate(product: str, probability: float, kind: str = "buy") -> Artefact:
    origins = Origins(
        code_version="0", fitted_on=(), calibrated_on=(), label_window="6 months", book_fingerprint="f" * 64
    )
    contract = Contract(
        kind="constant",
        question=f"{kind}:{product}",
        product_id=product,
        horizon=6,
        gap=0,
        features=(),
        classifier=None,
        probability=probability,
        origins=origins,
        metrics={},
        verdict="",
    )
    return Artefact(contract, Golden(rows={}, probabilities=[probability]), None)


@pytest.fixture
def scores(make_book):
    book = make_book(TABLES)
    table = build_features(book, population(book, [CUT]))
    artefacts = {f"buy:{p}": base_rate(p, rate) for p, rate in (("save", 0.3), ("loan", 0.1), ("far", 0.2))}
    settings = ScoringSettings(database="unused")
    value = ValueSettings(discount_rate=0.0, horizon=24)
    return score_clients(book, CUT, table, artefacts, settings, value, "EUR")


def test_value_is_margin_over_the_months_that_the_contract_and_the_horizon_leave(scores):
    """Nobody leaves in this book, and nothing is discounted: two years of 60, and half a year of 120."""
    rows = {row["client_id"]: row for row in scores.client_scores.to_pylist()}
    assert set(rows) == {"a", "b"}
    assert rows["a"]["lifetime_value"] == pytest.approx(2 * 60 + 0.5 * 120)
    assert rows["b"]["lifetime_value"] == pytest.approx(2 * 60)
    assert (rows["a"]["advisor_id"], rows["b"]["advisor_id"]) == ("X", None)


def test_what_is_not_modelled_is_null_and_not_zero(scores):
    for row in scores.client_scores.to_pylist():
        unknown = ("attrition_6m", "attrition_probability", "attrition_tier", "past_profit", "expected_outflow")
        assert [row[name] for name in unknown] == [None] * 5


def test_a_next_product_is_worth_its_margin_less_its_cost_times_its_probability(scores):
    """Client b may buy the loan: 0.1 × (2 × 120 - 90). The margin of a rate that no balance shows is not known."""
    rows = {(row["client_id"], row["product_id"]): row for row in scores.appetence_scores.to_pylist()}
    assert set(rows) == {("a", "far"), ("b", "far"), ("b", "loan")}
    assert rows["b", "loan"]["expected_value"] == pytest.approx(15.0)
    assert rows["b", "far"]["expected_value"] is None
    assert [(rows["b", p]["rank"], rows["b", p]["probability"]) for p in ("far", "loan")] == [(1, 0.2), (2, 0.1)]
    assert not any(row["modelled"] for row in rows.values())
    potential = {row["client_id"]: row["potential"] for row in scores.client_scores.to_pylist()}
    assert potential == pytest.approx({"a": 0.0, "b": 15.0})


def test_another_contract_is_scored_beside_first_ones_and_each_product_once(make_book):
    """Client b held the loan and may take another one; both hold a savings account, of which nobody has two."""
    contracts = [*TABLES["contracts"], {"client_id": "b", "contract_id": "5", "product_id": "loan"}]
    contracts[-1] |= {"closed_on": dt.date(2022, 1, 1)}
    book = make_book({**TABLES, "contracts": contracts})
    table = build_features(book, population(book, [CUT]))
    artefacts = {
        f"{kind}:{p}": base_rate(p, rate, kind)
        for kind, p, rate in (("buy", "loan", 0.1), ("buy", "far", 0.2), ("rebuy", "loan", 0.3), ("rebuy", "save", 0.4))
    }
    value = ValueSettings(discount_rate=0.0, horizon=24)
    found = score_clients(book, CUT, table, artefacts, ScoringSettings(database="unused"), value, "EUR")
    rows = {(row["client_id"], row["product_id"]): row for row in found.appetence_scores.to_pylist()}
    assert {key: row["purchase"] for key, row in rows.items()} == {
        ("a", "far"): "first",
        ("b", "far"): "first",
        ("b", "loan"): "again",
    }
    assert rows["b", "loan"]["rank"] == 1
    assert rows["b", "loan"]["expected_value"] == pytest.approx(0.3 * (2 * 120 - 90))
    potential = {row["client_id"]: row["potential"] for row in found.client_scores.to_pylist()}
    assert potential == pytest.approx({"a": 0.0, "b": 45.0})
    assert set(found.score_reasons["question"].to_pylist()) == {"buy:far", "rebuy:loan"}


def test_a_base_rate_has_no_reason_but_itself(scores):
    rows = [
        row for row in scores.score_reasons.to_pylist() if row["client_id"] == "b" and row["question"] == "buy:loan"
    ]
    assert [(row["rank"], row["theme"], row["points"]) for row in rows] == [
        (0, "baseline", pytest.approx(10.0)),
        (1, "other", pytest.approx(0.0)),
    ]


TOPICS = TopicModel(
    known_before="2022-01-01",
    words=("frais", "maison"),
    spellings=("frais", "maison"),
    idf=(1.5, 1.25),
    components=((0.8, 0.6), (0.6, -0.8)),
)
OTHERS = TOPICS.model_copy(update={"components": ((0.6, 0.8), (0.8, -0.6))})


def reads_topics(question: str, topics: TopicModel, seed: int) -> Artefact:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(600, 3)), columns=["tenure", *topics.names()])
    X = X.mask(rng.random(X.shape) < 0.2)
    y = (rng.random(600) < 1 / (1 + np.exp(-2 * X["message_topic_2"].fillna(-1)))).astype(int)
    classifier = PropensityClassifier(max_rounds=20, n_jobs=1).fit(X, y)
    parts = {"features": tuple(X.columns), "classifier": classifier.to_parts()[1]}
    product = question.removeprefix("buy:")
    contract = base_rate(product, 0.5).contract.model_copy(update={"kind": "classifier", "probability": None, **parts})
    contract = contract.model_copy(
        update={"question": question, "product_id": None if product == question else product}
    )
    return Artefact(contract, Golden(rows={}, probabilities=[0.5]), classifier, topics)


def test_money_that_may_leave_is_chance_times_share_times_the_balance_known(make_book):
    """25 % × 60 % × 4,000; nothing is said of who holds less than the minimum, or has no balance recorded."""
    balances = {"a": 4000, "b": 999}
    month = [
        {"contract_id": f"k{i}", "month": dt.date(2022, 12, 1), "balance": amount, "net_flow": 0}
        for i, amount in balances.items()
    ]
    book = make_book(
        {"contracts": [{"client_id": i, "contract_id": f"k{i}"} for i in "abc"], "balances": month},
        observed_until=dt.date(2023, 6, 1),
    )
    contract = base_rate("save", 0.25).contract
    loss = Loss(threshold=0.2, min_balance=1000.0, mean_share=0.6, classifier=None)
    contract = contract.model_copy(update={"question": "erosion", "product_id": None, "loss": loss})
    golden = Golden(rows={}, probabilities=[0.25], shares=[0.6])
    model = Artefact(contract, golden, None, None, Severity(0.2, 0.6))
    model.check_golden()
    table = build_features(book, population(book, [CUT]))
    value = ValueSettings(horizon=24)
    found = score_clients(book, CUT, table, {"erosion": model}, ScoringSettings(database="unused"), value, "EUR")
    told = {
        row["client_id"]: (row["erosion_probability"], row["expected_outflow"])
        for row in found.client_scores.to_pylist()
    }
    assert told == {"a": (0.25, pytest.approx(600.0)), "b": (None, None), "c": (None, None)}
    reasons = [(r["client_id"], r["question"], r["points"]) for r in found.score_reasons.to_pylist()]
    assert reasons == [("a", "erosion", 25.0), ("a", "erosion", 0.0)]


def test_each_model_reads_and_tells_its_own_topics(make_book, monkeypatch):
    wrote = (("a", "Frais, frais"), ("a", "une maison"), ("b", "La maison"))
    messages = [{"client_id": who, "at": dt.date(2022, 11, 5), "text": text} for who, text in wrote]
    late = {"client_id": "b", "at": dt.date(2022, 12, 5), "known_on": CUT, "text": "frais"}
    held = [{"client_id": client, "product_id": "save"} for client in "abc"]
    book = make_book(TABLES | {"contracts": held, "interactions": [*messages, late]})
    table = build_features(book, population(book, [CUT]), FeatureSettings(groups=("tenure",)))
    artefacts = {
        "attrition": reads_topics("attrition", TOPICS, 1),
        "buy:far": reads_topics("buy:far", OTHERS, 2),
        "buy:loan": reads_topics("buy:loan", TOPICS, 3),
    }
    built = []
    monkeypatch.setattr(score, "build_topics", lambda *given: built.append(given[2]) or build_topics(*given))
    found = score_clients(book, CUT, table, artefacts, ScoringSettings(database="unused"), ValueSettings(), "EUR")
    assert built == [TOPICS, OTHERS]  # models of one training share theirs

    tenure = table.data.to_pandas().set_index("client_id")["tenure"]
    offers = found.appetence_scores.to_pandas().set_index(["client_id", "product_id"])["probability"]
    for question, artefact in artefacts.items():
        places = {who: np.mean(artefact.topics.transform([t for w, t in wrote if w == who]), axis=0) for who in "ab"}
        for client in "abc":
            row = [tenure[client], *places.get(client, (np.nan, np.nan))]
            expected = artefact.predict(pd.DataFrame([row], columns=list(artefact.features)))[0]
            if question == "attrition":
                scores = {row["client_id"]: row["attrition_probability"] for row in found.client_scores.to_pylist()}
                assert scores[client] == pytest.approx(expected, abs=1e-6)
            else:
                assert offers[client, question.removeprefix("buy:")] == pytest.approx(expected, abs=1e-6)

    reasons = found.score_reasons.to_pandas()
    told = reasons[reasons["theme"] == "messages"].set_index(["client_id", "question"])["text_fr"]
    assert told["c", "attrition"] == "Aucun message au cours des 12 derniers mois"
    assert "maison" in told["b", "attrition"]
    sums = reasons.groupby(["client_id", "question"])["points"].sum()
    assert sums["a", "buy:far"] == pytest.approx(100 * offers["a", "far"])


def test_a_question_of_the_firms_own_is_scored_for_its_population(make_book):
    """Client b holds no loan, and client c holds nothing yet."""
    book = make_book(TABLES)
    table = build_features(book, population(book, [CUT]), FeatureSettings(groups=("tenure",)))
    rate = base_rate("x", 0.3)
    contract = rate.contract.model_copy(update={"question": "calls", "product_id": None})
    labels = {
        "label_en": "Calls",
        "label_fr": "Appelle",
        "target": "SELECT client_id, joined_on AS occurred_on FROM clients",
    }
    loans = "SELECT client_id FROM contracts WHERE product_id = 'loan'"
    own = [OwnQuestion(name="calls", population=loans, **labels), OwnQuestion(name="unanswered", **labels)]
    own += [OwnQuestion(name="nobody", population="SELECT client_id FROM clients WHERE kind = 'company'", **labels)]
    artefacts = {name: Artefact(contract, rate.golden, None) for name in ("calls", "nobody")}
    settings = ScoringSettings(database="unused")
    found = score_clients(book, CUT, table, artefacts, settings, ValueSettings(), "EUR", own)
    expected = {"client_id": "a", "question": "calls", "probability": 0.3, "modelled": False}
    assert found.question_scores.to_pylist() == [expected]
    assert {row["question"] for row in found.score_reasons.to_pylist()} == {"calls"}
    assert sum(row["points"] for row in found.score_reasons.to_pylist()) == pytest.approx(30.0)
