"""Life events: what happened in the client's life, how long ago, and what was learnt lately."""

from __future__ import annotations

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import count_where, in_months_before, month_index, months_between

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

MAJORITY = 18
RETIREMENT = 64
"""Years: the legal age in France for those born from 1969 on (loi n° 2023-270 du 14 avril 2023, art. 10)."""

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
    Feature(
        "events_since_review",
        "life_events",
        "life_events",
        Unit.COUNT,
        Wording(
            "Life events learnt since the last client review",
            "{value} learnt of since the last client review",
            zero="No life event learnt of since the last client review",
            noun=("life event", "life events"),
        ),
        Wording(
            "Événements de vie appris depuis le dernier bilan client",
            "{value} depuis le dernier bilan client",
            zero="Aucun événement de vie appris depuis le dernier bilan client",
            noun=("événement de vie appris", "événements de vie appris"),
        ),
        ("life_events", "interactions"),
    ),
    Feature(
        "months_to_majority",
        "life_events",
        "life_events",
        Unit.MONTHS,
        Wording(
            "Majority of a child", "A child comes of age in {value}", missing="No coming of age of a child expected"
        ),
        Wording(
            "Majorité d’un enfant", "Majorité d’un enfant dans {value}", missing="Pas de majorité d’un enfant attendue"
        ),
        _NEEDS,
    ),
    Feature(
        "months_to_retirement",
        "life_events",
        "life_events",
        Unit.MONTHS,
        Wording(
            "Legal age of retirement",
            "Legal age of retirement in {value}",
            missing="Legal age of retirement reached, or age unknown",
        ),
        Wording(
            "Âge légal de la retraite",
            "Âge légal de la retraite dans {value}",
            missing="Âge légal de la retraite atteint, ou âge non renseigné",
        ),
        ("clients.birth_date",),
    ),
    Feature(
        "months_since_questionnaire",
        "life_events",
        "file",
        Unit.MONTHS,
        Wording(
            "Last event learnt by questionnaire",
            "Last event learnt by questionnaire {value} ago",
            missing="No event learnt by questionnaire",
        ),
        Wording(
            "Dernier événement appris par questionnaire",
            "Dernier événement appris par questionnaire il y a {value}",
            missing="Aucun événement appris par questionnaire",
        ),
        ("life_events.source",),
    ),
)


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    rows = known.life_events().left_join(_last_review(known), "row").drop("row_right")
    past = rows.occurred_on < rows.cut
    counts = {
        "events_12m": count_where(in_months_before(rows.occurred_on, rows.cut_index, 12)),
        f"events_learnt_{LATELY}m": count_where(in_months_before(rows.known_on, rows.cut_index, LATELY)),
        "events_ahead": count_where(~past),
        "events_since_review": count_where(rows.reviewed_on.isnull() | (rows.known_on >= rows.reviewed_on)),
    }
    majority = month_index(rows.occurred_on) + 12 * MAJORITY - rows.cut_index
    found = rows.group_by("row").agg(
        **counts,
        event=rows.occurred_on.max(where=past),
        **{kind: rows.occurred_on.max(where=past & (rows.kind == kind)) for kind in KINDS},
        months_to_majority=majority.min(where=past & (rows.kind == "birth") & (majority >= 0)),
        questionnaire=rows.known_on.max(where=rows.source == "questionnaire"),
    )
    on = known.onto_spine(found, zero=counts).left_join(_retirement(known), "row").drop("row_right")
    since = {f"months_since_{day}": months_between(on.cut, on[day]) for day in ("event", "questionnaire", *KINDS)}
    return on.select(*KEY, *counts, "months_to_majority", "months_to_retirement", **since)


def _last_review(known: AsKnown) -> ir.Table:
    """Return the day of the last client review known, for the rows that have one."""
    rows = known.interactions()
    reviews = rows.filter(rows.kind == "review")
    return reviews.group_by("row").agg(reviewed_on=reviews["at"].max())


def _retirement(known: AsKnown) -> ir.Table:
    """Return the months to the legal age, of persons who have not reached it."""
    clients = known.clients()
    ahead = month_index(clients.birth_date) + 12 * RETIREMENT - clients.cut_index
    person = (clients.kind == "person") & (clients.birth_date < clients.cut) & (ahead >= 0)
    return clients.select("row", months_to_retirement=person.fill_null(False).ifelse(ahead, None))
