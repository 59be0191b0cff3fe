"""Sheets: who comes first, who is ready, and what a sheet may not say."""

import pyarrow as pa
import pytest

from appetence.months import Month
from appetence.reports.data import PublishedScores, Run
from appetence.reports.sheets import Offer, Reason, build_sheets, ready_to_buy, to_call, to_keep
from appetence.reports.situations import Situation

RUN = Run("r", Month.parse("2023-12"), "f", "1", 0, {}, {}, {})


def who(client_id: str, household_id: str | None = None, refuses: frozenset[str] = frozenset()) -> Situation:
    return Situation(client_id, f"Name {client_id}", "person", 40, None, household_id, refuses=refuses)


def columns(texts: tuple[str, ...], numbers: tuple[str, ...], flags: tuple[str, ...] = ()) -> pa.Schema:
    kinds = ((texts, pa.string()), (numbers, pa.float64()), (flags, pa.bool_()))
    return pa.schema([(name, kind) for names, kind in kinds for name in names])


def published(rows: list[dict], offers: list[dict] = (), reasons: list[dict] = ()) -> PublishedScores:
    numbers = ("attrition_probability", "past_profit", "lifetime_value", "potential")
    numbers += ("erosion_probability", "expected_outflow")
    clients = columns(("client_id", "advisor_id", "attrition_tier"), numbers)
    by_product: dict[tuple[str, str], list[float]] = {}
    for row in offers:
        by_product.setdefault((row["product_id"], row["purchase"]), []).append(row["probability"])
    products = columns(("product_id", "purchase"), ("average", "value"))
    averages = [
        {"product_id": p, "purchase": which, "average": sum(found) / len(found)}
        for (p, which), found in by_product.items()
    ]
    offer = columns(("client_id", "product_id", "purchase"), ("probability", "expected_value"), ("modelled",))
    texts = ("client_id", "question", "theme", "text_en", "text_fr")
    reason = columns(texts, ("points",), ("actionable",))
    return PublishedScores(
        RUN,
        pa.Table.from_pylist(rows, schema=clients),
        pa.Table.from_pylist(averages, schema=products),
        pa.Table.from_pylist(list(offers), schema=offer),
        pa.Table.from_pylist(list(reasons), schema=reason),
    )


def client(client_id: str, p: float | None, value: float | None, tier: str | None = "high", **more: object) -> dict:
    row = {"client_id": client_id, "attrition_probability": p, "lifetime_value": value, "attrition_tier": tier}
    return row | more


def sheets_of(rows: list[dict], situations: list[Situation] | None = None, **more: object):
    situations = situations or [who(row["client_id"]) for row in rows]
    return build_sheets(published(rows, **more), {s.client_id: s for s in situations})


def test_the_order_is_that_of_the_money_at_stake():
    sheets = sheets_of([client("a", 0.9, 100.0), client("b", 0.1, 5000.0), client("c", 0.5, -20.0)])
    assert [sheet.client_id for sheet in sheets] == ["b", "a", "c"]
    assert [sheet.at_stake for sheet in sheets] == pytest.approx([500.0, 90.0, -10.0])


def test_without_values_the_risk_decides_and_without_risk_the_potential():
    assert [s.client_id for s in sheets_of([client("a", 0.2, None), client("b", 0.4, None)])] == ["b", "a"]
    rows = [client("a", None, 7.0, None), client("b", None, 9.0, None), client("c", None, 1.0, None, potential=10.0)]
    assert [s.client_id for s in sheets_of(rows)] == ["c", "b", "a"]
    assert [s.at_stake for s in sheets_of(rows)] == [None] * 3


def test_ties_are_settled_by_id():
    rows = [client(i, 0.2, 10.0) for i in ("b", "c", "a")]
    assert [s.client_id for s in sheets_of(rows)] == ["a", "b", "c"]


def test_low_risk_is_not_on_the_call_list():
    rows = [client("a", 0.2, 10.0), client("b", 0.1, 90.0, "low"), client("c", 0.15, 12.0, "medium")]
    sheets = sheets_of(rows)
    assert [sheet.client_id for sheet in to_call(sheets, 5)] == ["a", "c"]
    assert [sheet.client_id for sheet in to_call(sheets, 1)] == ["a"]


def offered(
    client_id: str,
    probability: float,
    worth: float | None,
    product: str = "P",
    modelled: bool = True,
    purchase: str = "first",
) -> dict:
    row = {"client_id": client_id, "product_id": product, "probability": probability}
    return row | {"expected_value": worth, "modelled": modelled, "purchase": purchase}


def test_ready_is_above_average_by_a_model_worth_something_and_not_objecting():
    rows = [client(i, 0.1, 10.0) for i in "abcdef"]
    offers = [
        offered("a", 0.30, 30.0),
        offered("b", 0.01, 90.0),  # below the average
        offered("c", 0.30, 99.0),  # objects to marketing
        offered("d", 0.30, -1.0),  # a sale at a loss
        offered("e", 0.30, 40.0),
        offered("f", 0.90, 50.0, "Q", modelled=False),
        offered("e", 0.02, 41.0, "Q", modelled=False),
    ]
    situations = [who(i, refuses=frozenset({"marketing"}) if i == "c" else frozenset()) for i in "abcdef"]
    sheets = sheets_of(rows, situations, offers=offers)
    assert [(sheet.client_id, offer.product_id) for sheet, offer in ready_to_buy(sheets, 9)] == [("e", "P"), ("a", "P")]
    assert [sheet.client_id for sheet, _ in ready_to_buy(sheets, 1)] == ["e"]


def test_lift_is_against_the_products_average():
    sheets = sheets_of(
        [client("a", 0.1, 10.0), client("b", 0.1, 10.0)], offers=[offered("a", 0.03, None), offered("b", 0.01, None)]
    )
    assert [sheet.offers[0].lift for sheet in sheets] == pytest.approx([1.5, 0.5])


def test_another_contract_is_held_against_others_who_had_the_product():
    offers = [
        offered("a", 0.30, 10.0, purchase="again"),
        offered("b", 0.10, 10.0, purchase="again"),
        offered("c", 0.02, 10.0),
    ]
    told = {"theme": "x", "points": 1.0, "actionable": False, "text_en": "x", "text_fr": "x"}
    reasons = [{"client_id": "a", "question": "rebuy:P", **told}, {"client_id": "c", "question": "buy:P", **told}]
    sheets = sheets_of([client(i, 0.1, 10.0) for i in "abc"], offers=offers, reasons=reasons)
    assert [sheet.offers[0].lift for sheet in sheets] == pytest.approx([1.5, 0.5, 1.0])
    assert [len(sheet.offers[0].why) for sheet in sheets] == [1, 0, 1]


def test_reasons_why_are_those_that_raise_the_score():
    rows = [("baseline", 4.0), ("a", -2.0), ("b", 1.5), ("c", 0.5), ("other", 9.0)]
    reasons = [
        {"client_id": "1", "question": "attrition", "theme": theme, "points": points, "actionable": False}
        | {"text_en": theme, "text_fr": theme.upper()}
        for theme, points in rows
    ]
    (sheet,) = sheets_of([client("1", 0.13, 10.0)], reasons=reasons)
    assert [reason.text("fr") for reason in sheet.why] == ["B", "C"]
    assert sheet.strongest == 2.0
    assert Offer("P", "first", 0.1, None, True, 1.0, (Reason("x", -1.0, False, "", ""),)).why == ()


def test_the_household_is_the_other_clients_scored_who_share_it():
    situations = [who("a", "H"), who("b", "H"), who("c"), who("d", "G")]
    sheets = {s.client_id: s for s in sheets_of([client(i, 0.1, 1.0) for i in "abcd"], situations)}
    assert [member.client_id for member in sheets["a"].household] == ["b"]
    assert sheets["c"].household == sheets["d"].household == ()


def test_whose_money_may_leave_is_told_by_the_money_above_the_average_risk_only():
    rows = [
        client("a", 0.1, 1.0, erosion_probability=0.3, expected_outflow=50.0),
        client("b", 0.1, 1.0, erosion_probability=0.6, expected_outflow=20.0),
        client("c", 0.1, 1.0, erosion_probability=0.5, expected_outflow=40.0),
        client("d", 0.1, 1.0, erosion_probability=0.2, expected_outflow=900.0),
        client("e", 0.1, 1.0),
    ]
    told = {"client_id": "b", "question": "erosion", "actionable": False, "text_en": "x", "text_fr": "x"}
    reasons = [told | {"theme": theme, "points": points} for theme, points in (("flows", 20.0), ("x", -3.0))]
    sheets = sheets_of(rows, reasons=reasons)
    assert [(s.client_id, erosion.outflow) for s, erosion in to_keep(sheets, 5)] == [("c", 40.0), ("b", 20.0)]
    assert [s.client_id for s, _ in to_keep(sheets, 1)] == ["c"]
    found = {sheet.client_id: sheet.erosion for sheet in sheets}
    assert found["b"].lift == pytest.approx(0.6 / 0.4)
    assert [one.points for one in found["b"].why] == [20.0]
    assert found["e"] is None
