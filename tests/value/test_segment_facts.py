import datetime as dt

import pyarrow as pa
import pytest

from appetence.errors import UsageError
from appetence.value.segment_facts import columns_needed, segment_facts

from .test_margins import CUT, TABLES

CLIENTS = [
    {"client_id": "1"},
    {"client_id": "2", "referred_by": "1", "joined_on": dt.date(2021, 1, 1)},
    {"client_id": "3", "referred_by": "1", "joined_on": dt.date(2021, 12, 31)},
    {"client_id": "4", "referred_by": "2", "joined_on": dt.date(2020, 12, 31)},
    {"client_id": "5", "referred_by": "2", "joined_on": CUT},
]
FEATURES = pa.table({"client_id": ["3", "1", "2"], "assets": [4.0, 1.0, None]})


def test_facts_stand_side_by_side_in_the_order_of_the_features(make_book):
    scores = pa.table({"client_id": ["2", "3"], "lifetime_value": [7.0, 8.0], "assets": [0.0, 0.0]})
    found = segment_facts(make_book(TABLES | {"clients": CLIENTS}), CUT, FEATURES, scores).to_pydict()
    assert found["client_id"] == ["3", "1", "2"]
    assert found["assets"] == [4.0, 1.0, None]
    assert found["lifetime_value"] == [8.0, None, 7.0]
    assert found["past_profit"] == [0.0, 15.0, 1.0]
    assert found["past_revenue"] == [0.0, 17.0, 1.0]
    assert found["referrals_12m"] == [0.0, 2.0, 0.0]


def test_what_a_book_does_not_say_is_unknown(make_book):
    book = make_book({"contracts": TABLES["contracts"], "products": TABLES["products"]})
    found = segment_facts(book, CUT, FEATURES).to_pydict()
    assert found["past_profit"] == found["referrals_12m"] == [None, None, None]


def test_a_column_that_nobody_knows_is_named(kronos):
    known = ["assets", "referrals_12m", "past_revenue", "past_profit"]
    assert columns_needed(kronos, known) == known
    with pytest.raises(UsageError, match=r"'past_profit'\. Did you mean 'past_profits'"):
        columns_needed(kronos, [*known[:3], "past_profits"])
