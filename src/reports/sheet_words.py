"""Words of a client's sheet that other pages do not have, side by side in English and French."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SHEET_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "say": ("What to say", "Que dire"),
        "say_note": (
            "Suggestions to adapt; never quote a score to the client.",
            "Suggestions à adapter ; ne jamais citer un score au client.",
        ),
        "avoid": ("Avoid:", "À éviter :"),
        "channel_best": ("Channel:", "Canal :"),
        "channel_preferred": ("{channel}, the client's choice", "{channel}, au choix du client"),
        "channel_last": ("{channel}, as last time", "{channel}, comme la dernière fois"),
        "channel_unknown": ("no preference known", "aucune préférence connue"),
        "way_phone": ("Phone: yes", "Téléphone : oui"),
        "way_no_phone": ("Phone: no", "Téléphone : non"),
        "way_marketing": ("Marketing: yes", "Prospection : oui"),
        "way_no_marketing": ("Marketing: no", "Prospection : non"),
        "gaps": ("Coverage gaps", "Équipement à compléter"),
        "gap_family": ("Family “{family}”", "Famille « {family} »"),
        "gap_target": ("firm's target", "couverture de base"),
        "gap_household": ("held in the household by", "détenu dans le foyer par"),
        "gap_missing": ("Not held", "Non détenu"),
        "gap_share": ("Comparable clients", "Clients comparables"),
        "gap_none": (
            "Nothing missing beside comparable clients.",
            "Rien ne manque au regard des clients comparables.",
        ),
        "peers": (
            "Share held by comparable clients: {count} {traits}.",
            "Part détenue par les clients comparables : {count} {traits}.",
        ),
        "peers_hold": (
            "{share} of comparable clients have it",
            "{share} des clients comparables en sont équipés",
        ),
        "peers_all": ("nearly all comparable clients have it", "presque tous les clients comparables en sont équipés"),
        "nearly_all": ("nearly all", "presque tous"),
        "peers_bought": ("{count} bought it in 12 months", "{count} l'ont souscrit en 12 mois"),
        "peers_several": (
            "{share} of comparable clients have several",
            "{share} des clients comparables en ont plusieurs",
        ),
        "trait_person": ("persons", "particuliers"),
        "trait_company": ("companies", "entreprises"),
        "trait_age": ("aged {low} to {high}", "de {low} à {high} ans"),
        "trait_age_low": ("aged {low} or more", "de {low} ans ou plus"),
        "trait_age_high": ("aged {high} or less", "de {high} ans ou moins"),
        "trait_income": ("income {low} to {high}", "revenus de {low} à {high}"),
        "trait_income_low": ("income from {low}", "revenus à partir de {low}"),
        "trait_income_high": ("income below {high}", "revenus inférieurs à {high}"),
        "trait_net_worth": ("net worth {low} to {high}", "patrimoine de {low} à {high}"),
        "trait_net_worth_low": ("net worth from {low}", "patrimoine à partir de {low}"),
        "trait_net_worth_high": ("net worth below {high}", "patrimoine inférieur à {high}"),
        "trait_risk_tolerance": ("risk tolerance {low} to {high} of 5", "tolérance au risque de {low} à {high} sur 5"),
        "trait_risk_tolerance_one": ("risk tolerance {low} of 5", "tolérance au risque de {low} sur 5"),
        "trait_first_family": ("who began with “{family}”", "entrés en relation par « {family} »"),
        "moment_supposed": ("supposed, to be confirmed", "supposé, à confirmer"),
        "moment_think": ("think of:", "penser à :"),
        "moment_term": ("Term on {date}: {product}", "Échéance le {date} : {product}"),
        "moment_birthday": ("{age} on {date}", "{age} le {date}"),
        "moment_anniversary": ("With us for {years} on {date}", "{years} de relation le {date}"),
        "moment_review": ("Review due: the last one was on {date}", "Bilan à prévoir : le dernier date du {date}"),
        "moment_first_review": ("Review due: none recorded", "Bilan à prévoir : aucun enregistré"),
        "no_term": ("No contract near its term.", "Aucun contrat proche de son échéance."),
        "more": ("and {count} more", "et {count} de plus"),
        "more_reasons": ("{count} more reasons together", "{count} autres motifs réunis"),
        "no_cover": ("no contract", "aucun contrat"),
    }
)
"""Per key, the English and the French words; `{name}` is where a value goes."""
