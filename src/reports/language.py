"""Every word of the pages, side by side in English and French, and the pen that writes them with values."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from babel.dates import format_date
from babel.numbers import format_decimal

from appetence.explain import wording
from appetence.explain.glossary import in_words
from appetence.explain.wording import Language
from appetence.reports.situations import Contact, Holding, Situation

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # page
        "skip": ("Skip to the content", "Aller au contenu"),
        "navigation": ("Navigation", "Navigation"),
        "other_language": ("Version française", "English version"),  # in the language that the link leads to
        "overview": ("Overview", "Vue d'ensemble"),
        "foot": (
            "Scores of {month}. Probabilities estimated from what the firm knew at the end of that month: an aid to "
            "the advisor's judgement, not a substitute for it.",
            "Scores de {month}. Probabilités estimées d'après ce que l'établissement savait à la fin de ce mois : une "
            "aide au jugement du conseiller, qui ne le remplace pas.",
        ),
        "as_of": ("as at the end of {month}", "situation à fin {month}"),
        "portfolio": ("Portfolio", "Portefeuille"),
        "pages": ("Pages of this portfolio", "Pages de ce portefeuille"),
        "page": ("Page", "Page"),
        "part": ("page {number} of {parts}", "page {number} sur {parts}"),
        "all_clients": ("All clients", "Tous les clients"),
        "no_advisor": ("Clients without an advisor", "Clients sans conseiller"),
        "advisor": ("Advisor", "Conseiller"),
        "client": ("Client", "Client"),
        "clients": ("Clients", "Clients"),
        "contracts": ("Contracts", "Contrats"),
        "why": ("Why", "Pourquoi"),
        "how": ("How", "Comment"),
        "month": ("Month", "Mois"),
        # figures
        "clients_scored": ("Clients scored", "Clients évalués"),
        "leavers": ("Departures expected{within}", "Départs attendus{within}"),
        "of_clients": ("{share} of clients", "{share} des clients"),
        "high_risk": ("High risk", "Risque élevé"),
        "medium_besides": ("and {count} at medium risk", "et {count} à risque moyen"),
        "risk": ("Risk of leaving{within}", "Risque de départ{within}"),
        "within": (" within {months}", " d'ici {months}"),
        "attrition": ("Attrition", "Attrition"),
        "erosion": ("Silent erosion", "Érosion silencieuse"),
        "erosion_risk": ("Risk of silent erosion{within}", "Risque d'érosion silencieuse{within}"),
        "moved_since": ("Since {month}: {points}", "Depuis {month} : {points}"),
        "moved_because": (", because:", ", car :"),
        "supposed": ("What would change it", "Ce qui changerait la donne"),
        "supposed_fact": ("The model's answer if… (no promise)", "Réponse du modèle si… (sans promesse)"),
        "supposed_leaving": ("Leaving", "Départ"),
        "supposed_erosion": ("Erosion", "Érosion"),
        "outflow": ("Expected outflow", "Sorties attendues"),
        "outflow_within": ("Expected outflow{within}", "Sorties attendues{within}"),
        "lifetime_value": ("Lifetime value", "Valeur vie client"),
        "at_stake": ("Value at stake", "Valeur en jeu"),
        "past_profit": ("Profit of the last 12 months", "Rentabilité des 12 derniers mois"),
        "potential": ("Potential", "Potentiel"),
        "tier_high": ("high", "élevé"),
        "tier_medium": ("medium", "moyen"),
        "tier_low": ("low", "faible"),
        "tier_of_high": ("high risk", "risque élevé"),
        "tier_of_medium": ("medium risk", "risque moyen"),
        "tier_of_low": ("low risk", "risque faible"),
        # overview
        "portfolios": ("Portfolios", "Portefeuilles"),
        "portfolios_by_stake": (
            "Those with most value at stake first: the probability of leaving times the lifetime value.",
            "Classés par valeur en jeu, c'est-à-dire la probabilité de départ multipliée par la valeur vie client.",
        ),
        "portfolios_by_risk": (
            "Those with most departures expected first. Lifetime value is not known.",
            "Classés par nombre de départs attendus, la valeur vie client n'étant pas connue.",
        ),
        "portfolios_plain": ("In order of their pages.", "Dans l'ordre des pages."),
        "products": ("Appetence by product", "Appétence par produit"),
        "products_intro": (
            "Purchases expected{within} among clients who may buy the product: the first of those who have never held "
            "it and, on lines of their own where there are enough, another contract of those who hold or held it.",
            "Achats attendus{within} parmi les clients éligibles : le premier de ceux qui n'ont jamais détenu le "
            "produit et, sur des lignes à part là où il y en a assez, un autre contrat de ceux qui le détiennent ou "
            "l'ont détenu.",
        ),
        "another": ("Another contract: {product}", "Un autre contrat : {product}"),
        "products_again": ("Purchases of a product again", "Nouveaux achats d'un même produit"),
        "product": ("Product", "Produit"),
        "eligible": ("Eligible clients", "Clients éligibles"),
        "average_probability": ("Average probability", "Probabilité moyenne"),
        "buyers": ("Purchases expected", "Achats attendus"),
        "expected_value": ("Expected value", "Valeur attendue"),
        "basis": ("Basis", "Fondement"),
        "nothing_to_sell": (
            "No next product is scored for this book; the reason is given under “How far to trust these scores”.",
            "Aucun produit suivant n'est évalué pour ce portefeuille ; la raison figure sous « Quelle confiance "
            "accorder à ces scores ».",
        ),
        "no_attrition": ("Attrition is not modelled.", "L'attrition n'est pas modélisée."),
        "quality": ("How far to trust these scores", "Quelle confiance accorder à ces scores"),
        "quality_intro": (
            "Each model is tested on later months that it has never seen. Where none beats a plain rule, that rule is "
            "used and it is said here.",
            "Chaque modèle est éprouvé sur des mois postérieurs qu'il n'a jamais vus. Quand aucun ne fait mieux qu'une "
            "règle simple, c'est cette règle qui sert, et c'est dit ici.",
        ),
        "kind_classifier": ("model", "modèle"),
        "kind_constant": ("base rate", "taux moyen"),
        "kind_fallback": ("plain rule", "règle simple"),
        "kind_refused": ("not modelled", "non modélisé"),
        "origin": ("Where these scores come from", "Origine de ces scores"),
        "run": ("Run", "Traitement"),
        "fingerprint": ("Fingerprint of the book", "Empreinte des données"),
        "code_version": ("Version of the software", "Version du logiciel"),
        "objected": ("Left out: objection to profiling", "Écartés : opposition au profilage"),
        # portfolio
        "call_first": ("Whom to call first", "Qui appeler en premier"),
        "call_by_stake": (
            "Clients at high or medium risk, by value at stake: the probability of leaving times the lifetime value.",
            "Clients à risque élevé ou moyen, classés par valeur en jeu : la probabilité de départ multipliée par la "
            "valeur vie client.",
        ),
        "call_by_risk": (
            "Clients at high or medium risk, by probability of leaving: their lifetime value is not known.",
            "Clients à risque élevé ou moyen, classés par probabilité de départ, leur valeur vie client n'étant pas "
            "connue.",
        ),
        "tiers": (
            "High: the {high} of the book most at risk; medium: the next {medium}.",
            "Élevé : les {high} du portefeuille global les plus exposés ; moyen : les {medium} suivants.",
        ),
        "nobody_to_call": (
            "No client here is at high or medium risk.",
            "Aucun client de cette page n'est à risque élevé ou moyen.",
        ),
        "keep": ("Where money may leave while the client stays", "Où les encours pourraient partir sans le client"),
        "keep_intro": (
            "Silent erosion: clients likelier than average to take out a large part of their balances and stay, by "
            "the money expected to leave.",
            "Érosion silencieuse : clients plus exposés que la moyenne à retirer une grande part de leurs encours tout "
            "en restant, classés par sorties attendues.",
        ),
        "nothing_to_keep": (
            "No client here is likelier than average to take money out and stay.",
            "Aucun client de cette page n'est plus exposé que la moyenne à l'érosion silencieuse.",
        ),
        "ready": ("Who is ready for what", "Qui est prêt pour quoi"),
        "ready_intro": (
            "Clients likelier than average to buy a product, for the first time or again, each with the best one, by "
            "expected value. Clients who object to marketing are not listed.",
            "Clients plus enclins que la moyenne à l'achat d'un produit, pour la première fois ou de nouveau, chacun "
            "avec le produit le plus porteur, classés par valeur attendue. Les clients opposés à la prospection n'y "
            "figurent pas.",
        ),
        "nobody_ready": (
            "No model puts a client of this page above the average for a product.",
            "Aucun modèle ne place un client de cette page au-dessus de la moyenne pour un produit.",
        ),
        "probability": ("Probability{within}", "Probabilité{within}"),
        "lift": ("{times} × average", "{times} × la moyenne"),
        "worth": ("expected value {money}", "valeur attendue {money}"),
        "last_contact": ("Last contact", "Dernier contact"),
        "filter": ("Find a client:", "Rechercher un client :"),
        "sheets": ("Client sheets", "Fiches clients"),
        # sheet
        "client_id": ("Client no.", "Client n°"),
        "top": ("Back to the lists", "Retour aux listes"),
        "reasons_caption": (
            "From what is expected of any client to this client's risk, in points of probability. Lever: what an "
            "advisor can act on.",
            "Du niveau attendu pour tout client au risque de ce client, en points de probabilité. Levier : ce sur "
            "quoi le conseiller peut agir.",
        ),
        "reason": ("Reason", "Motif"),
        "bar": ("Bar", "Barre"),
        "points": ("Points", "Points"),
        "lever": ("lever", "levier"),
        "no_reason": ("No single reason stands out", "Aucun motif particulier"),
        "next_products": ("Next products", "Prochains produits"),
        "offers_by_value": (
            "By expected value: the probability times the value of the sale.",
            "Classés par valeur attendue : la probabilité multipliée par la valeur de la vente.",
        ),
        "own_questions": ("Further questions", "Autres questions"),
        "in_time": ("{within}", "{within}"),
        "holdings": ("Holdings", "Détention"),
        "since": ("Since", "Depuis"),
        "balance": ("Balance", "Encours"),
        "net_flow": ("Net flow, 12 months", "Flux nets 12 mois"),
        "moments": ("Key moments", "Moments clés"),
        "no_moment": (
            "No life event learnt of in 12 months, no contract near its term.",
            "Aucun événement de vie appris depuis 12 mois, aucun contrat proche de son échéance.",
        ),
        "household": ("Household", "Foyer"),
        "alone": ("No other client known in the household.", "Aucun autre client connu dans le foyer."),
        "contact": ("Contacts and channels", "Contacts et canaux"),
        "by_phone": ("By phone", "Par téléphone"),
        "not_by_phone": ("Not by phone", "Pas par téléphone"),
        "complaint": ("Last complaint: {date}", "Dernière réclamation : {date}"),
        "nps": ("Would recommend us: {score} out of 10", "Nous recommanderait : {score} sur 10"),
        "contact_told": (
            "Last contact: {date} ({how}); {count} in 12 months",
            "Dernier contact : {date} ({how}) ; {count} en 12 mois",
        ),
        "no_contact": ("No contact recorded", "Aucun contact enregistré"),
        # situation
        "with_us": ("with us since {month}", "en relation depuis {month}"),
        "income": ("income {money} a year", "revenu annuel {money}"),
        "net_worth": ("net worth {money}", "patrimoine {money}"),
        "risk_tolerance": ("risk tolerance {score} of 5", "tolérance au risque {score} sur 5"),
        "company": ("company", "entreprise"),
    }
)
"""Per key, the English and the French words; `{name}` is where a value goes."""

NOUNS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        "year_old": (("year old", "years old"), ("an", "ans")),
        "month": (("month", "months"), ("mois", "mois")),
        "year": (("year", "years"), ("an", "ans")),
        "child": (("dependent child", "dependent children"), ("enfant à charge", "enfants à charge")),
        "contract": (("contract", "contracts"), ("contrat", "contrats")),
        "product": (("product", "products"), ("produit", "produits")),
        "contact": (("contact", "contacts"), ("contact", "contacts")),
    }
)
"""Per key, singular and plural in English, then in French."""

NOTHING = "–"
CODE_LENGTH = 36
"""Characters of a firm's own code, an occupation or a channel, beyond which it is cut."""

_PLACE = re.compile(r"\{(\w+)\}")


class Pen:
    """Writes words and values in one language and currency: what the templates hold as `t`.

    >>> pen = Pen("fr", "EUR")
    >>> pen("tier_of_high"), pen.count(3, "contract").replace(chr(160), " ")
    ('risque élevé', '3 contrats')
    """

    def __init__(self, language: Language, currency: str, words: Mapping[str, tuple[str, str]] = WORDS) -> None:
        self.language: Language = language
        self.currency = currency
        place = 0 if language == "en" else 1
        self._words = {key: wording.typeset(texts[place], language) for key, texts in words.items()}
        self._nouns = {key: nouns[place] for key, nouns in NOUNS.items()}

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key with values in their places."""
        text = self._words[key]
        if "{" not in text:
            return text
        placed = {"within": "", **values}
        return _PLACE.sub(lambda place: str(placed[place[1]]), text)

    def within(self, key: str, months: int | None) -> str:
        """Return words about a horizon, which is left out where it is not known."""
        horizon = "" if months is None else self("within", months=self.count(months, "month"))
        return self(key, within=horizon)

    def money(self, value: float | None) -> str:
        """Write an amount in whole units of the currency."""
        return NOTHING if value is None else wording.money(value, self.language, self.currency, 0)

    def share(self, value: float) -> str:
        """Write a share as a percentage."""
        return wording.share(value, self.language)

    def count(self, value: float, noun: str | None = None) -> str:
        """Write a number, with its noun where there is one."""
        return wording.count(value, self._nouns[noun] if noun else None, self.language)

    def number(self, value: float, digits: int) -> str:
        """Write a number with so many decimals; a dash where there is none."""
        if not math.isfinite(value):
            return NOTHING
        text: str = format_decimal(value, "#,##0." + "0" * digits if digits else "#,##0", locale=self.language)
        return text.replace("-", "\u2212")

    def chance(self, value: float) -> str:
        """Write a probability with one decimal, to be set beside another."""
        return wording.probability(value, self.language)

    def points(self, value: float) -> str:
        """Write points of probability."""
        return wording.points(value, self.language)

    def day(self, value: dt.date) -> str:
        """Write a day in full."""
        return wording.day(value, self.language)

    def short_day(self, value: dt.date) -> str:
        """Write a day for a column."""
        return _short_day(value, self.language)

    def month(self, value: dt.date) -> str:
        """Write a month in full."""
        return wording.month_and_year(value, self.language)

    def code(self, value: str) -> str:
        """Write a code in words, with a capital."""
        words = in_words(value, self.language)
        return words[:1].upper() + words[1:]

    def situation(self, who: Situation) -> str:
        """Return the line under a client's name; what is not known is left out."""
        facts = who.facts
        parts = [self("company") if who.kind == "company" else None]
        parts.append(None if who.age is None or who.kind == "company" else self.count(who.age, "year_old"))
        parts += [in_words(str(facts[name]), self.language) for name in ("marital_status",) if name in facts]
        parts.append(self.count(facts["children"], "child") if facts.get("children") else None)
        parts += [_cut(in_words(str(facts[name]), self.language)) for name in ("occupation",) if name in facts]
        parts.append(_cut(str(facts["region"])) if "region" in facts else None)
        parts += [self(n, money=self.money(float(facts[n]))) for n in ("income", "net_worth") if n in facts]
        parts.append(self("risk_tolerance", score=facts["risk_tolerance"]) if "risk_tolerance" in facts else None)
        parts.append(None if who.joined_on is None else self("with_us", month=self.month(who.joined_on)))
        line = " · ".join(part for part in parts if part)
        return line[:1].upper() + line[1:]

    def holding(self, holdings: Sequence[Holding]) -> str:
        """Return how much a client holds: contracts, and different products."""
        products = len({holding.product_id for holding in holdings})
        return f"{self.count(len(holdings), 'contract')}, {self.count(products, 'product')}"

    def contact(self, contact: Contact | None) -> str:
        """Return when and how the client was last in touch."""
        if contact is None:
            return self("no_contact")
        how = dict.fromkeys(_cut(in_words(code, self.language)) for code in (contact.kind, contact.channel))
        return self(
            "contact_told", date=self.day(contact.at), count=self.count(contact.count, "contact"), how=", ".join(how)
        )


def shortened(text: str, most: int) -> str:
    """Return a text that is no longer than so many characters, what is cut off told by an ellipsis.

    >>> shortened("Assurance habitation", 12)
    'Assurance h…'
    """
    text = wording.visible(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _cut(code: str) -> str:
    return shortened(code, CODE_LENGTH)


@lru_cache(maxsize=20_000)
def _short_day(value: dt.date, language: Language) -> str:
    text: str = format_date(value, {"fr": "dd/MM/y", "en": "d MMM y"}[language], locale=language)
    return text
