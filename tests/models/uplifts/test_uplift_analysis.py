import json
from dataclasses import replace

import numpy as np
import pytest

from appetence.config import FeatureSettings
from appetence.errors import UsageError
from appetence.models.tracking import STATE as QUESTION_STATE
from appetence.models.uplifts import UpliftResult, measure_uplift
from appetence.models.uplifts.analysis import assess, sides_of
from appetence.models.uplifts.record import STATE, uplift_record
from appetence.models.uplifts.verdicts import no_offers


@pytest.fixture(scope="session")
def assessed(quick):
    """Return the function that assesses draws."""

    def run(draws, min_buyers=30):
        found = UpliftResult(None, 3, "refused", no_offers(None), sides_of(draws), {"no draw": 7}, draws=draws)
        return assess(found, draws, min_buyers, quick)

    return run


@pytest.fixture(scope="module")
def found(make_draws, assessed):
    return assessed(make_draws(n=3_000, effect=0.25)[0])


def test_a_planted_effect_comes_out_as_a_table_with_the_verdict_last(found):
    assert found.state in ("lift", "better")
    assert found.balance.random
    lines = list(found.lines())
    assert " ".join(lines[0].split()) == "product campaigns offered bought held out bought added per 1,000"
    assert [line.split()[0] for line in lines[1:3]] == ["card", "loan"]
    assert "left out: 7 offers (no draw)" in lines
    assert any(line.startswith("to the first 20 %") for line in lines)
    assert lines[-1] == f"uplift: {found.verdict.en}"
    assert found.verdict.en.startswith("targets by lift")


def test_the_two_sides_are_counted_by_product(make_draws):
    draws, _ = make_draws(n=900)
    sides = sides_of(draws)
    loan = draws.product == "loan"
    assert sides["loan"].offered == (loan & draws.offered).sum()
    assert sides["loan"].held_out_bought == draws.bought[loan & ~draws.offered].sum()
    assert sides["loan"].campaigns == 3
    by_campaign = [
        (draws.bought[rows & draws.offered].mean() - draws.bought[rows & ~draws.offered].mean(), rows.sum())
        for rows in (draws.stratum == code for code in (0, 2, 4))
    ]
    mean = np.average([lift for lift, _ in by_campaign], weights=[size for _, size in by_campaign])
    assert sides["loan"].added == pytest.approx(mean)


def test_the_json_says_the_same_and_names_no_client(found):
    told = json.loads(json.dumps(found.as_dict()))
    assert told["state"] == found.state
    assert told["verdict_fr"] == found.verdict.fr
    assert told["figures"]["qini"] == found.judgement.qini.value
    assert told["products"]["card"]["offered"] == found.sides["card"].offered
    assert len(told["curve"]) == 21
    assert "client" not in told


def test_it_refuses_what_was_not_drawn_at_random(make_draws, assessed):
    refused = assessed(make_draws(n=3_000, effect=0.25, chosen=0.5)[0])
    assert refused.state == "refused"
    assert refused.judgement is None
    assert refused.verdict.en.startswith("refused: the control group was not drawn at random")
    assert "in need (" in refused.verdict.en
    assert refused.verdict.fr.startswith("refusé : le groupe témoin n’a pas été tiré au sort")


def test_it_refuses_too_few_buyers_and_too_short_a_time(make_draws, assessed):
    draws, _ = make_draws(n=3_000)
    few = assessed(draws, min_buyers=10_000)
    assert (few.state, few.judgement) == ("refused", None)
    assert "in the older campaigns" in few.verdict.en
    newest = assessed(replace(draws, bought=np.where(draws.cut >= np.datetime64("2023-01-01"), 0, draws.bought)))
    assert "in the newest campaigns 0 of those offered and 0 of those held out bought, 10 of each" in newest.verdict.en
    late = np.full(len(draws), np.datetime64("2024-01-01", "D"))
    assert "too close together" in assessed(replace(draws, closes=late)).verdict.en


def test_what_is_kept_is_no_refusal_of_a_question_and_holds_no_client(found, quick):
    record = uplift_record(found, quick, "f" * 64)
    assert record.name == "uplift"
    assert record.tags[STATE] == found.state
    assert QUESTION_STATE not in record.tags
    assert record.metrics["qini_low"] == found.judgement.qini.low
    assert record.metrics["left_out.no_draw"] == 7
    assert record.params["learner"] == found.judgement.learner
    assert set(record.texts) == {"uplift.json", "curves/qini.csv"}
    header, *rows = record.texts["curves/qini.csv"].splitlines()
    assert header == "share_of_clients,by_lift,by_score,at_random"
    assert len(rows) == 21
    assert not uplift_record(replace(found, judgement=None, balance=None), quick, "f").texts.keys() - {"uplift.json"}


def test_a_book_without_offers_is_refused_and_an_unknown_product_is_wrong_use(make_book, quick):
    book = make_book()
    asked = (3, 30, FeatureSettings(), quick)
    refused = measure_uplift(book, None, *asked)
    assert refused.state == "refused"
    assert refused.verdict.en.startswith("refused: no offer was held out at random")
    assert list(refused.lines()) == [f"uplift: {refused.verdict.en}"]
    assert measure_uplift(book, "P", *asked).verdict.en.startswith("refused: no offer of P was held out")
    with pytest.raises(UsageError, match="a product must be in the catalogue"):
        measure_uplift(book, "Q", *asked)
