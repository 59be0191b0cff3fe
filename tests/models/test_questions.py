from __future__ import annotations

import datetime as dt

import pytest

from appetence.config import Asking, AttritionSettings, ErosionSettings, NextProductSettings, OwnQuestion
from appetence.errors import BookError, UsageError
from appetence.models.blocks import Window
from appetence.models.questions import Question, ask

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
    assert (
        asked.refused["rebuy"].en == "No client bought another contract of a product, so that it is not asked who will"
    )
    assert asked.refused["rebuy"].fr.startswith("Aucun client n’a pris un autre contrat")


def bought_again(
    clients: dict[str, int], day: dt.date, products: tuple[str, ...] = ()
) -> dict[str, list[dict[str, object]]]:
    """Contracts of clients who had a product for a year, and some time later bought another one."""
    rows = [
        {"client_id": f"{product}{i}", "product_id": product, "opened_on": opened, "closed_on": closed}
        for product, n in clients.items()
        for i in range(n)
        for opened, closed in ((dt.date(2020, 1, 1), dt.date(2021, 1, 1)), (day, None))
    ]
    return {"contracts": rows + [{"client_id": "z", "product_id": product} for product in products]}


def test_products_are_asked_about_again_where_clients_enough_did_it_and_the_others_are_told_in_one_line(make_book):
    tables = bought_again({"A": 40, "B": 39, "C": 3}, dt.date(2021, 6, 1), ("D",))
    book = make_book(tables)
    asked = ask(book, ASKING)
    assert [q.name for q in asked.questions] == ["attrition", *(f"buy:{p}" for p in "ABCD"), "rebuy:A"]
    again = asked.questions[-1]
    assert (again.kind, again.product_id, again.window, again.fewest_events) == ("rebuy", "A", Window(6, 0), 40)
    assert set(asked.refused) == {"erosion", "rebuy"}
    assert asked.refused["rebuy"].en.startswith("Too few clients bought these products again")
    assert asked.refused["rebuy"].en.endswith("(40 needed): B (39), C (3)")
    assert asked.refused["rebuy"].fr.endswith("(il en faut 40) : B (39), C (3)")
    alone = ask(book, ASKING, {"rebuy:C", "rebuy:A"})
    assert [q.name for q in alone.questions] == ["rebuy:A"]
    assert alone.refused["rebuy:C"].en.endswith("(40 needed): C (3)")
    off = ASKING.model_copy(update={"next_product": NextProductSettings(min_buyers=40, repurchase=False)})
    assert "rebuy" not in {q.kind for q in ask(book, off).questions}
    assert set(ask(book, off).refused) == {"erosion"}


def test_what_the_newest_test_date_sees_has_no_say_in_what_is_asked(make_book):
    tables = bought_again({"A": 40, "B": 1}, dt.date(2021, 6, 1))
    assert "rebuy:A" in [q.name for q in ask(make_book(tables, observed_until=dt.date(2022, 1, 1)), ASKING).questions]
    early = ask(make_book(tables, observed_until=dt.date(2021, 12, 1)), ASKING)  # its newest window begins in June
    assert "rebuy:A" not in [q.name for q in early.questions]


def test_a_book_of_one_product_may_sell_it_again(make_book):
    asked = ask(make_book(bought_again({"A": 40}, dt.date(2021, 6, 1))), ASKING)
    assert [q.name for q in asked.questions] == ["attrition", "rebuy:A"]
    assert "one product and nothing to sell" in asked.refused["buy"].en


def test_erosion_is_asked_of_a_book_with_flows_and_refused_with_the_reason_without(make_book):
    balances = [{"contract_id": "1", "balance": 5000, "net_flow": 10}]
    asking = ASKING.model_copy(update={"erosion": ErosionSettings(horizon=3, gap=1, threshold=0.4, min_events=25)})
    (question,) = ask(make_book(held("A") | {"balances": balances}), asking, {"erosion"}).questions
    assert (question.kind, question.product_id, question.window) == ("erosion", None, Window(3, 1))
    assert (question.fewest_events, question.rule.threshold) == (25, 0.4)
    refused = ask(make_book(held("A")), asking).refused["erosion"]
    assert "balances.net_flow" in refused.en
    assert "flux net" in refused.fr
    off = ASKING.model_copy(update={"erosion": ErosionSettings(enabled=False)})
    assert "erosion" not in ask(make_book(held("A")), off).refused


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


COMPLAINS = "SELECT client_id, \"at\" AS occurred_on FROM interactions WHERE kind = 'complaint'"


def own(**changes: object) -> OwnQuestion:
    labels = {"label_en": "Complains", "label_fr": "Réclame"}
    return OwnQuestion(**{"name": "complains", **labels, "target": COMPLAINS} | changes)


def test_a_firm_asks_questions_of_its_own_beside_the_others(make_book):
    book = make_book(held("A", "B") | {"interactions": [{"client_id": "1", "kind": "complaint"}]})
    calls = own(name="calls", horizon=3, gap=1, min_events=25)
    asked = ask(book, ASKING.model_copy(update={"questions": (own(), calls)}))
    assert [question.name for question in asked.questions] == ["attrition", "buy:A", "buy:B", "complains", "calls"]
    complains, other = asked.questions[-2:]
    assert (complains.kind, complains.product_id, complains.window) == ("own", None, Window(6, 0))
    assert (other.window, other.fewest_events) == (Window(3, 1), 25)
    assert complains.baselines == ("base rate", "logistic regression")


def test_all_mistakes_of_a_firms_own_questions_are_told_at_once(make_book):
    book = make_book(held("A") | {"interactions": [{"client_id": "1", "kind": "complaint"}]})
    wrong = own(target="SELECT client_id FROM interactions", population="SELECT client_id FROM client")
    other = own(name="other", target="SELECT client_id, random() AS occurred_on FROM interactions")
    with pytest.raises(BookError) as caught:
        ask(book, Asking(questions=(own(name="right"), wrong, other)))
    text = str(caught.value)
    assert "have 3 mistakes" in text
    assert "the target of question 'complains' must give the columns client_id and occurred_on" in text
    assert "the population of question 'complains' must read the book's tables, but got 'client'" in text
    assert "the target of question 'other' must give the same rows on any day" in text
    with pytest.raises(BookError, match=r"^the target of question 'other' must"):
        ask(book, Asking(questions=(other,)))


def test_what_is_asked_of_whom_is_the_definition_of_a_question_and_its_window_is_not():
    def definition(**changes: object) -> str:
        return Question("complains", Window(6), 50, ("base rate",), own(**changes)).definition

    same = {definition(), definition(label_en="Another"), definition(horizon=3), definition(min_events=30)}
    others = {definition(once=True), definition(target=COMPLAINS + " "), definition(population="SELECT 1 AS client_id")}
    assert len(same) == 1
    assert len(same | others) == 4
    assert Question("attrition", Window(6), 50, ("base rate",)).definition == ""
