"""Kinds of questions, told by their names: the one place that reads a question's name."""

from __future__ import annotations

from typing import Literal

Kind = Literal["attrition", "erosion", "buy", "rebuy", "own"]
"""Will the client leave; will the money; a first purchase of a product; another one; what the firm asks itself."""

ATTRITION, EROSION = "attrition", "erosion"
NEXT_PRODUCT, NEXT_AGAIN = "buy", "rebuy"
"""`buy:<product_id>` is the question of one product, `buy` alone that of all products together; so for `rebuy`."""

RESERVED = (ATTRITION, EROSION, NEXT_PRODUCT, NEXT_AGAIN)
"""Names that no question of a firm's own may have."""


def kind_of(question: str) -> Kind:
    """Return the kind of a question.

    >>> kind_of("buy:car_insurance"), kind_of("attrition"), kind_of("complains")
    ('buy', 'attrition', 'own')
    """
    head, _, product = question.partition(":")
    kinds: dict[str, Kind] = {NEXT_PRODUCT: "buy", NEXT_AGAIN: "rebuy"}
    if product:
        return kinds.get(head, "own")
    return "attrition" if question == ATTRITION else "erosion" if question == EROSION else kinds.get(question, "own")


def product_of(question: str) -> str | None:
    """Return the product that a question is about; None where it is about none.

    >>> product_of("buy:a:b"), product_of("buy"), product_of("attrition")
    ('a:b', None, None)
    """
    head, _, product = question.partition(":")
    return product if product and head in (NEXT_PRODUCT, NEXT_AGAIN) else None
