"""Words for the codes that the input contract speaks of; a code that only the firm knows is shown as it is."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

WORDS = MappingProxyType(
    {
        # kinds of client
        "person": ("person", "particulier"),
        "company": ("company", "entreprise"),
        # channels
        "branch": ("branch", "agence"),
        "phone": ("phone", "téléphone"),
        "email": ("e-mail", "e-mail"),
        "app": ("app", "application mobile"),
        "web": ("website", "site internet"),
        "post": ("post", "courrier"),
        "letter": ("letter", "courrier"),
        "video": ("video call", "visioconférence"),
        # marital status
        "single": ("single", "célibataire"),
        "married": ("married", "marié(e)"),
        "civil_union": ("in a civil union", "pacsé(e)"),
        "divorced": ("divorced", "divorcé(e)"),
        "separated": ("separated", "séparé(e)"),
        "widowed": ("widowed", "veuf ou veuve"),
        # occupations
        "employee": ("employee", "employé(e)"),
        "worker": ("manual worker", "ouvrier ou ouvrière"),
        "manager": ("manager", "cadre"),
        "executive": ("executive", "cadre"),
        "self_employed": ("self-employed", "indépendant(e)"),
        "craftsman": ("craftsman", "artisan ou commerçant"),
        "farmer": ("farmer", "exploitant(e) agricole"),
        "civil_servant": ("civil servant", "fonctionnaire"),
        "student": ("student", "étudiant(e)"),
        "retired": ("retired", "retraité(e)"),
        "other": ("other", "autre"),
        "unemployed": ("out of work", "sans emploi"),
        "professional": ("professional", "profession libérale"),
        # kinds of contact
        "visit": ("visit", "visite"),
        "call": ("call", "appel"),
        "complaint": ("complaint", "réclamation"),
        "claim": ("claim", "sinistre"),
        "review": ("review", "bilan"),
        "survey": ("survey", "enquête de satisfaction"),
        "meeting": ("meeting", "rendez-vous"),
        "message": ("message", "message"),
        # life events
        "birth": ("birth of a child", "naissance d’un enfant"),
        "marriage": ("marriage", "mariage"),
        "divorce": ("divorce", "divorce"),
        "death_in_family": ("death in the family", "décès d’un proche"),
        "family_death": ("death in the family", "décès d’un proche"),
        "inheritance": ("inheritance", "héritage"),
        "graduation": ("graduation", "obtention d’un diplôme"),
        "new_home": ("new home", "nouveau logement"),
        "home_purchase": ("purchase of a home", "achat immobilier"),
        "move": ("move", "déménagement"),
        "job_change": ("change of job", "changement d’emploi"),
        "job_loss": ("loss of a job", "perte d’emploi"),
        "retirement": ("retirement", "retraite"),  # the event, and the family of products
        "new_vehicle": ("new vehicle", "changement de véhicule"),
        "vehicle_change": ("new vehicle", "changement de véhicule"),
        # sources
        "referral": ("referral", "recommandation"),
        "campaign": ("campaign", "campagne"),
        "comparison": ("comparison site", "comparateur"),
        "household": ("household", "foyer"),
        "partner": ("partner", "partenaire"),
        "prospecting": ("prospecting", "prospection"),
        # segments that firms often name so; any other is shown as it is
        "companies": ("companies", "entreprises"),
        "young": ("young clients", "jeunes"),
        "families": ("families", "familles"),
        "others": ("others", "autres"),
        # families of products
        "account": ("account", "compte"),
        "savings": ("savings", "épargne"),
        "investment": ("investments", "placements"),
        "retirement_savings": ("retirement savings", "épargne retraite"),
        "credit": ("credit", "crédit"),
        "insurance": ("insurance", "assurance"),
        "protection": ("protection", "prévoyance"),
        "health": ("health", "santé"),
    }
)
"""Per code, the English and the French words."""


def in_words(code: str, language: Literal["fr", "en"]) -> str:
    """Return a code in words; one that is not known here, as it is with its underscores as spaces.

    >>> in_words("new_home", "fr"), in_words("ZONE_7", "en")
    ('nouveau logement', 'ZONE 7')
    """
    words = WORDS.get(code.lower())
    if words is None:
        return code.replace("_", " ")
    return words[0] if language == "en" else words[1]
