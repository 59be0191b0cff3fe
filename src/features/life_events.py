"""Life events: what happened in the client's life, how long ago, and what was learnt lately."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import count_where, in_months_before, months_between

KINDS = {
    "birth": ("birth", "naissance", "Une naissance", "Aucune naissance connue"),
    "marriage": ("marriage", "mariage", "Un mariage", "Aucun mariage connu"),
    "divorce": ("divorce", "divorce", "Un divorce", "Aucun divorce connu"),
    "death_in_family": (
        "death in the family",
        "décès d’un proche",
        "Un décès parmi les proches",
        "Aucun décès connu parmi les proches",
    ),
    "inheritance": ("inheritance", "héritage", "Un héritage", "Aucun héritage connu"),
    "graduation": ("graduation", "diplôme", "Un diplôme obtenu", "Aucune obtention de diplôme connue"),
    "new_home": ("new home", "achat d’un logement", "Un achat de logement", "Aucun achat de logement connu"),
    "move": ("move", "déménagement", "Un déménagement", "Aucun déménagement connu"),
    "job_change": ("change of job", "changement d’emploi", "Un changement d’emploi", "Aucun changement d’emploi connu"),
    "retirement": ("retirement", "départ à la retraite", "Un départ à la retraite", "Aucun départ à la retraite connu"),
}
"""Kinds with a feature of their own: in English, in French, as the subject of a sentence, and where there is none.

Events of any further kind count in the totals.
"""

LATELY = 3
"""Months within which an event counts as learnt lately."""

_NEEDS = ("life_events",)


def _since(kind: str) -> Feature:
    english, french, subject, none = KINDS[kind]
    return Feature(
        f"months_since_{kind}",
        "life_events",
        "life_events",
        Unit.MONTHS,
        Wording(f"Last {english}", f"{english.capitalize()} {{value}} ago", missing=f"No {english} known"),
        Wording(f"Dernier événement : {french}", f"{subject} il y a {{value}}", missing=none),
        _NEEDS,
    )


FEATURES = (
    Feature(
        "months_since_event",
        "life_events",
        "life_events",
        Unit.MONTHS,
        Wording("Last life event", "Last life event {value} ago", missing="No life event known"),
        Wording(
            "Dernier événement de vie",
            "Dernier événement de vie il y a {value}",
            missing="Aucun événement de vie connu",
        ),
        _NEEDS,
    ),
    Feature(
        "events_12m",
        "life_events",
        "life_events",
        Unit.COUNT,
        Wording(
            "Life events in 12 months",
            "{value} in the last 12 months",
            zero="No life event in the last 12 months",
            noun=("life event", "life events"),
        ),
        Wording(
            "Événements de vie en 12 mois",
            "{value} au cours des 12 derniers mois",
            zero="Aucun événement de vie au cours des 12 derniers mois",
            noun=("événement de vie", "événements de vie"),
        ),
        _NEEDS,
    ),
    Feature(
        f"events_learnt_{LATELY}m",
        "life_events",
        "life_events",
        Unit.COUNT,
        Wording(
            "Life events learnt lately",
            f"{{value}} learnt of in the last {LATELY} months",
            zero=f"No life event learnt of in the last {LATELY} months",
            noun=("life event", "life events"),
        ),
        Wording(
            "Événements de vie appris récemment",
            f"{{value}} au cours des {LATELY} derniers mois",
            zero=f"Aucun événement de vie appris au cours des {LATELY} derniers mois",
            noun=("événement de vie appris", "événements de vie appris"),
        ),
        _NEEDS,
    ),
    Feature(
        "events_ahead",
        "life_events",
        "life_events",
        Unit.COUNT,
        Wording("Life events ahead", "{value} ahead", zero="No life event ahead", noun=("life event", "life events")),
        Wording(
            "Événements de vie à venir",
            "{value} à venir",
            zero="Aucun événement de vie à venir",
            noun=("événement de vie", "événements de vie"),
        ),
        _NEEDS,
    ),
    *(_since(kind) for kind in KINDS),
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    rows = known.life_events()
    past = rows.occurred_on < rows.cut
    counts = {
        "events_12m": count_where(in_months_before(rows.occurred_on, rows.cut_index, 12)),
        f"events_learnt_{LATELY}m": count_where(in_months_before(rows.known_on, rows.cut_index, LATELY)),
        "events_ahead": count_where(~past),
    }
    found = rows.group_by("client_id", "cut").agg(
        **counts,
        event=rows.occurred_on.max(where=past),
        **{kind: rows.occurred_on.max(where=past & (rows.kind == kind)) for kind in KINDS},
    )
    on = known.onto_spine(found, zero=counts)
    since = {f"months_since_{day}": months_between(on.cut, on[day]) for day in ("event", *KINDS)}
    return on.select(*KEY, *counts, **since)
