import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.value.lifetime import annuities, contract_value, discount_factors, sale_value


def loop_value(staying, margin, rate, months):
    """Add up month by month, as one would on paper."""
    total = 0.0
    for k in range(1, months + 1):
        total += staying[k - 1] * margin / 12 / (1 + rate) ** (k / 12)
    return total


@given(
    st.lists(st.floats(0, 1), min_size=24, max_size=24),
    st.floats(-500, 500),
    st.floats(0, 0.2),
    st.integers(-3, 40),
)
def test_contract_value_is_the_loop_over_months(chances, margin, rate, months_left):
    staying = np.minimum.accumulate(np.array(chances))
    value = contract_value(
        annuities(staying[None, :], rate), np.array([0]), np.array([margin]), np.array([float(months_left)])
    )
    assert value[0] == pytest.approx(loop_value(staying, margin, rate, min(max(months_left, 0), 24)), abs=1e-9)


def test_a_contract_without_term_is_counted_to_the_horizon():
    annuity = annuities(np.ones((1, 36)), 0.0)
    assert contract_value(annuity, np.array([0]), np.array([120.0]), np.array([np.nan]))[0] == pytest.approx(360.0)


def test_a_year_discounts_at_the_yearly_rate():
    assert discount_factors(0.04, 12)[-1] == pytest.approx(1 / 1.04)


def test_a_sale_is_worth_its_margins_less_its_cost():
    assert sale_value(np.array([2.0, 0.5]), np.array([100.0]), np.array([80.0])) == pytest.approx(
        np.array([[120], [-30]])
    )
