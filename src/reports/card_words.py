"""Every word of the model cards, side by side in English and French, and the pen that writes them with values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from appetence.explain.wording import NO_BREAK, Language, typeset

CARD_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "title": ("Model card: {name}, version {version}", "Fiche du modèle : {name}, version {version}"),
        "attrition": ("attrition", "attrition"),
        "erosion": ("silent erosion", "érosion silencieuse"),
        "first_purchase": ("first purchase of {product}", "premier achat de {product}"),
        "another_purchase": ("another contract of {product}", "un autre contrat de {product}"),
        "alias_champion": ("in use", "en service"),
        "alias_challenger": ("challenger", "candidat"),
        "alias_fallback": ("in use while no model beats its baselines", "en service faute de modèle meilleur"),
        "alias_none": ("not in use", "hors service"),
        "kind_classifier": ("a model", "un modèle"),
        "kind_constant": ("a base rate", "un taux de base"),
        "registered": ("trained {at}", "appris {at}"),
        # purpose
        "purpose": ("Purpose", "Finalité"),
        "purpose_attrition": (
            "The probability that a client closes the last contract by choice within {months} months of the end "
            "of the month that is scored{gap}. It helps advisors decide whom to speak to, and feeds "
            "lifetime value.",
            "La probabilité qu'un client clôture son dernier contrat de son propre choix dans les {months} mois qui "
            "suivent le mois évalué{gap}. Elle aide les conseillers à choisir à qui parler, et alimente la "
            "valeur vie client.",
        ),
        "purpose_buy": (
            "The probability that a client who may buy the product and has never held it buys it within {months} "
            "months of the end of the month that is scored{gap}. It helps advisors decide what to "
            "speak about.",
            "La probabilité qu'un client éligible n'ayant jamais détenu le produit l'achète dans les {months} mois "
            "qui suivent le mois évalué{gap}. Elle aide les conseillers à choisir de quoi parler.",
        ),
        "purpose_rebuy": (
            "The probability that a client who holds or held the product, and may buy it, opens another contract of it "
            "within {months} months of the end of the month that is scored{gap}; a contract that takes the place of "
            "another is a renewal and does not count. It helps advisors decide what to speak about.",
            "La probabilité qu'un client éligible détenant ou ayant détenu le produit en ouvre un autre contrat dans "
            "les {months} mois qui suivent le mois évalué{gap} ; un contrat qui en remplace un autre est un "
            "renouvellement et ne compte pas. Elle aide les conseillers à choisir de quoi parler.",
        ),
        "purpose_own": (
            "The probability that what the firm calls “{label}” happens to a client within {months} months of the end "
            "of the month that is scored{gap}. It is a question of the firm's own, which helps advisors decide whom to "
            "speak to.",
            "La probabilité que survienne pour un client, dans les {months} mois qui suivent le mois évalué{gap}, ce "
            "que l'établissement appelle « {label} ». C'est une question propre à l'établissement, qui aide les "
            "conseillers à choisir à qui parler.",
        ),
        "purpose_erosion": (
            "The probability that money leaves while the client stays: that net outflow comes to {share} % or more of "
            "the balances known at the cut within {months} months of the end of the month that is scored{gap}; and the "
            "money expected to leave that way. It helps advisors decide whom to speak to before the money is gone.",
            "La probabilité que l'argent parte sans le client : que les sorties nettes atteignent {share} % des "
            "encours connus à la date d'arrêté, dans les {months} mois qui suivent le mois évalué{gap} ; et le montant "
            "des sorties attendues. Elle aide les conseillers à choisir à qui parler avant que l'argent ne parte.",
        ),
        "gap": (
            ", the first {gap} of these months not counted",
            ", sans compter les {gap} premiers de ces mois",
        ),
        "forbidden": ("Not to be used", "Usages exclus"),
        "forbidden_decide": (
            "to decide alone anything that has legal or similar effects for a client: a credit, a price, a claim, a "
            "closing;",
            "pour décider seul de ce qui produit des effets juridiques ou comparables pour un client : crédit, tarif, "
            "sinistre, clôture ;",
        ),
        "forbidden_pressure": (
            "to put pressure on clients, or to contact those who object to profiling or marketing;",
            "pour faire pression sur des clients, ou contacter ceux qui s'opposent au profilage ou à la prospection ;",
        ),
        "forbidden_staff": (
            "to judge advisors: who leaves says little about who advised;",
            "pour juger les conseillers : un départ dit peu de chose de celui qui conseillait ;",
        ),
        "forbidden_elsewhere": (
            "on another book, another population or another horizon than those below.",
            "sur un autre portefeuille, une autre population ou un autre horizon que ceux ci-dessous.",
        ),
        # population and dates
        "population": ("Population", "Population"),
        "population_attrition": (
            "Everyone who holds at least one contract at the cut, as the firm knew then; those who left since are in "
            "it. Deaths, terms and contracts ended by the firm are no attrition.",
            "Tous ceux qui détiennent au moins un contrat à la date d'arrêté, d'après ce que l'établissement savait "
            "alors ; ceux qui sont partis depuis en font partie. Décès, échéances et contrats résiliés par "
            "l'établissement ne sont pas de l'attrition.",
        ),
        "population_erosion": (
            "Of those who hold at least one contract at the cut, as the firm knew then: who had balances of {least} or "
            "more in its currency. Market moves and transfers between a client's own contracts are no outflow; who "
            "leaves the firm counts as attrition, not here.",
            "Parmi ceux qui détiennent au moins un contrat à la date d'arrêté, d'après ce que l'établissement savait "
            "alors : les clients dont les encours atteignaient {least}, en monnaie du portefeuille. Les effets de "
            "marché et les virements entre contrats d'un même client ne sont pas des sorties ; qui quitte "
            "l'établissement relève de l'attrition.",
        ),
        "population_buy": (
            "Of those who hold at least one contract at the cut, as the firm knew then: who may buy the product and "
            "has never held it.",
            "Parmi ceux qui détiennent au moins un contrat à la date d'arrêté, d'après ce que l'établissement savait "
            "alors : les clients éligibles qui n'ont jamais détenu le produit.",
        ),
        "population_rebuy": (
            "Of those who hold at least one contract at the cut, as the firm knew then: who may buy the product and "
            "holds or held it; who holds it only where clients hold several.",
            "Parmi ceux qui détiennent au moins un contrat à la date d'arrêté, d'après ce que l'établissement savait "
            "alors : les clients éligibles qui détiennent ou ont détenu le produit, les détenteurs seulement là où des "
            "clients en détiennent plusieurs.",
        ),
        "population_own": (
            "Of those who hold at least one contract at the cut, as the firm knew then: whom the question's own SQL "
            "names, run on what was known then.",
            "Parmi ceux qui détiennent au moins un contrat à la date d'arrêté, d'après ce que l'établissement savait "
            "alors : ceux que désigne le SQL de la question, exécuté sur ce qui était connu alors.",
        ),
        "asks": ("What is asked", "Ce qui est demandé"),
        "asks_target": ("Events", "Événements"),
        "asks_population": ("Population", "Population"),
        "asks_everyone": ("everyone who holds a contract", "tous ceux qui détiennent un contrat"),
        "asks_once": (
            "It can happen to a client once: who had it before is not asked about. The SQL is that of the config when "
            "this version was made.",
            "Cela ne peut arriver qu'une fois à un client : ceux qui l'ont déjà connu sont exclus. Le SQL est celui du "
            "fichier de configuration lors de la création de cette version.",
        ),
        "asks_often": (
            "It can happen to a client more than once. The SQL is that of the config when this version was made.",
            "Cela peut arriver plusieurs fois à un client. Le SQL est celui du fichier de configuration lors de la "
            "création de cette version.",
        ),
        "size": ("Size", "Taille"),
        "count": ("Count", "Nombre"),
        "block": ("Block", "Bloc"),
        "baseline": ("Baseline", "Référence"),
        "size_rows": ("rows (a client at a date)", "lignes (un client à une date)"),
        "size_events": ("clients to whom it happened", "clients concernés par l'événement"),
        "size_fit_rows": ("rows fitted on first", "lignes du premier ajustement"),
        "size_fit_events": ("clients among them to whom it happened", "dont clients concernés"),
        "size_calibration_rows": ("rows calibrated on", "lignes de calibration"),
        "size_calibration_events": ("clients among them to whom it happened", "dont clients concernés"),
        "size_test_dates": ("test dates", "dates de test"),
        "dates": ("Dates", "Dates"),
        "fitted_on": ("Fitted on", "Ajusté sur"),
        "calibrated_on": ("Calibrated on", "Calibré sur"),
        "tested_on": ("Procedure tested on", "Procédure éprouvée sur"),
        "dates_note": (
            "What was tested is the procedure, as of each test date, on rows it had not seen; the model that scores "
            "was then made again with the newest labels.",
            "C'est la procédure qui a été éprouvée, telle qu'à chaque date de test, sur des lignes jamais vues ; le "
            "modèle en service a ensuite été refait avec les étiquettes les plus récentes.",
        ),
        "none": ("none", "aucune"),
        # figures
        "figures": ("Figures out of time", "Chiffres hors période"),
        "no_figures": (
            "Not tested by itself: it stands in for a model.",
            "Non éprouvé en tant que tel : il tient lieu de modèle.",
        ),
        "figures_note": (
            "95 % intervals from a bootstrap of households; ranking within each test date, probabilities over all.",
            "Intervalles à 95 % par tirage de foyers ; classement au sein de chaque date, probabilités sur l'ensemble.",
        ),
        "figure": ("Figure", "Chiffre"),
        "this_model": ("This model", "Ce modèle"),
        "interval": ("95 % interval", "Intervalle à 95 %"),
        "gain": ("Gain in log-loss", "Gain en perte logarithmique"),
        "f_auc": ("AUC", "AUC"),
        "f_average_precision": ("Average precision", "Précision moyenne"),
        "f_lift_10": ("Lift at 10 %", "Lift à 10 %"),
        "f_capture_10": ("Share of events in the top 10 %", "Part des événements dans les premiers 10 %"),
        "f_log_loss": ("Log-loss", "Perte logarithmique"),
        "f_brier": ("Brier score", "Score de Brier"),
        "f_calibration_slope": ("Calibration slope", "Pente de calibration"),
        "f_calibration_intercept": ("Calibration intercept", "Ordonnée de calibration"),
        "f_observed_expected": ("Observed over expected", "Observé sur attendu"),
        "b_base_rate": ("Base rate", "Taux de base"),
        "b_life_table": ("Life table", "Table de survie"),
        "b_logistic_regression": ("Logistic regression", "Régression logistique"),
        "outflow": ("Expected outflow, in money", "Sorties attendues, en montants"),
        "outflow_note": (
            "Over the test rows, in the book's currency. The mean error is smallest for a forecast near what is usual, "
            "which is nothing.",
            "Sur les lignes de test, dans la monnaie du portefeuille. L'erreur moyenne est la plus faible pour une "
            "prévision proche du cas courant, c'est-à-dire rien.",
        ),
        "o_promised": ("Expected in all", "Attendu au total"),
        "o_realised": ("Left in all", "Sorti au total"),
        "o_ratio": ("Left over expected", "Sorti sur attendu"),
        "o_mae": ("Mean error per client", "Erreur moyenne par client"),
        "o_capture_10": (
            "Part of what left with the tenth of most expected",
            "Part des sorties chez le dixième où l'on attendait le plus",
        ),
        "o_mae_of_mean_outflow": ("Mean error of the mean outflow", "Erreur de la sortie moyenne"),
        "o_mae_of_mean_share_of_balances": (
            "Mean error of the mean share of balances",
            "Erreur de la part moyenne des encours",
        ),
        "o_mae_of_last_months_carried_forward": (
            "Mean error of the last months carried forward",
            "Erreur des derniers mois prolongés",
        ),
        "o_mae_of_nothing": ("Mean error of forecasting nothing", "Erreur de ne rien prévoir"),
        "calibration": ("Calibration by slice of the score", "Calibration par tranche de score"),
        "slice": ("Slice", "Tranche"),
        "rows": ("Rows", "Lignes"),
        "mean_score": ("Mean score", "Score moyen"),
        "expected": ("Expected", "Attendus"),
        "observed": ("Observed", "Observés"),
        "ratio": ("Observed / expected", "Observés / attendus"),
        "stability": ("Stability: figures by test date", "Stabilité : chiffres par date de test"),
        "date": ("Date", "Date"),
        "cuts": ("Cuts", "Dates d'arrêté"),
        "events": ("Events", "Événements"),
        # disparity
        "disparity": ("Disparity by protected attribute", "Disparité par attribut protégé"),
        "disparity_note": (
            "Audit only: no model reads these attributes. Figures of the test rows, for groups with at least {events} "
            "events.",
            "À des fins d'audit seulement : aucun modèle ne lit ces attributs. Chiffres des lignes de test, pour les "
            "groupes comptant au moins {events} événements.",
        ),
        "no_disparity": (
            "The firm maps no protected attributes, or there were no tests, so that nothing can be said.",
            "L'établissement ne fournit pas d'attributs protégés, ou il n'y a pas eu de test : on ne peut rien dire.",
        ),
        "group": ("Group", "Groupe"),
        "not_declared": ("not declared", "non déclaré"),
        "left_out": (
            "groups with fewer events, not shown: {count}",
            "groupes de moins d'événements, non montrés : {count}",
        ),
        # features
        "features": ("Features read", "Variables lues"),
        "no_features": ("It reads none.", "Il n'en lit aucune."),
        "features_note": (
            "Each is what the firm knew at the cut. Their purpose is the theme under which they explain a score; a "
            "lever is what an advisor can act on.",
            "Chacune est ce que l'établissement savait à la date d'arrêté. Leur finalité est le thème sous lequel "
            "elles expliquent un score ; un levier est ce sur quoi le conseiller peut agir.",
        ),
        "feature": ("Feature", "Variable"),
        "theme": ("Theme", "Thème"),
        "lever": ("lever", "levier"),
        "column": ("Column", "Colonne"),
        # limits
        "limits": ("Limits", "Limites"),
        "limit_future": (
            "Months to come may differ from those it was tested on; the monthly job says when it no longer beats its "
            "plain baselines.",
            "Les mois à venir peuvent différer de ceux du test ; le traitement mensuel dit quand il ne fait plus mieux "
            "que ses références simples.",
        ),
        "limit_cause": (
            "Who leaves or buys is not who can be moved: it says nothing about the effect of a call.",
            "Qui part ou achète n'est pas qui peut être influencé : il ne dit rien de l'effet d'un appel.",
        ),
        "limit_interval": (
            "Intervals draw households; where events come in larger lumps they are too narrow.",
            "Les intervalles tirent des foyers ; quand les événements surviennent par paquets plus gros, ils sont trop "
            "étroits.",
        ),
        "limit_dates": (
            "What has no date in the book, such as the household, is taken as it is today.",
            "Ce qui n'a pas de date dans le portefeuille, comme le foyer, est pris tel qu'il est aujourd'hui.",
        ),
        # origin and approvals
        "origin": ("Origin", "Origine"),
        "parameters": ("Parameters set", "Paramètres fixés"),
        "defaults": ("defaults", "valeurs par défaut"),
        "book_fingerprint": ("Fingerprint of the book", "Empreinte des données"),
        "label_hash": ("Hash of rows and labels", "Empreinte des lignes et étiquettes"),
        "code_version": ("Version of the software", "Version du logiciel"),
        "file": ("SHA-256 of {file}", "SHA-256 de {file}"),
        "approvals": ("Approvals", "Approbations"),
        "no_approval": ("None yet.", "Aucune à ce jour."),
        "when": ("When", "Quand"),
        "what": ("What", "Quoi"),
        "by": ("By", "Par"),
        "why": ("Why", "Pourquoi"),
        "became": ("version {version}: {alias}", "version {version} : {alias}"),
        "instead_of": ("in place of version {version}", "à la place de la version {version}"),
        "overruled": ("although the gate said no", "malgré l'avis contraire du contrôle"),
    }
)
"""Per key, the English and the French words; `{name}` is where a value goes."""

NOTHING = "–"
_PLACE = re.compile(r"\{(\w+)\}")


class CardPen:
    """Writes words and figures of a card in one language: what its templates hold as `t`.

    >>> CardPen("fr").figure(0.1234, 3)
    '0,123'
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        place = 0 if language == "en" else 1
        self._words = {key: typeset(texts[place], language) for key, texts in CARD_WORDS.items()}

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key with values in their places."""
        return _PLACE.sub(lambda place: str(values[place[1]]), self._words[key])

    def known(self, prefix: str, name: str) -> str:
        """Return the words of a name where there are any, else the name."""
        return self._words.get(f"{prefix}_{name.replace(' ', '_')}", name)

    def figure(self, value: float | None, digits: int = 4) -> str:
        """Write a figure with so many decimals."""
        if value is None:
            return NOTHING
        text = f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
        if self.language == "en":
            return text
        return text.replace(",", "\0").replace(".", ",").replace("\0", "\N{NARROW NO-BREAK SPACE}")

    def interval(self, low: float | None, high: float | None, digits: int = 4) -> str:
        """Write two bounds."""
        if low is None or high is None:
            return NOTHING
        word = "to" if self.language == "en" else "à"
        return f"{self.figure(low, digits)}{NO_BREAK}{word}{NO_BREAK}{self.figure(high, digits)}"
