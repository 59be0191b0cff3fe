import datetime as dt

import numpy as np
import pytest

from appetence.config import FeatureSettings
from appetence.models.uplifts.draws import PRODUCT, drawn_products, read_draws

FEATURES = FeatureSettings(groups=("tenure", "holdings", "interactions"))


def offer(number, client, made_on, held_out, product="Q", campaign="c1"):
    return {
        "offer_id": str(number),
        "client_id": client,
        "product_id": product,
        "made_on": made_on,
        "channel": "email",
        "campaign_id": campaign,
        "held_out": held_out,
    }


def bought(client, day, product="Q"):
    return {"contract_id": f"{client}{product}{day}", "client_id": client, "product_id": product, "opened_on": day}


SENT = dt.date(2022, 3, 10)
CLIENTS = "abcdefghij"


@pytest.fixture
def book(make_book):
    """A campaign of product Q to clients a … f, with three held out; horizon three months."""
    return make_book(
        {
            "clients": [
                {"client_id": c, "household_id": {"a": "x", "b": "x"}.get(c), "joined_on": dt.date(2020, 5, 1)}
                for c in CLIENTS
            ],
            "products": [{"product_id": "P"}, {"product_id": "Q"}],
            "contracts": [
                *({"contract_id": c, "client_id": c, "product_id": "P"} for c in CLIENTS),
                bought("a", dt.date(2022, 6, 9)),  # the last day that counts
                bought("b", dt.date(2022, 6, 10)),  # one day late
                bought("c", SENT),  # on the day itself
                bought("d", dt.date(2022, 3, 9)),  # before the offer, though after the cut
                bought("d", dt.date(2022, 4, 1), product="P"),  # another product
                bought("f", dt.date(2022, 5, 1)),
            ],
            "offers": [
                *(offer(n, c, SENT, held_out=n % 2 == 1) for n, c in enumerate("abcdef")),
                offer(10, "g", SENT, held_out=None),  # an advisor's own proposal
                offer(11, "h", SENT, held_out=False, campaign="c2"),  # a campaign without a control group
                offer(12, "a", dt.date(2022, 4, 1), held_out=False),  # the second of one draw
                offer(13, "i", SENT, held_out=False),  # on both sides
                offer(14, "i", SENT, held_out=True),
                offer(15, "h", dt.date(2023, 11, 1), held_out=False, campaign="c3"),  # not known yet
                offer(16, "j", dt.date(2023, 11, 1), held_out=True, campaign="c3"),
            ],
        }
    )


def test_who_was_offered_and_who_bought_is_read_with_both_clocks(book):
    read = read_draws(book, None, 3, FEATURES, seed=1)
    draws = read.draws
    assert len(draws) == 6
    assert draws.offered.tolist() == [True, False, True, False, True, False]
    assert draws.bought.tolist() == [1, 0, 1, 0, 0, 1]
    assert set(draws.cut) == {np.datetime64("2022-03-01", "D")}
    assert set(draws.closes) == {np.datetime64("2022-06-10", "D")}
    assert draws.household[0] == draws.household[1] != draws.household[2]
    assert draws.X[PRODUCT].tolist() == ["Q"] * 6
    assert draws.offer_id.tolist() == list("012345")
    assert draws.buyers(offered=True) == 2
    assert draws.buyers(offered=False) == 1


def test_offers_that_say_nothing_are_counted(book):
    assert dict(read_draws(book, None, 3, FEATURES, seed=1).left_out) == {
        "no draw": 1,
        "twice in a draw": 3,
        "outcome not known yet": 2,
        "one side only": 1,
    }


def test_features_are_those_of_the_month_before_and_none_counts_offers(book):
    X = read_draws(book, None, 3, FEATURES, seed=1).draws.X
    assert X["tenure"].nunique() == 1
    assert X["products_held"].tolist() == [1.0] * 6  # what was bought in March is not known at its first day
    assert not [name for name in X.columns if "offers" in name or name == "months_since_offer"]


def test_products_can_be_chosen_and_a_book_without_draws_has_none(book, make_book):
    assert drawn_products(book) == ["Q"]
    assert read_draws(book, ["P"], 3, FEATURES, seed=1).draws is None
    assert drawn_products(make_book()) == []


def test_each_side_weighs_as_much_as_its_whole_draw(make_draws):
    draws, _ = make_draws(n=600)
    wanted = np.where(draws.stratum < 3, True, draws.client % 3 == 0)  # campaigns of different size and share
    kept = draws.take(wanted)
    for stratum in np.unique(kept.stratum):
        rows = kept.stratum == stratum
        for side in (True, False):
            assert kept.weight[rows & (kept.offered == side)].sum() == pytest.approx(rows.sum())


def test_a_draw_of_which_one_side_is_left_is_dropped(make_draws):
    draws, _ = make_draws(n=600)
    kept = draws.take((draws.stratum != 2) | draws.offered)
    assert sorted(set(kept.stratum)) == [0, 1, 3, 4, 5]
    assert len(kept.X) == len(kept)
    assert kept.draws == 5
