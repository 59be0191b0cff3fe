from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest

from appetence.book import open_book
from appetence.config import (
    Asking,
    AttritionSettings,
    BookSettings,
    ErosionSettings,
    FeatureSettings,
    NextProductSettings,
    OwnQuestion,
    TrainingSettings,
)
from appetence.errors import UsageError
from appetence.models.training import train_questions

SMALL = TrainingSettings(tests=1, bootstrap=20, parameters={"max_rounds": 20})
TENURE = FeatureSettings(groups=("tenure",))


def settings(*, attrition: bool = True, products: bool = True):
    return Asking(
        attrition=AttritionSettings(enabled=attrition, min_events=20),
        erosion=ErosionSettings(enabled=False),
        next_product=NextProductSettings(enabled=products),
    )


def test_every_question_is_answered_one_way_or_another(trained):
    assert list(trained.outcomes) == ["attrition", "erosion", "buy:livret_a", "buy:pel"]
    for name, outcome in trained.outcomes.items():
        assert outcome.state in ("beats", "fallback")
        served = outcome.model if outcome.state == "beats" else outcome.fallback
        assert served is not None
        assert served.question == name
        served.check_golden()
        assert (outcome.fallback is None) == (outcome.state == "beats")
        assert outcome.verdict.en == served.verdict
    assert trained.ranking.questions == ("buy:livret_a", "buy:pel")


def test_a_product_with_too_few_buyers_gets_the_base_rate_and_says_so(trained):
    outcome = trained.outcomes["buy:pel"]
    events = outcome.facts["events"]
    assert outcome.verdict.en == f"not modelled: {events} buyers, 30 needed"
    assert outcome.model is None
    assert outcome.fallback.kind == "constant"
    assert 0 < outcome.fallback.probability < 0.1


def test_attrition_was_tested_beside_its_baselines(trained):
    outcome = trained.outcomes["attrition"]
    assert outcome.model is not None
    assert set(outcome.evaluation.baselines) == {"base rate", "life table", "logistic regression"}
    assert outcome.evaluation.metrics["auc"].value > 0.55
    assert outcome.facts["fit_rows"] > outcome.facts["calibration_rows"] > 0
    origins = outcome.model.contract.origins
    assert max(origins.fitted_on) < min(origins.calibrated_on)
    assert max(origins.calibrated_on) == "2023-01-01"  # 30 months from 2021-01, 6 ahead


def test_the_result_is_told_as_json_and_in_lines(trained):
    told = json.loads(json.dumps(trained.as_dict()))
    assert told["questions"]["attrition"]["verdict"] == trained.outcomes["attrition"].verdict.en
    assert len(told["book_fingerprint"]) == 64
    lines = list(trained.lines())
    assert lines[0].startswith("attrition: ")
    assert lines[-3].startswith("order of products, over ")
    assert "MAP@7" in lines[-1]


def test_the_same_book_and_seed_give_the_same_bytes(simulated, trained):
    with open_book(BookSettings(directory=str(simulated))) as book:
        again = train_questions(
            book,
            Asking(
                attrition=AttritionSettings(min_events=20),
                erosion=ErosionSettings(min_events=20),
                next_product=NextProductSettings(min_buyers=30),
            ),
            FeatureSettings(groups=("tenure", "holdings", "balances", "interactions")),
            SMALL,
            only={"attrition", "erosion", "buy:livret_a", "buy:pel"},
        )
    for name in ("attrition", "erosion", "buy:livret_a"):
        first, second = trained.outcomes[name].model, again.outcomes[name].model
        assert first is not None
        assert first.classifier.to_parts() == second.classifier.to_parts()
        assert first.contract == second.contract
        assert first.golden == second.golden
    assert trained.as_dict() == again.as_dict()


def quiet_book(make_book, *, leavers: int = 0, **kwargs):
    """Clients of several years, of whom some left; nothing tells who."""
    rng = np.random.default_rng(1)
    contracts = []
    for i in range(400):
        row = {"client_id": f"c{i}", "product_id": "P", "opened_on": dt.date(2015 + i % 4, 1 + i % 12, 1)}
        if i < leavers:
            row |= {
                "closed_on": dt.date(2020 + int(rng.integers(4)), 1 + int(rng.integers(12)), 10),
                "close_reason": "left",
            }
        contracts.append(row)
    return make_book({"contracts": contracts}, **kwargs)


def test_attrition_is_refused_where_nobody_leaves(make_book):
    result = train_questions(quiet_book(make_book), settings(), TENURE, SMALL)
    assert result.outcomes["attrition"].state == "refused"
    assert result.outcomes["attrition"].verdict.en.startswith("Nobody leaves in this book")
    assert "one product and nothing to sell" in result.outcomes["buy"].verdict.en
    assert result.ranking is None


def test_noise_gets_no_champion_and_few_leavers_get_no_model(make_book):
    noise = train_questions(quiet_book(make_book, leavers=200), settings(products=False), TENURE, SMALL)
    assert noise.outcomes["attrition"].state == "fallback"
    assert noise.outcomes["attrition"].verdict.en.startswith("does not beat its baselines")
    assert noise.outcomes["attrition"].fallback is not None
    few = train_questions(quiet_book(make_book, leavers=12), settings(products=False), TENURE, SMALL)
    assert few.outcomes["attrition"].verdict.en.startswith("not modelled: ")
    assert few.outcomes["attrition"].model is None


def test_a_short_book_is_refused_with_the_months_it_needs(make_book):
    book = quiet_book(make_book, leavers=100, observed_from=dt.date(2023, 1, 1), observed_until=dt.date(2024, 1, 1))
    result = train_questions(book, settings(products=False), TENURE, SMALL)
    assert result.outcomes["attrition"].state == "refused"
    assert "needs 21 months of book" in result.outcomes["attrition"].verdict.en
    assert "il y en a 12" in result.outcomes["attrition"].verdict.fr


def test_a_product_that_all_hold_is_refused(make_book):
    contracts = [
        {"client_id": f"c{i}", "product_id": product, "opened_on": dt.date(2016, 1, 1)}
        for i in range(60)
        for product in ("P", "Q")
    ]
    result = train_questions(make_book({"contracts": contracts}), settings(attrition=False), TENURE, SMALL)
    assert {outcome.state for outcome in result.outcomes.values()} == {"refused"}
    assert result.outcomes["buy:P"].verdict.en.startswith("Nobody may buy P for the first time")


def test_a_wrong_parameter_is_told_before_any_work(make_book):
    wrong = TrainingSettings(parameters={"num_leafs": 3})
    with pytest.raises(UsageError, match="num_leaves"):
        train_questions(make_book(), settings(), TENURE, wrong)


def buys_again_book(make_book):
    """Clients who had P for a while; those who joined lately buy it again, the others hardly ever; none ever buys Q."""
    rng = np.random.default_rng(4)
    contracts = []
    for i in range(300):
        joined = dt.date(2016 + i % 5, 1 + i % 12, 1)
        contracts += [
            {"client_id": f"c{i}", "product_id": "P", "opened_on": joined, "closed_on": dt.date(2020, 12, 15)},
            {"client_id": f"c{i}", "product_id": "K", "opened_on": joined},
        ]
        if rng.random() < (0.9 if i % 5 == 4 else 0.1):
            day = dt.date(2021 + int(rng.integers(3)), 1 + int(rng.integers(12)), 10)
            contracts.append({"client_id": f"c{i}", "product_id": "P", "opened_on": day})
    products = [{"product_id": product} for product in "PKQ"]
    return make_book({"contracts": contracts, "products": products})


def test_a_product_bought_again_is_learnt_judged_and_ordered_with_the_first_ones(make_book):
    asking = Asking(
        attrition=AttritionSettings(enabled=False),
        erosion=ErosionSettings(enabled=False),
        next_product=NextProductSettings(min_buyers=30, repurchase=True),
    )
    result = train_questions(buys_again_book(make_book), asking, TENURE, SMALL)
    assert list(result.outcomes) == ["rebuy", "buy:K", "buy:P", "buy:Q", "rebuy:P"]
    assert result.outcomes["rebuy"].state == "refused"
    again = result.outcomes["rebuy:P"]
    assert again.evaluation.metrics["auc"].value > 0.7
    assert (again.model.question, again.model.contract.product_id) == ("rebuy:P", "P")
    assert again.facts["events"] > 50
    # no household is asked both about a first P and about another one
    assert result.outcomes["buy:P"].state == "refused"
    assert result.ranking.questions == ("buy:Q", "rebuy:P")
    assert result.ranking.figures[3]["model"].value == 1.0  # nobody ever buys Q


def test_a_firms_own_questions_are_trained_beside_each_other_each_with_its_own_window(make_book):
    """Nobody is a company, nothing closes by death, and 200 leavers are too few where more are asked for: no fit."""
    closes = "SELECT client_id, closed_on AS occurred_on FROM contracts"

    def own(name: str, **changes: object) -> OwnQuestion:
        given = {"name": name, "label_en": name, "label_fr": name, "target": closes} | changes
        return OwnQuestion.model_validate(given)

    asked = (
        own("closes", min_events=1_000, horizon=3, once=True),
        own("dies", target=closes + " WHERE close_reason = 'death'"),
        own("firm_closes", population="SELECT client_id FROM clients WHERE kind = 'company'"),
    )
    off = settings(attrition=False, products=False).model_copy(update={"questions": asked})
    result = train_questions(quiet_book(make_book, leavers=200), off, TENURE, SMALL)
    assert {name: outcome.state for name, outcome in result.outcomes.items()} == {
        "closes": "fallback",
        "dies": "refused",
        "firm_closes": "refused",
    }
    assert result.outcomes["dies"].verdict.en.startswith("It never happened in this book")
    assert result.outcomes["firm_closes"].verdict.fr.startswith("Personne n’est concerné")
    contract = result.outcomes["closes"].fallback.contract
    assert (contract.question, contract.horizon, contract.features) == ("closes", 3, ())
    assert len(contract.definition) == 64
    assert 0.001 < contract.probability < 0.1
    assert result.outcomes["dies"].definition not in ("", contract.definition)
    assert result.ranking is None
