import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appetence.errors import UsageError
from appetence.value.whatif import (
    EFFECTS,
    Scenario,
    SegmentBook,
    expected_book,
    mix_of,
    segment_book,
    shares_of,
    what_if,
    years,
)

RATE, MONTHS = 0.04, 60
NAMES = ("A", "B", "C")
KRONOS = {"A": 3000.0, "B": 1000.0, "C": 500.0}
TODAY = {"A": 0.3, "B": 0.3, "C": 0.4}
BETTER = {"A": 0.4, "B": 0.3, "C": 0.3}


def book(value=(9000.0, 2500.0, 800.0), retention=(0.9, 0.85, 0.8), holdings=(4.0, 2.0, 1.0)):
    columns = ((30.0, 30.0, 40.0), tuple(KRONOS.values()), value, retention, holdings)
    return SegmentBook(NAMES, *(np.array(each) for each in columns))


def test_the_mix_of_the_source_gives_a_sixth_more_and_not_sixty_percent():
    found = what_if(expected_book(NAMES, TODAY, KRONOS), Scenario(BETTER), RATE, MONTHS)
    assert found.value == pytest.approx((140_000, 165_000))
    assert round(100 * found.change, 1) == 17.9
    assert found.effects == pytest.approx({"mix": 25_000, "retention": 0, "depth": 0, "multiple": 0})


def test_a_linear_mix_stays_below_a_third_whatever_the_profits():
    for profit in (1e4, 1e6, 1e9):
        found = what_if(expected_book(NAMES, TODAY, KRONOS | {"A": profit}), Scenario(BETTER), RATE, MONTHS)
        assert found.change < 1 / 3
    assert found.change == pytest.approx(1 / 3, rel=1e-4)


@given(
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
    st.lists(st.floats(-500, 9000), min_size=3, max_size=3),
    st.floats(-0.1, 0.1),
    st.floats(0, 2),
    st.floats(-0.5, 1),
)
def test_effects_add_up_to_the_change_and_the_value_after_is_the_sum_over_segments(
    mix, value, retention, cross_sell, multiple
):
    here = book(value=tuple(value))
    shares = dict(zip(NAMES, np.array(mix) / sum(mix), strict=True))
    assume(here.mix @ here.value > 1)
    found = what_if(here, Scenario(shares, retention, cross_sell, multiple), RATE, MONTHS)
    assert sum(found.effects.values()) == pytest.approx(found.value[1] - found.value[0], abs=1e-6)
    after = 0.0
    for place, name in enumerate(NAMES):
        stays = [here.retention[place], min(1.0, here.retention[place] + retention)]
        terms = [sum(s ** (k / 12) / 1.04 ** (k / 12) for k in range(1, MONTHS + 1)) for s in stays]
        worth = value[place] * terms[1] / terms[0]
        worth += max(worth, 0.0) * cross_sell / here.holdings[place]
        after += 100 * shares[name] * worth * (1 + multiple)
    assert found.value[1] == pytest.approx(after, abs=1e-6)


@pytest.mark.parametrize(
    ("scenario", "effect"),
    [
        (Scenario(retention=0.02), "retention"),
        (Scenario(cross_sell=0.3), "depth"),
        (Scenario(multiple=0.1), "multiple"),
    ],
)
def test_a_change_of_one_kind_is_all_that_effect(scenario, effect):
    found = what_if(book(), scenario, RATE, MONTHS)
    assert found.effects[effect] == pytest.approx(found.value[1] - found.value[0])
    assert found.effects[effect] > 0
    assert all(found.effects[other] == pytest.approx(0, abs=1e-6) for other in EFFECTS if other != effect)


def test_where_segments_have_other_multiples_the_mix_moves_the_multiple():
    found = what_if(book(), Scenario(BETTER), RATE, MONTHS)
    assert found.multiple == pytest.approx((3770 / 1400, 4590 / 1650))
    # both orders by hand: the profit first at the old multiple, or last at the new one
    mix = (377_000 * 1650 / 1400 - 377_000 + 459_000 - 459_000 * 1400 / 1650) / 2
    assert found.effects["mix"] == pytest.approx(mix)
    assert found.effects["multiple"] == pytest.approx(82_000 - mix)


def test_years_of_margin_are_those_discounted_month_by_month():
    assert years(np.array([1.0]), 0.0, 24)[0] == pytest.approx(2.0)
    assert years(np.array([0.81]), 0.1, 12)[0] == pytest.approx(
        sum((0.81 / 1.1) ** (k / 12) for k in range(1, 13)) / 12
    )


def test_clients_are_put_together_by_segment_and_an_empty_one_is_as_expected():
    table = pa.table(
        {
            "segment": ["A", "A", "C"],
            "profit": [100.0, 300.0, 20.0],
            "value": [400.0, None, 50.0],
            "retention": [0.9, 0.8, None],
            "holdings": [3, 1, 1],
        }
    )
    found = segment_book(table, NAMES, {"B": 70.0})
    assert found.clients.tolist() == [2, 0, 1]
    assert found.profit.tolist() == [200, 70, 20]
    assert found.value == pytest.approx([400, 70 * 225 / 140, 50])
    assert found.retention == pytest.approx([0.85, 0.85, 0.85])
    assert found.holdings == pytest.approx([2, 5 / 3, 1])
    with pytest.raises(UsageError, match="needs the profit and the value of clients"):
        segment_book(table.set_column(1, "profit", pa.nulls(3, pa.float64())), NAMES)


def test_segments_that_are_not_named_share_what_is_left():
    today = np.array([10.0, 30.0, 60.0])
    assert mix_of(NAMES, today, {"A": 0.4}) == pytest.approx([0.4, 0.2, 0.4])
    assert mix_of(NAMES, today, {"A": 0.4, "B": 0.6}) == pytest.approx([0.4, 0.6, 0.0])
    assert mix_of(NAMES, today, {}) == pytest.approx([0.1, 0.3, 0.6])


@pytest.mark.parametrize(
    ("mix", "match"),
    [
        ({"A": 0.8, "B": 0.3}, "must add up to 100 %, but got 110 %"),
        ({"A": 0.2, "B": 0.3, "C": 0.4}, "must add up to 100 %, but got 90 %"),
        ({"a": 0.2}, "Did you mean|Known are: A, B, C"),
        ({"A": 1.2}, "between 0 and 100 %"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(mix, match):
    with pytest.raises(UsageError, match=match):
        mix_of(NAMES, np.ones(3), mix)


def test_what_is_not_known_cannot_be_changed():
    empty = expected_book(NAMES, TODAY, KRONOS)
    with pytest.raises(UsageError, match="the retention of a client must be known in every segment, but got not in A"):
        what_if(empty, Scenario(retention=0.1), RATE, MONTHS)
    with pytest.raises(UsageError, match="number of products held"):
        what_if(empty, Scenario(cross_sell=0.1), RATE, MONTHS)
    with pytest.raises(UsageError, match="the profit of a client must be known"):
        what_if(expected_book(NAMES, {"A": 1.0}, {"A": 5.0}), Scenario(BETTER), RATE, MONTHS)
    with pytest.raises(UsageError, match="whose yearly profit is above zero"):
        what_if(expected_book(NAMES, TODAY, KRONOS | {"A": -3000.0}), Scenario(BETTER), RATE, MONTHS)
    with pytest.raises(UsageError, match="whose value is above zero"):
        what_if(book(value=(-1.0, -1.0, -1.0)), Scenario(BETTER), RATE, MONTHS)


@pytest.mark.parametrize("text", ["A", "A=x", "A=40,A=50", "=4", "A=nan"])
def test_a_text_that_is_no_mix_is_refused(text):
    with pytest.raises(UsageError, match="a mix must name each segment once"):
        shares_of(text)
    assert shares_of("") == {}
