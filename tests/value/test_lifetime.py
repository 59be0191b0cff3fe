import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import hyp2f1

from appetence.models.beta_geometric import BetaGeometric
from appetence.value.lifetime import (
    TAIL_MONTHS,
    Contracts,
    annuities,
    contract_values,
    discount_factors,
    monthly_pace,
    sale_value,
    tail_factor,
)
from appetence.value.margins import ProductEconomics

MONTHS = 24
CHANCES = st.lists(st.floats(0, 1), min_size=MONTHS, max_size=MONTHS)


def one(margin=0.0, left=np.nan, on_balance=False, exposure=0.0, loss_rate=0.0):
    return Contracts(
        np.array([0]),
        np.array([margin]),
        np.array([float(left)]),
        np.array([on_balance]),
        np.array([exposure]),
        np.array([loss_rate]),
    )


def loop_value(staying, rate, pace, margin, left, on_balance, exposure, loss_rate):
    """Add up month by month, as one would on paper."""
    value, balance = 0.0, 1.0
    for k in range(1, MONTHS + 1):
        if not np.isnan(left) and k > left:
            break
        balance *= 1 - pace
        owed = exposure if np.isnan(left) else exposure * (1 - k / left)
        month = margin / 12 * (balance if on_balance else 1.0) - loss_rate * owed
        value += staying[k - 1] * month / (1 + rate) ** (k / 12)
    return value


@given(
    CHANCES,
    st.floats(0, 0.2),
    st.floats(0, 0.3),
    st.floats(-500, 500),
    st.one_of(st.just(np.nan), st.integers(-3, 40)),
    st.booleans(),
    st.floats(0, 1e5),
    st.floats(0, 0.05),
)
def test_a_contracts_value_is_the_loop_over_months(chances, rate, pace, margin, left, on_balance, exposure, loss_rate):
    staying = np.minimum.accumulate(np.array(chances))
    found = contract_values(
        annuities(staying[None, :], rate, np.array([pace])), one(margin, left, on_balance, exposure, loss_rate)
    )
    expected = loop_value(staying, rate, pace, margin, left, on_balance, exposure, loss_rate)
    assert found.total[0] == pytest.approx(expected, abs=1e-6)
    assert found.tail[0] == 0.0
    assert found.credit[0] <= 1e-9


def test_terms_tell_what_takes_the_margin_away():
    worth = annuities(np.ones((1, 12)), 0.0, np.array([0.1]))
    found = contract_values(worth, one(120.0, on_balance=True, exposure=1000.0, loss_rate=0.001))
    assert found.margin[0] == pytest.approx(120.0)
    assert found.erosion[0] == pytest.approx(10 * sum(0.9**k for k in range(1, 13)) - 120.0)
    assert found.credit[0] == pytest.approx(-12.0)


def test_a_year_discounts_at_the_yearly_rate():
    assert discount_factors(0.04, 12)[-1] == pytest.approx(1 / 1.04)


def test_the_pace_leaves_what_is_expected_to_be_left_and_nothing_is_known_as_none():
    pace = monthly_pace(np.array([0.4, np.nan, 1.0]), np.array([0.5, 0.5, 1.0]), 6)
    assert (1 - pace[0]) ** 6 == pytest.approx(0.8)
    assert pace[1] == 0.0
    assert 0.98 < pace[2] < 1.0


@given(st.floats(0.2, 5), st.floats(5, 200), st.floats(0, 0.1), st.floats(0, 0.02), st.integers(0, 300))
def test_the_tail_is_the_loop_over_the_months_after(alpha, beta, rate, other, tenure):
    decline = BetaGeometric(alpha, beta)
    total, alive = 0.0, 1.0
    for j in range(1, TAIL_MONTHS + 1):
        alive *= (1 - float(decline.hazard(tenure + j - 1))) * (1 - other)
        total += alive / 12 / (1 + rate) ** (j / 12)
    found = tail_factor(decline, np.array([other]), np.array([tenure, tenure + 7]), rate)
    assert found[0] == pytest.approx(total)


def test_only_contracts_without_a_term_have_a_tail_at_the_balance_that_erosion_leaves():
    staying = np.full((1, 12), 0.5)
    worth = annuities(staying, 0.0, np.array([0.1]), np.array([8.0]))
    tails = [contract_values(worth, one(100.0, left, eroding)).tail[0] for left, eroding in ((np.nan, False), (30, 0))]
    assert tails == pytest.approx([0.5 * 8 * 100, 0.0])
    assert contract_values(worth, one(100.0, on_balance=True)).tail[0] == pytest.approx(400 * 0.9**12)


def test_where_nobody_was_seen_to_leave_there_is_no_tail():
    assert tail_factor(None, np.zeros(3), np.array([4, 5]), 0.04).tolist() == [0.0, 0.0]


def test_a_sale_is_worth_its_margins_less_what_it_replaces_and_costs():
    worth = annuities(np.array([[1.0] * 24, [0.0] * 24]), 0.0)
    economics = ProductEconomics(("p",), np.array([130.0]), np.array([30.0]), np.array([80.0]))
    assert sale_value(worth, economics) == pytest.approx(np.array([[120], [-80]]))


def test_the_tail_of_a_published_cohort_is_its_expected_residual_lifetime():
    # Fader & Hardie (2010), equation 6, with the parameters that their paper of 2007 gives the regular segment; their
    # sum counts the payment at the moment of valuation, ours begins with the next
    alpha, beta = 0.704, 1.182
    discount, total, alive = 1.1, 0.0, 1.0
    for k in range(1, 4000):
        alive *= (beta + k - 1) / (alpha + beta + k - 1)
        total += alive / discount**k
    closed = float(hyp2f1(1.0, beta, alpha + beta, 1 / discount)) - 1.0
    assert total == pytest.approx(closed, rel=1e-6)
    yearly = 12 * tail_factor(BetaGeometric(alpha, beta), np.zeros(1), np.array([0]), 1.1**12 - 1)[0]
    assert yearly == pytest.approx(closed, rel=1e-6)
