import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appetence.errors import UsageError
from appetence.value.segment_rules import SegmentRules
from appetence.value.segments import SEGMENTS, client_segments, prospect_segments

CRITERIA = [
    {"name": "assets", "label_en": "assets", "label_fr": "encours", "unit": "money", "prospect": "means"},
    {"name": "calls", "label_en": "calls", "label_fr": "appels", "unit": "count", "margin": 1, "prospect": "calls"},
    {"name": "place", "label_en": "place", "label_fr": "lieu", "unit": "code"},
]


def made(**settings):
    top = {"any": [{"criterion": "assets", "above": 100}, {"criterion": "place", "one_of": ["city", "sea"]}]}
    middle = {
        "points": [
            {"criterion": "assets", "at_least": 50, "weight": 2},
            {"criterion": "calls", "below": 4},
            {"all": [{"criterion": "calls", "at_most": 6}, {"criterion": "assets", "at_least": 20}]},
        ],
        "need": 2,
    }
    segments = [
        {"name": name, "label_en": name, "label_fr": name, "when": when}
        for name, when in (("A", top), ("B", middle), ("C", None))
    ]
    return SegmentRules.model_validate({"criteria": CRITERIA, "segments": segments, **settings})


RULES = made(margin=0.1, confirm=2)
CLIENTS = ["1", "2", "3"]
FACTS = st.fixed_dictionaries(
    {
        "assets": st.one_of(st.none(), st.sampled_from([0, 18, 20, 22, 44, 46, 50, 54, 56, 91, 99, 101, 109, 111])),
        "calls": st.one_of(st.none(), st.integers(0, 9)),
        "place": st.one_of(st.none(), st.sampled_from(["city", "hill"])),
    }
)


def table(rows, ids=CLIENTS):
    columns = {"assets": pa.float64(), "calls": pa.int64(), "place": pa.string()}
    return pa.table(
        {"client_id": ids[: len(rows)]}
        | {name: pa.array([row.get(name) for row in rows], type_) for name, type_ in columns.items()}
    )


def by_hand(facts, by=0.0, calls_by=0.0):
    """Return the place of one client's segment, with thresholds moved by hand: up is against the client."""
    assets, calls = facts["assets"], facts["calls"]

    def more(value, threshold):
        return value is not None and value >= threshold

    if (assets is not None and assets > 100 * (1 + by)) or facts["place"] in ("city", "sea"):
        return 0
    points = 2 * more(assets, 50 * (1 + by))
    points += calls is not None and calls < 4 - calls_by
    points += calls is not None and calls <= 6 - calls_by and more(assets, 20 * (1 + by))
    return 1 if points >= 2 else 2


def slowly(months):
    """Follow one client month by month, as one would with a pencil; None for a month in which there is no client."""
    here = pending = None
    count = 0
    for facts in months:
        if facts is None:
            here, pending, count = None, None, 0
            continue
        if here is None:
            here, pending, count = by_hand(facts), None, 0
            continue
        strict, lenient = by_hand(facts, 0.1, 1), by_hand(facts, -0.1, -1)
        wanted = strict if here > strict else lenient if here < lenient else here
        if wanted == here:
            pending, count = None, 0
            continue
        up = wanted < here
        if pending is not None and (pending < here) == up:
            confirmed, count = (max if up else min)(pending, wanted), count + 1
        else:
            confirmed, count = wanted, 1
        if count >= 2:
            here = confirmed
            pending, count = (None, 0) if wanted == confirmed else (wanted, 1)
        else:
            pending = confirmed
    return here, pending, count


@given(st.lists(st.lists(FACTS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_segments_are_those_followed_month_by_month_with_a_pencil(months):
    state = None
    for month in months:
        state = client_segments(RULES, table(month), state)
    for row, client in enumerate(state.to_pylist()):
        here, pending, count = slowly([month[row] for month in months])
        assert RULES.names[here] == client["segment"]
        assert (None if pending is None else RULES.names[pending]) == client["pending"]
        assert count == client["pending_months"]
        assert client["by_rule"] == RULES.names[by_hand(months[-1][row])]
    assert state.schema == SEGMENTS


def test_a_client_near_a_threshold_stays_and_one_far_beyond_moves_when_it_lasts():
    state = client_segments(RULES, table([{"assets": 99, "calls": 9}] * 2))
    seen = []
    for near, far in ((101, 150), (99, 150), (103, 150)):
        state = client_segments(RULES, table([{"assets": near, "calls": 9}, {"assets": far, "calls": 9}]), state)
        seen.append((state["segment"].to_pylist(), state["by_rule"].to_pylist(), state["pending"].to_pylist()))
    assert seen == [
        (["B", "B"], ["A", "A"], [None, "A"]),
        (["B", "A"], ["B", "A"], [None, None]),
        (["B", "A"], ["A", "A"], [None, None]),
    ]


def test_while_a_move_is_pending_the_values_are_those_of_the_month_before_it():
    state = client_segments(RULES, table([{"assets": 60}]))
    waiting = client_segments(RULES, table([{"assets": 150}]), state)
    moved = client_segments(RULES, table([{"assets": 160}]), waiting)
    values = [json.loads(each["criteria"][0].as_py())["assets"] for each in (state, waiting, moved)]
    assert values == [60, 60, 160]


def test_other_rules_and_new_clients_begin_anew():
    state = client_segments(RULES, table([{"assets": 99}, {"assets": 150}]))
    now = table([{"assets": 101}, {"assets": 99}, {"assets": 101}])
    assert client_segments(made(margin=0.2), now, state)["segment"].to_pylist() == ["A", "B", "A"]
    assert client_segments(RULES, now, state)["segment"].to_pylist() == ["B", "A", "A"]
    assert client_segments(RULES, now, state.slice(0, 0))["segment"].to_pylist() == ["A", "B", "A"]


def test_what_is_not_known_is_said_where_a_better_segment_hangs_on_it():
    rows = [{"assets": 150}, {"calls": 3}, {"assets": 60, "calls": 9, "place": "hill"}, {"place": "city"}]
    found = client_segments(RULES, table(rows, ["1", "2", "3", "4"]))
    assert found["segment"].to_pylist() == ["A", "C", "B", "A"]
    assert found["unknown"].to_pylist() == [None, "assets, place", None, None]


def test_criteria_are_told_as_json_whatever_a_code_holds():
    odd = 'a "b" \\ c'
    found = client_segments(RULES, table([{"assets": 1e300, "place": odd}]))
    assert json.loads(found["criteria"][0].as_py()) == {"assets": 1e300, "calls": None, "place": odd}


def test_a_column_that_is_missing_is_unknown_and_text_is_no_number():
    facts = table([{"assets": 150}])
    assert client_segments(RULES, facts.drop_columns(["calls", "place"]))["segment"].to_pylist() == ["A"]
    with pytest.raises(UsageError, match="must be read from a column of numbers"):
        client_segments(RULES, facts.set_column(1, "assets", pa.array(["much"])))


def test_a_prospect_of_whom_too_little_is_known_has_no_segment_yet():
    facts = pa.table({"prospect_id": ["1", "2", "3"], "means": [150.0, None, 10.0], "calls": [None, 9, 9]})
    found = prospect_segments(RULES, facts)
    assert found["segment"].to_pylist() == ["A", None, None]
    assert found["at_best"].to_pylist() == ["A", "A", "A"]
    assert found["unknown"].to_pylist() == [None, "assets, place", "place"]


def test_the_table_of_the_example_gives_its_segments(kronos):
    """Means of the source's table, one row per segment; the last client knows nobody and has nothing."""
    facts = pa.table(
        {
            "client_id": list("abcdefg"),
            "assets": [450e3, 300e3, 100e3, 30e3, 100e3, 100e3, None],
            "referrals_12m": [7, 5, 3, 1, 7, 5, 0],
            "past_revenue": [6000.0, 3000.0, 900.0, 300.0, 6000.0, 900.0, 0.0],
            "past_profit": [3000.0, 1000.0, 500.0, 100.0, 500.0, 1000.0, 0.0],
        }
    )
    assert client_segments(kronos, facts)["segment"].to_pylist() == ["A", "B", "C", "D", "A", "B", "D"]


def test_two_hundred_thousand_clients_each_have_one_segment(kronos):
    rng = np.random.default_rng(1)
    size = 200_000
    facts = pa.table({"client_id": pa.array(np.arange(size)).cast(pa.string()), "assets": rng.lognormal(10, 2, size)})
    found = client_segments(kronos, facts)
    assert found["segment"].null_count == 0
    expected = np.digitize(facts["assets"].to_numpy(), [50_000, 200_000, 400_000])
    assert found["segment"].to_pylist() == [("D", "C", "B", "A")[level] for level in expected]
