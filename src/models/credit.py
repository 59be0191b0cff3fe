"""Whether a client will default on a loan: a question that a book with defaults is asked without the firm's writing it.

It is one of the firm's own questions in all but its author, so that it is trained, tested out of time, gated and
explained as they are, and its scores stand beside theirs. Lifetime value reads them as probabilities of default.
"""

from __future__ import annotations

from appetence.book import Book
from appetence.config import Asking, OwnQuestion

CREDIT_DEFAULT = "credit_default"

_DEFAULTS = "SELECT client_id, defaulted_on AS occurred_on FROM defaults JOIN contracts USING (contract_id)"
_BORROWERS = (
    "SELECT DISTINCT client_id FROM contracts JOIN products USING (product_id) "
    "WHERE family = 'credit' AND (closed_on IS NULL OR closed_on >= $cut)"
)


def own_questions(book: Book, asking: Asking) -> tuple[OwnQuestion, ...]:
    """Return the firm's own questions, and that of credit default where the book knows of any."""
    credit = asking.credit
    if not credit.enabled or not book.has("defaults"):
        return asking.questions
    return (
        *asking.questions,
        OwnQuestion.model_construct(
            name=CREDIT_DEFAULT,
            label_en="Credit default",
            label_fr="Défaut de remboursement",
            target=_DEFAULTS,
            population=_BORROWERS,
            horizon=credit.horizon,
            gap=0,
            min_events=credit.min_events,
            once=True,
        ),
    )
