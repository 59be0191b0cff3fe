"""Contact with the client: recency, counts, neglect, complaints, claims, satisfaction."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import count_where, in_months_before, latest_known, months_between

ADVISOR_KINDS = ("visit", "call", "review", "meeting")
"""Kinds of interaction in which an advisor speaks with the client."""

WINDOWS = (3, 12)
"""Months over which contacts and complaints are counted."""

_NEEDS = ("interactions",)


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
    *(_contacts(months) for months in WINDOWS),
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
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    rows = known.interactions()
    advisor = rows.kind.isin(ADVISOR_KINDS)
    of_kind = {kind: rows.kind == kind for kind in ("review", "complaint", "claim")}

    def counted(months: int, condition: ir.BooleanValue | bool = True) -> ir.IntegerValue:
        return count_where(in_months_before(rows.at, rows.cut_index, months) & condition)

    counts = {
        **{f"contacts_{m}m": counted(m) for m in WINDOWS},
        "advisor_contacts_12m": counted(12, advisor),
        **{f"complaints_{m}m": counted(m, of_kind["complaint"]) for m in WINDOWS},
        "claims_12m": counted(12, of_kind["claim"]),
    }
    found = rows.group_by("client_id", "cut").agg(
        **counts,
        contact=rows["at"].max(),
        advisor=rows["at"].max(where=advisor),
        **{kind: rows["at"].max(where=condition) for kind, condition in of_kind.items()},
        last_nps=latest_known(rows.nps, rows["at"], rows.interaction_id, where=rows.nps.notnull()),
    )
    on = known.onto_spine(found, zero=counts)
    return on.select(
        *KEY,
        *counts,
        "last_nps",
        **{f"months_since_{day}": months_between(on.cut, on[day]) for day in ("contact", "advisor", *of_kind)},
    )
