"""Who the client is: age, kind, origin, and what the client had last declared. Nothing from `protected`."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording, column_part
from appetence.features.expressions import age_at, months_between


def _declared(
    name: str, unit: Unit, en: Wording, fr: Wording, theme: str = "situation", column: str | None = None
) -> Feature:
    return Feature(name, "person", theme, unit, en, fr, (f"client_facts.{column or name}",))


BANDS = ((18, "0–17"), (26, "18–25"), (36, "26–35"), (46, "36–45"), (56, "46–55"), (66, "56–65"), (76, "66–75"))
"""Ages below which a band ends, and its name; the last has no end."""

LAST_BAND = "76+"

FEATURES = (
    Feature(
        "age",
        "person",
        "profile",
        Unit.YEARS,
        Wording("Age", "Aged {value}", missing="Age unknown"),
        Wording("Âge", "Âge : {value}", missing="Âge non renseigné"),
        ("clients.birth_date",),
    ),
    Feature(
        "age_band",
        "person",
        "profile",
        Unit.CODE,
        Wording("Age band", "Age band: {value}", missing="Age unknown"),
        Wording("Tranche d’âge", "Tranche d’âge : {value}", missing="Âge non renseigné"),
        ("clients.birth_date",),
    ),
    Feature(
        "client_kind",
        "person",
        "profile",
        Unit.CODE,
        Wording("Kind of client", "Kind of client: {value}", missing="Kind of client unknown"),
        Wording("Type de client", "Type de client : {value}", missing="Type de client inconnu"),
    ),
    Feature(
        "source",
        "person",
        "origin",
        Unit.CODE,
        Wording("How the client came", "Came by: {value}", missing="How the client came is not known"),
        Wording("Origine du client", "Origine : {value}", missing="Origine non renseignée"),
        ("clients.source",),
    ),
    Feature(
        "was_referred",
        "person",
        "origin",
        Unit.FLAG,
        Wording("Referred by a client", "Referred by another client", zero="Not referred by another client"),
        Wording(
            "Recommandation par un client",
            "Arrivée par recommandation d’un autre client",
            zero="Arrivée sans recommandation d’un autre client",
        ),
        ("clients.referred_by",),
    ),
    _declared(
        "income",
        Unit.MONEY,
        Wording("Declared income", "Declared income of {value} a year", missing="No income declared"),
        Wording("Revenu déclaré", "Revenu annuel déclaré de {value}", missing="Revenu non déclaré"),
    ),
    _declared(
        "net_worth",
        Unit.MONEY,
        Wording(
            "Declared net worth",
            "Declared net worth of {value}",
            negative="Declared net debt of {value}",
            missing="No net worth declared",
        ),
        Wording(
            "Patrimoine déclaré",
            "Patrimoine net déclaré de {value}",
            negative="Endettement net déclaré de {value}",
            missing="Patrimoine non déclaré",
        ),
    ),
    _declared(
        "marital_status",
        Unit.CODE,
        Wording("Marital status", "Marital status: {value}", missing="Marital status unknown"),
        Wording("Situation familiale", "Situation familiale : {value}", missing="Situation familiale non renseignée"),
    ),
    _declared(
        "children",
        Unit.COUNT,
        Wording(
            "Dependent children",
            "{value}",
            zero="No dependent child",
            missing="Number of children unknown",
            noun=("dependent child", "dependent children"),
        ),
        Wording(
            "Enfants à charge",
            "{value}",
            zero="Aucun enfant à charge",
            missing="Nombre d’enfants non renseigné",
            noun=("enfant à charge", "enfants à charge"),
        ),
    ),
    _declared(
        "occupation",
        Unit.CODE,
        Wording("Occupation", "Occupation: {value}", missing="Occupation unknown"),
        Wording("Profession", "Profession : {value}", missing="Profession non renseignée"),
    ),
    _declared(
        "risk_tolerance",
        Unit.SCORE,
        Wording("Risk tolerance", "Risk tolerance of {value} out of 5", missing="Risk tolerance unknown"),
        Wording(
            "Tolérance au risque", "Tolérance au risque de {value} sur 5", missing="Tolérance au risque non renseignée"
        ),
    ),
    _declared(
        "region",
        Unit.CODE,
        Wording("Region", "Region: {value}", missing="Region unknown"),
        Wording("Région", "Région : {value}", missing="Région non renseignée"),
    ),
    _declared(
        "preferred_channel",
        Unit.CODE,
        Wording("Preferred channel", "Preferred channel: {value}", missing="No preferred channel known"),
        Wording("Canal préféré", "Canal préféré : {value}", missing="Canal préféré non renseigné"),
    ),
    Feature(
        "months_since_declared",
        "person",
        "file",
        Unit.MONTHS,
        Wording(
            "Last update of the client’s file",
            "Client’s file updated {value} ago",
            missing="Client’s file never filled in",
        ),
        Wording(
            "Dernière mise à jour du dossier",
            "Dossier client mis à jour il y a {value}",
            missing="Dossier client jamais renseigné",
        ),
        ("client_facts",),
    ),
)


def made_for(shape: Shape) -> tuple[Feature, ...]:
    """Return the features for the firm's own columns of `client_facts`."""
    return tuple(_own(column, kind) for column, kind in shape.declared)


def own_name(column: str) -> str:
    """Return the name of the feature of one of the firm's own columns."""
    return f"declared_{column_part(column)}"


def _own(column: str, kind: str) -> Feature:
    label = column.replace("_", " ").strip().capitalize()
    unit = {"number": Unit.SCORE, "text": Unit.CODE, "date": Unit.MONTHS}[kind]
    english, french = ("{value} ago", "il y a {value}") if kind == "date" else ("{value}", "{value}")
    ahead = (f"{label}: in {{value}}", f"{label} : dans {{value}}") if kind == "date" else (None, None)
    return _declared(
        own_name(column),
        unit,
        Wording(label, f"{label}: {english}", ahead[0], missing=f"{label}: unknown"),
        Wording(label, f"{label} : {french}", ahead[1], missing=f"{label} : non renseigné"),
        column=column,
    )


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    clients = known.clients()
    who = clients.select("row", "birth_date", "referred_by", "source", client_kind=clients.kind)
    facts = known.facts().rename(declared_on="known_on")
    rows = facts.left_join(who, "row")
    own = {
        own_name(column): months_between(rows.cut, rows[column]) if kind == "date" else rows[column]
        for column, kind in known.shape.declared
    }
    age = age_at(rows.cut, rows.birth_date)
    return rows.select(
        *KEY,
        "client_kind",
        "source",
        *(f.name for f in FEATURES if f.needs == (f"client_facts.{f.name}",)),
        age=age,
        age_band=ibis.cases(*((age < end, name) for end, name in BANDS), (age.notnull(), LAST_BAND)),
        was_referred=rows.referred_by.notnull(),
        months_since_declared=months_between(rows.cut, rows.declared_on),
        **own,
    )
