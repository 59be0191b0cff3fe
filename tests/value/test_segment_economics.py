import pyarrow as pa
import pytest

from appetence.value.segment_economics import segment_economics, selling_cases

FACTS = pa.table(
    {
        "past_revenue": [6000.0, 1250.4, 900.0, None],
        "past_cost": [2500.0, 600.0, 300.0, None],
        "past_profit": [3500.0, 650.4, 600.0, None],
    }
)


def test_each_segment_is_added_up_beside_what_is_expected_of_it(kronos):
    segments = pa.table({"client_id": list("abcd"), "segment": ["A", "C", "C", "D"]})
    rows = {row["segment"]: row for row in segment_economics(kronos, segments, FACTS).to_pylist()}
    assert list(rows) == ["A", "B", "C", "D"]
    c = rows["C"]
    assert (c["clients"], c["share"], c["revenue"], c["profit_per_client"]) == (2, 0.5, 2150.4, pytest.approx(625.2))
    assert (c["revenue_outside"], c["cost_outside"], c["revenue_high"], c["profit_expected"]) == (0, 1, 1250, 500)
    assert (rows["B"]["clients"], rows["B"]["revenue"], rows["B"]["revenue_per_client"]) == (0, 0.0, None)
    assert (rows["D"]["clients"], rows["D"]["profit"]) == (1, None)
    assert rows["D"]["service_fr"] == ["Infolettre", "Réponse aux appels et courriels"]
    assert sum(row["profit"] or 0 for row in rows.values()) == pytest.approx(3500 + 650.4 + 600)


def test_the_best_cases_of_a_segment_are_named_once_per_kind():
    segments = pa.table({"client_id": ["1", "2", "3"], "segment": ["A", "A", "B"]})
    offers = pa.table(
        {
            "client_id": ["1", "1", "1", "2", "3", "3", "9"],
            "product_id": ["life", "car", "loan", "car", "car", "life", "car"],
            "family": ["savings", "insurance", "credit", "insurance", "insurance", "savings", "insurance"],
            "probability": [0.1] * 7,
            "expected_value": [5.0, 9.0, 7.0, 20.0, None, -3.0, 99.0],
        }
    )
    held = pa.table({"client_id": ["1", "2"], "family": ["savings", "insurance"]})
    found = selling_cases(segments, offers, held).select(["segment", "kind", "rank", "client_id", "product_id"])
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("A", "cross-sell", 1, "1", "car"),
        ("A", "up-sell", 1, "2", "car"),
        ("A", "up-sell", 2, "1", "life"),
    ]
    assert len(selling_cases(segments, offers, held, each=1)) == 2
