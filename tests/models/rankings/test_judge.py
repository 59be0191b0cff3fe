from __future__ import annotations

import json

import numpy as np
import pytest

from appetence.config import TrainingSettings
from appetence.models.baselines import BASE_RATE
from appetence.models.blocks import Window
from appetence.models.dependence import Dependence
from appetence.models.fitting import Predictions
from appetence.models.questions import Question
from appetence.models.rankings.judge import buyers_of, judge_scores
from appetence.models.rankings.result import MODEL, POPULARITY, RULES, SIMILAR

SETTINGS = TrainingSettings(bootstrap=100)


def question(name: str) -> Question:
    return Question(name, Window(6), 50, (BASE_RATE,))


def served(rows: list[int], y: list[int], p: list[float], rate: float) -> Predictions:
    n = len(rows)
    date = np.repeat(np.array(["2023-01-01"], dtype="datetime64[D]"), n)
    plain = {BASE_RATE: np.full(n, rate)}
    return Predictions(np.array(rows), np.array(y), np.array(p), plain, np.array(rows), date)


def judged(buyers, scores, labelled, unit="household", codes=None):
    codes = np.arange(len(buyers.rows)) if codes is None else codes
    return judge_scores(buyers, scores, codes, unit, labelled.snapshots, SETTINGS)


def test_the_order_of_products_by_hand(make_labelled):
    # client 0 buys B (model: second, popularity: second), client 1 buys A again (model first); client 2 buys nothing
    a = served([0, 1], [0, 0], [0.5, 0.1], 0.3)
    b = served([0, 1, 2], [1, 0, 0], [0.4, 0.1, 0.2], 0.2)
    a_again = served([1], [1], [0.6], 0.25)
    found = buyers_of({question("buy:A"): a, question("buy:B"): b, question("rebuy:A"): a_again})
    assert found.rows.tolist() == [0, 1]
    assert found.bought.astype(int).tolist() == [[0, 1, 0], [0, 0, 1]]
    assert np.isnan(found.scores[MODEL][0, 2])  # client 0 was not asked about another A
    ranking = judged(found, found.scores, make_labelled(10))
    assert ranking.figures[7][MODEL].value == pytest.approx((1 / 2 + 1) / 2)
    assert ranking.figures[7][POPULARITY].value == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert ranking.ahead[7][POPULARITY].value == pytest.approx(1 / 4)
    assert ranking.ceiling == {3: 1.0, 7: 1.0}
    assert ranking.buyers == 2
    assert buyers_of({}) is None
    assert buyers_of({question("buy:A"): served([0], [0], [0.5], 0.1)}) is None


def orders(n: int, seed: int, products: int = 9):
    """Buyers of one product each, whom the model knows well, rules less, and popularity not at all."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, products, n)
    bought = np.arange(products) == chosen[:, None]
    names = {MODEL: 2.0, POPULARITY: 0.0, RULES: 1.0, SIMILAR: 0.5}
    scores = {name: rng.normal(size=(n, products)) + know * bought for name, know in names.items()}
    y, all_rows = bought.astype(int), np.arange(n)
    return buyers_of(
        {question(f"buy:{k}"): served(all_rows.tolist(), y[:, k].tolist(), [0.1] * n, 0.1) for k in range(products)}
    ), scores


def test_a_verdict_names_the_best_plain_order_and_says_when_nothing_is_sure(make_labelled):
    buyers, scores = orders(400, 1)
    ranking = judged(buyers, scores, make_labelled(400))
    assert ranking.best_plain == RULES
    low, high = (f"{bound:+.3f}" for bound in (ranking.ahead[7][RULES].low, ranking.ahead[7][RULES].high))
    assert ranking.verdict.en.startswith("the models' order beats the best plain one, association rules: MAP@7 0.")
    assert f"(95 % interval of the difference {low} to {high}), at best 1.000; intervals by household" in (
        ranking.verdict.en
    )
    assert ranking.verdict.fr.startswith("l’ordre des modèles fait mieux que le meilleur ordre simple, les règles")
    worse = judged(buyers, {MODEL: scores[POPULARITY], RULES: scores[RULES]}, make_labelled(400))
    assert "order loses to the best plain one" in worse.verdict.en
    assert "fait moins bien que" in worse.verdict.fr
    same = judged(buyers, {MODEL: scores[RULES], RULES: scores[RULES]}, make_labelled(400))
    assert "order shows no clear difference to the best plain one" in same.verdict.en
    assert (same.ahead[3][RULES].low, same.ahead[3][RULES].high) == (0.0, 0.0)  # both drawn together


def test_units_are_drawn_as_wholes(make_labelled):
    buyers, scores = orders(300, 2)
    pairs = np.repeat(np.arange(150), 2)
    alone = judged(buyers, scores, make_labelled(400))
    together = judged(buyers, scores, make_labelled(400), unit="cohort", codes=np.arange(300) // 100)
    assert (alone.units, judged(buyers, scores, make_labelled(400), codes=pairs).units) == (300, 150)
    assert together.units == 3
    assert "intervals by month of joining" in together.verdict.en
    wide, narrow = together.figures[3][MODEL], alone.figures[3][MODEL]
    assert wide.value == narrow.value
    assert (wide.low, wide.high) != (narrow.low, narrow.high)


def test_it_is_told_as_json_in_lines_and_to_mlflow(make_labelled):
    buyers, scores = orders(200, 3)
    ranking = judged(buyers, scores, make_labelled(400))
    told = json.loads(json.dumps(ranking.as_dict()))
    assert told["map_at_3"]["ahead_of"]["similar_clients"]["value"] == ranking.ahead[3][SIMILAR].value
    assert set(told["map_at_7"]) == {
        "ceiling", "model", "popularity", "association_rules", "similar_clients", "ahead_of"
    }  # fmt: skip
    lines = list(ranking.lines())
    assert [line.split(" ")[2][:5] for line in lines[1:]] == ["MAP@3", "MAP@7"]
    assert "similar clients 0." in lines[1]
    flat = ranking.flat()
    assert {"buyers", "map_at_3", "map_at_7_low", "ceiling_at_7", "association_rules.ahead_at_3_high"} <= set(flat)
    assert all(np.isfinite(value) for value in flat.values())


def test_the_widest_unit_of_the_products_is_drawn():
    from appetence.models.rankings.judge import _unit_of

    one = served([0], [1], [0.5], 0.1)
    tranche = Predictions(**{**vars(one), "dependence": Dependence("cohort")})
    assert _unit_of([one, one]) == "household"
    assert _unit_of([one, tranche]) == "cohort"
