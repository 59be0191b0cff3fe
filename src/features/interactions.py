"""Contact with the client: recency, counts, neglect, complaints, claims, satisfaction."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import months_between, newest_order
from appetence.features.tallies import counted, counts_of, later, newest

ADVISOR_KINDS = ("visit", "call", "review", "meeting")
"""Kinds of interaction in which an advisor speaks with the client."""

WINDOWS = (3, 12)
"""Months over which contacts and complaints are counted."""

KINDS = ("review", "complaint", "claim", "call")
"""Kinds of interaction whose last day is a feature."""

CHANNELS = {
    "branch": ("at the branch", "en agence"),
    "phone": ("by phone", "par téléphone"),
    "email": ("by e-mail", "par e-mail"),
    "app": ("in the app", "dans l’application"),
    "post": ("by post", "par courrier"),
}
"""Usual codes of channels, in English and French; contacts through any other count in the totals."""

_NEEDS = ("interactions",)
_OUTCOMES = ("interactions.outcome", "interactions.outcome_on")
_OFFERS = ("offers",)
_ANSWERS = ("offers.outcome", "offers.outcome_on")


def _by_channel(channel: str) -> Feature:
    english, french = CHANNELS[channel]
    return Feature(
        f"contacts_{channel}_12m",
        "interactions",
        "contact",
        Unit.COUNT,
        Wording(
            f"Contacts {english} in 12 months",
            f"{{value}} {english} in the last 12 months",
            zero=f"No contact {english} in the last 12 months",
            noun=("contact", "contacts"),
        ),
        Wording(
            f"Contacts {french} en 12 mois",
            f"{{value}} {french} au cours des 12 derniers mois",
            zero=f"Aucun contact {french} au cours des 12 derniers mois",
            noun=("contact", "contacts"),
        ),
        _NEEDS,
    )


def _contacts(months: int) -> Feature:
    return Feature(
        f"contacts_{months}m",
        "interactions",
        "contact",
        Unit.COUNT,
        Wording(
            f"Contacts in {months} months",
            f"{{value}} in the last {months} months",
            zero=f"No contact in the last {months} months",
            noun=("contact", "contacts"),
        ),
        Wording(
            f"Contacts en {months} mois",
            f"{{value}} au cours des {months} derniers mois",
            zero=f"Aucun contact au cours des {months} derniers mois",
            noun=("contact", "contacts"),
        ),
        _NEEDS,
    )


def _complaints(months: int) -> Feature:
    return Feature(
        f"complaints_{months}m",
        "interactions",
        "complaints",
        Unit.COUNT,
        Wording(
            f"Complaints in {months} months",
            f"{{value}} in the last {months} months",
            zero=f"No complaint in the last {months} months",
            noun=("complaint", "complaints"),
        ),
        Wording(
            f"Réclamations en {months} mois",
            f"{{value}} au cours des {months} derniers mois",
            zero=f"Aucune réclamation au cours des {months} derniers mois",
            noun=("réclamation", "réclamations"),
        ),
        _NEEDS,
    )


FEATURES = (
    Feature(
        "months_since_contact",
        "interactions",
        "contact",
        Unit.MONTHS,
        Wording(
            "Last contact of any kind",
            "No contact for {value}",
            zero="A contact within the last month",
            missing="No contact on record",
        ),
        Wording(
            "Dernier contact, tous canaux",
            "Aucun contact depuis {value}",
            zero="Un contact au cours du dernier mois",
            missing="Aucun contact enregistré",
        ),
        _NEEDS,
    ),
    Feature(
        "months_since_advisor",
        "interactions",
        "contact",
        Unit.MONTHS,
        Wording(
            "Last talk with an advisor",
            "No talk with an advisor for {value}",
            zero="A talk with an advisor within the last month",
            missing="No talk with an advisor on record",
        ),
        Wording(
            "Dernier échange avec un conseiller",
            "Aucun échange avec un conseiller depuis {value}",
            zero="Un échange avec un conseiller au cours du dernier mois",
            missing="Aucun échange avec un conseiller enregistré",
        ),
        _NEEDS,
    ),
    Feature(
        "months_since_call",
        "interactions",
        "contact",
        Unit.MONTHS,
        Wording("Last call", "No call for {value}", zero="A call within the last month", missing="No call on record"),
        Wording(
            "Dernier appel",
            "Aucun appel depuis {value}",
            zero="Un appel au cours du dernier mois",
            missing="Aucun appel enregistré",
        ),
        _NEEDS,
    ),
    *(_contacts(months) for months in WINDOWS),
    *(_by_channel(channel) for channel in CHANNELS),
    Feature(
        "advisor_contacts_12m",
        "interactions",
        "contact",
        Unit.COUNT,
        Wording(
            "Talks with an advisor in 12 months",
            "{value} with an advisor in the last 12 months",
            zero="No talk with an advisor in the last 12 months",
            noun=("talk", "talks"),
        ),
        Wording(
            "Échanges avec un conseiller en 12 mois",
            "{value} avec un conseiller au cours des 12 derniers mois",
            zero="Aucun échange avec un conseiller au cours des 12 derniers mois",
            noun=("échange", "échanges"),
        ),
        _NEEDS,
    ),
    Feature(
        "months_since_review",
        "interactions",
        "contact",
        Unit.MONTHS,
        Wording("Last client review", "Last client review {value} ago", missing="No client review on record"),
        Wording("Dernier bilan client", "Dernier bilan client il y a {value}", missing="Aucun bilan client enregistré"),
        _NEEDS,
    ),
    *(_complaints(months) for months in WINDOWS),
    Feature(
        "months_since_complaint",
        "interactions",
        "complaints",
        Unit.MONTHS,
        Wording("Last complaint", "Last complaint {value} ago", missing="No complaint on record"),
        Wording(
            "Dernière réclamation", "Dernière réclamation il y a {value}", missing="Aucune réclamation enregistrée"
        ),
        _NEEDS,
    ),
    Feature(
        "claims_12m",
        "interactions",
        "claims",
        Unit.COUNT,
        Wording(
            "Claims in 12 months",
            "{value} in the last 12 months",
            zero="No claim in the last 12 months",
            noun=("claim", "claims"),
        ),
        Wording(
            "Sinistres en 12 mois",
            "{value} au cours des 12 derniers mois",
            zero="Aucun sinistre au cours des 12 derniers mois",
            noun=("sinistre", "sinistres"),
        ),
        _NEEDS,
    ),
    Feature(
        "months_since_claim",
        "interactions",
        "claims",
        Unit.MONTHS,
        Wording("Last claim", "Last claim {value} ago", missing="No claim on record"),
        Wording("Dernier sinistre", "Dernier sinistre il y a {value}", missing="Aucun sinistre enregistré"),
        _NEEDS,
    ),
    Feature(
        "claims_open",
        "interactions",
        "claims",
        Unit.COUNT,
        Wording(
            "Claims without an outcome", "{value} still open", zero="No claim still open", noun=("claim", "claims")
        ),
        Wording(
            "Sinistres sans issue connue",
            "{value} sans issue connue",
            zero="Aucun sinistre en cours",
            noun=("sinistre", "sinistres"),
        ),
        _OUTCOMES,
    ),
    Feature(
        "claims_refused_12m",
        "interactions",
        "claims",
        Unit.COUNT,
        Wording(
            "Claims refused in 12 months",
            "{value} refused in the last 12 months",
            zero="No claim refused in the last 12 months",
            noun=("claim", "claims"),
        ),
        Wording(
            "Sinistres refusés en 12 mois",
            "{value} au cours des 12 derniers mois",
            zero="Aucun sinistre refusé au cours des 12 derniers mois",
            noun=("sinistre refusé", "sinistres refusés"),
        ),
        _OUTCOMES,
    ),
    Feature(
        "last_nps",
        "interactions",
        "satisfaction",
        Unit.SCORE,
        Wording("Last NPS", "Last answer to the NPS survey: {value} out of 10", missing="No answer to an NPS survey"),
        Wording(
            "Dernière note NPS",
            "Dernière note à l’enquête NPS : {value} sur 10",
            missing="Aucune réponse à une enquête NPS",
        ),
        ("interactions.nps",),
    ),
    Feature(
        "nps_change",
        "interactions",
        "satisfaction",
        Unit.SCORE,
        Wording(
            "Change in NPS",
            "NPS {value} above the answer before",
            negative="NPS {value} below the answer before",
            zero="Same NPS as the answer before",
            missing="Fewer than two answers to an NPS survey",
        ),
        Wording(
            "Évolution de la note NPS",
            "Note NPS supérieure de {value} à la réponse précédente",
            negative="Note NPS inférieure de {value} à la réponse précédente",
            zero="Même note NPS qu’à la réponse précédente",
            missing="Moins de deux réponses à une enquête NPS",
        ),
        ("interactions.nps",),
    ),
    Feature(
        "offers_12m",
        "interactions",
        "offers",
        Unit.COUNT,
        Wording(
            "Offers in 12 months",
            "{value} in the last 12 months",
            zero="No offer in the last 12 months",
            noun=("offer", "offers"),
        ),
        Wording(
            "Propositions en 12 mois",
            "{value} au cours des 12 derniers mois",
            zero="Aucune proposition au cours des 12 derniers mois",
            noun=("proposition", "propositions"),
        ),
        _OFFERS,
    ),
    Feature(
        "offers_unanswered_12m",
        "interactions",
        "offers",
        Unit.COUNT,
        Wording(
            "Unanswered offers in 12 months",
            "{value} left unanswered in the last 12 months",
            zero="No offer left unanswered in the last 12 months",
            noun=("offer", "offers"),
        ),
        Wording(
            "Propositions sans réponse en 12 mois",
            "{value} sans réponse au cours des 12 derniers mois",
            zero="Aucune proposition sans réponse au cours des 12 derniers mois",
            noun=("proposition", "propositions"),
        ),
        _ANSWERS,
    ),
    Feature(
        "months_since_offer",
        "interactions",
        "offers",
        Unit.MONTHS,
        Wording("Last offer", "Last offer {value} ago", missing="No offer on record"),
        Wording(
            "Dernière proposition", "Dernière proposition il y a {value}", missing="Aucune proposition enregistrée"
        ),
        _OFFERS,
    ),
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    on = known.onto_spine(interaction_tallies(known), zero=counts_of(_TALLIES))
    for more in (_answers(known), known.tally("offers", _offers(known), _OFFERED)):
        on = on.left_join(more, "row").drop("row_right")
    return on.select(
        *KEY,
        *counts_of(_TALLIES),
        "last_nps",
        nps_change=on.last_nps - on.nps_before,
        months_since_offer=months_between(on.cut, on.last_offer),
        **{name: on[name].fill_null(0) for name in counts_of(_OFFERED)},
        **{
            f"months_since_{day}": months_between(on.cut, on[day])
            for day, one in _TALLIES.items()
            if one.op == "newest"
        },
    )


_TALLIES = {
    **{f"contacts_{m}m": counted("at", m) for m in WINDOWS},
    "advisor_contacts_12m": counted("at", 12, "by_advisor"),
    **{f"complaints_{m}m": counted("at", m, "complaint") for m in WINDOWS},
    "claims_12m": counted("at", 12, "claim"),
    **{f"contacts_{channel}_12m": counted("at", 12, f"by_{channel}") for channel in CHANNELS},
    "claims_open": counted("at", where="claim", until="outcome_on"),
    "claims_refused_12m": counted("outcome_on", 12, "claim_refused"),
    "contact": newest("at"),
    "advisor": newest("at", where="by_advisor"),
    **{kind: newest("at", where=kind) for kind in KINDS},
}

_OFFERED = {
    "offers_12m": counted("made_on", 12),
    # an answer that never came is no answer either
    "offers_unanswered_12m": counted("made_on", 12, until="answered_on"),
    "last_offer": newest("made_on"),
}


def interaction_tallies(known: AsKnown) -> ir.Table:
    """Return what is counted of the interactions known, and when each kind last happened, by row."""
    return known.tally("interactions", _facts(known), _TALLIES)


def _facts(known: AsKnown) -> ir.Table:
    rows = known.book.table("interactions")
    claim = rows.kind == "claim"
    return rows.select(
        "client_id",
        "at",
        "outcome_on",
        usable=later(rows.known_on.coalesce(rows["at"]), rows["at"]),
        by_advisor=rows.kind.isin(ADVISOR_KINDS),
        claim_refused=(claim & (rows.outcome == "refused")).fill_null(False),
        **{kind: rows.kind == kind for kind in KINDS},
        **{f"by_{channel}": rows.channel == channel for channel in CHANNELS},
    )


def _answers(known: AsKnown) -> ir.Table:
    """Return the answers to the last NPS survey and to the one before it, by row."""
    rows = known.book.table("interactions")
    rows = rows.select("client_id", "interaction_id", "at", "nps", known_on=rows.known_on.coalesce(rows["at"]))
    rows = known.told("nps_answers", rows.filter(rows.nps.notnull()))
    answers = rows.select("row", "nps", order=newest_order(rows["at"], rows.interaction_id))
    last = answers.group_by("row").agg(last=answers.order.max(), last_nps=answers.nps.argmax(answers.order))
    earlier = answers.inner_join(last, "row")
    earlier = earlier.filter(earlier.order < earlier["last"])
    before = earlier.group_by("row").agg(nps_before=earlier.nps.argmax(earlier.order))
    return last.left_join(before, "row").select("row", "last_nps", "nps_before")


def _offers(known: AsKnown) -> ir.Table:
    """Return the offers made to clients; those held out for control were never made."""
    rows = known.book.table("offers")
    rows = rows.filter(~rows.held_out.fill_null(False), rows.client_id.notnull())
    answered = rows.outcome.isin(("accepted", "refused")).fill_null(False)
    return rows.select("client_id", "made_on", usable=rows.made_on, answered_on=answered.ifelse(rows.outcome_on, None))
