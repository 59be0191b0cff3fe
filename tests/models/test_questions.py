from __future__ import annotations

import datetime as dt

import pytest

from appetence.config import Asking, AttritionSettings, NextProductSettings
from appetence.errors import UsageError
from appetence.models.blocks import Window
from appetence.models.questions import ask

ASKING = Asking(
    attrition=AttritionSettings(horizon=12, gap=1, min_events=30), next_product=NextProductSettings(min_buyers=40)
)


def held(*products: str) -> dict[str, list[dict[str, object]]]:
    return {"contracts": [{"client_id": "1", "product_id": product} for product in products]}


def test_one_question_per_product_and_one_of_attrition(make_book):
    asked = ask(make_book(held("B", "A")), ASKING)
    assert [question.name for question in asked.questions] == ["attrition", "buy:A", "buy:B"]
    attrition, first, _ = asked.questions
    assert (attrition.window, attrition.fewest_events, attrition.product_id) == (Window(12, 1), 30, None)
    assert (first.window, first.fewest_events, first.product_id) == (Window(6, 0), 40, "A")
    assert "life table" in attrition.baselines
    assert "life table" not in first.baselines
    assert not asked.refused


def test_a_book_of_one_product_has_nothing_to_sell(make_book):
    asked = ask(make_book(held("A")), ASKING)
    assert [question.name for question in asked.questions] == ["attrition"]
    assert "one product and nothing to sell" in asked.refused["buy"].en


def test_what_is_switched_off_is_not_asked(make_book):
    book = make_book(held("A", "B"))
    off = ASKING.model_copy(update={"attrition": AttritionSettings(enabled=False)})
    assert [q.name for q in ask(book, off).questions] == ["buy:A", "buy:B"]
    assert [
        q.name
        for q in ask(book, ASKING.model_copy(update={"next_product": NextProductSettings(enabled=False)})).questions
    ] == ["attrition"]


def test_a_question_may_be_chosen_and_a_wrong_one_is_told(make_book):
    book = make_book(held("savings", "card"), observed_until=dt.date(2023, 1, 1))
    assert [q.name for q in ask(book, ASKING, {"buy:card"}).questions] == ["buy:card"]
    with pytest.raises(UsageError, match=r"'buy:carte'\. Did you mean 'buy:card'"):
        ask(book, ASKING, {"buy:carte"})
