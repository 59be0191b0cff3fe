"""What clients and advisors write of: intents found by a lexicon in French and English, in any spelling of accents.

The lexicon is a list of words and phrases, not a model: it needs no training and an advisor can check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import ibis.expr.types as ir

from appetence.features.asof import KEY, AsKnown
from appetence.features.catalogue import Feature, Shape, Unit, Wording
from appetence.features.expressions import count_where, in_months_before, months_between

_WORDS = {
    "competitor": (
        "concurren* autre_banque autre_assureur autre_assurance autre_etablissement autre_courtier nouvelle_banque "
        "banque_en_ligne meilleur_taux meilleure_offre meilleures_conditions mobilite_bancaire comparateur* "
        "voir_ailleurs aller_ailleurs mieux_ailleurs cher_ailleurs "
        "competitor* another_bank other_bank new_bank online_bank another_insurer another_provider better_rate "
        "better_offer better_deal elsewhere"
    ),
    "fees": (
        "frais tarif* commission* agios cotisation* trop_cher plus_cher parait_cher est_cher est_chere facturation "
        "fee fees charges pricing premium expensive overcharg*"
    ),
    "transfer": (
        "transfer* clotur* resili* rachat retirer retrait virer_mon fermer_mon fermer_mes fermeture quitter_la_banque "
        "vous_quitter reflechis_a_partir envie_de_partir "
        "close_my close_the closure surrender* withdraw* cancel* move_my leave_the_bank leave_you"
    ),
    "project": (
        "projet* achat acheter acquisition travaux renov* emprunt* pret_immobilier credit_immobilier pret_auto "
        "nouvelle_voiture changer_de_voiture investir investissement financer financement "
        "project* purchase buy_a buying mortgage* home_loan car_loan new_car invest investing investment* borrow*"
    ),
    "complaint": (
        "reclamation* plainte* mecontent* insatisf* pas_satisfait* inadmissible* inacceptable* decu decue decus "
        "deception erreur* litige* conteste contestation scandaleu* intolerable* mauvais_service "
        "complain* unhappy dissatisf* not_satisfied unacceptable disappoint* mistake* dispute* bad_service poor_service"
    ),
    "life_event": (
        "mariage marie mariee pacs divorce* separation naissance enceinte bebe deces decede* heritage succession "
        "retraite demenag* licenci* nouvel_emploi nouveau_travail mutation diplome* "
        "wedding married marriage separated birth pregnan* baby death deceased inherit* retire* "
        "moving_house moved_house new_job laid_off redundan* graduat*"
    ),
}
"""Left out for what else they say: "cher" (Cher conseiller), "ailleurs" (par ailleurs), "partir" (à partir de)."""

LEXICON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {intent: tuple(words.split()) for intent, words in _WORDS.items()}
)
"""Per intent, words and phrases in lower case without accents: `_` between words, `*` for any ending."""

_TOPICS = {
    "competitor": ("a competitor", "un concurrent"),
    "fees": ("fees and prices", "les frais et tarifs"),
    "transfer": ("a transfer or closing", "un transfert ou une clôture"),
    "project": ("a project", "un projet"),
    "complaint": ("dissatisfaction", "une insatisfaction"),
    "life_event": ("a life event", "un événement de vie"),
}

_NEEDS = ("interactions.text",)


def _mentions(intent: str) -> Feature:
    english, french = _TOPICS[intent]
    return Feature(
        f"{intent}_mentions_12m",
        "text",
        "messages",
        Unit.COUNT,
        Wording(
            f"Messages about {english} in 12 months",
            f"{{value}} about {english} in the last 12 months",
            zero=f"No message about {english} in the last 12 months",
            noun=("message", "messages"),
        ),
        Wording(
            f"Messages évoquant {french} en 12 mois",
            f"{{value}} évoquant {french} au cours des 12 derniers mois",
            zero=f"Aucun message évoquant {french} au cours des 12 derniers mois",
            noun=("message", "messages"),
        ),
        _NEEDS,
    )


def _since(intent: str) -> Feature:
    english, french = _TOPICS[intent]
    return Feature(
        f"months_since_{intent}_mention",
        "text",
        "messages",
        Unit.MONTHS,
        Wording(
            f"Last message about {english}",
            f"Last message about {english} {{value}} ago",
            missing=f"No message about {english} on record",
        ),
        Wording(
            f"Dernier message évoquant {french}",
            f"Dernier message évoquant {french} il y a {{value}}",
            missing=f"Aucun message évoquant {french} enregistré",
        ),
        _NEEDS,
    )


FEATURES = tuple(feature for intent in _TOPICS for feature in (_mentions(intent), _since(intent)))


def made_for(_shape: Shape) -> tuple[Feature, ...]:
    """Return the features that only this book has: none."""
    return ()


def build(known: AsKnown) -> ir.Table:
    """Return the group's features, one row per row of the spine."""
    rows = known.intents({intent: pattern(words) for intent, words in LEXICON.items()})
    lately = in_months_before(rows["at"], rows.cut_index, 12)
    counts = {f"{intent}_mentions_12m": count_where(lately & rows[intent]) for intent in LEXICON}
    last = {f"last_{intent}": rows["at"].max(where=rows[intent]) for intent in LEXICON}
    on = known.onto_spine(rows.group_by("row").agg(**counts, **last), zero=counts)
    since = {f"months_since_{intent}_mention": months_between(on.cut, on[f"last_{intent}"]) for intent in LEXICON}
    return on.select(*KEY, *counts, **since)


def pattern(words: Iterable[str]) -> str:
    """Return a regular expression that finds any of the words in a text made `plain`, the same on every engine.

    >>> pattern(["autre_banque", "concurren*"])
    '(^|[^a-z0-9])(autre[^a-z0-9]+banque([^a-z0-9]|$)|concurren)'
    """
    found = []
    for word in words:
        stem = word.removesuffix("*").replace("_", "[^a-z0-9]+")
        found.append(stem if word.endswith("*") else stem + "([^a-z0-9]|$)")
    return f"(^|[^a-z0-9])({'|'.join(found)})"
