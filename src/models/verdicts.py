"""What is said of a model, or of a question that has none: every sentence in both languages, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appetence.models.dependence import UNIT_WORDS, Unit
from appetence.models.kinds import Kind


@dataclass(frozen=True)
class Verdict:
    """One statement in English and in French; as text, the English."""

    en: str
    fr: str

    def __str__(self) -> str:
        return self.en

    def as_dict(self, name: str) -> dict[str, str]:
        """Return it under two keys for JSON: `name` and `name_fr`."""
        return {name: self.en, f"{name}_fr": self.fr}

    def and_then(self, other: Verdict) -> Verdict:
        """Return both statements, one after the other."""
        return Verdict(f"{self.en}; {other.en}", f"{self.fr} ; {other.fr}")


@dataclass(frozen=True)
class Figures:
    """AUC and log-loss; of a baseline also by how much its log-loss is above the model's, with the 95 % interval."""

    auc: float
    log_loss: float
    gain: tuple[float, float] | None = None

    def told(self) -> Verdict:
        """Return the two figures in words."""
        auc, loss = f"{self.auc:.3f}", f"{self.log_loss:.4f}"
        return Verdict(f"{auc} and {loss}", f"{french(auc)} et {french(loss)}")


BASELINES_FR: Mapping[str, str] = {
    "life table": "la table de survie",
    "logistic regression": "la régression logistique",
    "base rate": "le taux de base",
    "Kaplan-Meier": "Kaplan-Meier",
    "shifted-beta-geometric": "la loi bêta-géométrique",
}
"""What each baseline is called in French."""


def french(number: str) -> str:
    """Return an English number with French marks."""
    return number.replace(".", ",").replace("-", "\u2212")


def judged(
    beats: bool, model: Figures, baselines: Mapping[str, Figures], dates: int, unit: Unit = "household"
) -> Verdict:
    """Say how a model did beside its baselines, out of time."""
    en, fr = [], []
    for name, other in baselines.items():
        words, low, high = other.told(), *(f"{bound:+.4f}" for bound in other.gain or ())
        en.append(f"{name} {words.en} (95 % interval of the gain {low} to {high})")
        fr.append(f"{words.fr} pour {BASELINES_FR[name]} (intervalle à 95 % du gain : {french(low)} à {french(high)})")
    own = model.told()
    plural = "s" if dates > 1 else ""
    by_en, by_fr = UNIT_WORDS[unit]
    return Verdict(
        f"{'beats' if beats else 'does not beat'} its baselines: AUC and log-loss {own.en}, against "
        f"{'; '.join(en)}; {dates} test date{plural}, intervals by {by_en}",
        f"{'fait mieux' if beats else 'ne fait pas mieux'} que ses références : AUC et perte logarithmique {own.fr}, "
        f"contre {' ; '.join(fr)} ; {dates} date{plural} de test, intervalles par {by_fr}",
    )


FORECASTS: Mapping[str, tuple[str, str]] = {
    "mean outflow": ("the mean outflow", "la sortie moyenne"),
    "mean share of balances": ("the mean share of balances", "la part moyenne des encours"),
    "last months carried forward": ("the last months carried forward", "les derniers mois prolongés"),
}
"""What each plain forecast of money is called in a sentence, in English and in French."""


def in_money(
    promised: float,
    realised: float,
    ratio: tuple[float, float],
    error: float,
    others: Mapping[str, float],
    caught: tuple[float, float],
) -> Verdict:
    """Say how far the money that left was from what was expected, out of time.

    Parameters
    ----------
    promised, realised
        Totals over the test rows.
    ratio
        Bounds of the 95 % interval of the second over the first.
    error, others
        Mean absolute error per client: of the model, and of plain forecasts by name.
    caught
        Share of what left that was with the tenth of clients for whom most was expected: by the model, and by the mean
        share of the balances.
    """
    low, high = (f"{bound:.2f}" for bound in ratio)
    shares = [f"{100 * share:.0f}" for share in caught]
    en = "; ".join(f"{counted(value)} by {FORECASTS[name][0]}" for name, value in others.items())
    fr = " ; ".join(f"{compte(value)} pour {FORECASTS[name][1]}" for name, value in others.items())
    return Verdict(
        f"in money {counted(realised)} left where {counted(promised)} was expected (ratio between {low} and {high}); "
        f"mean error per client {counted(error)}, against {en}; the tenth of clients with most expected held "
        f"{shares[0]} % of what left, by the mean share of balances {shares[1]} %",
        f"en montants, {compte(realised)} sont sortis pour {compte(promised)} attendus (rapport entre {french(low)} et "
        f"{french(high)}) ; erreur moyenne par client {compte(error)}, contre {fr} ; le dixième des clients où l’on "
        f"attendait le plus portait {shares[0]} % des sorties, {shares[1]} % selon la part moyenne des encours",
    )


def counted(amount: float) -> str:
    """Return an amount in whole units, with English marks."""
    return f"{amount:,.0f}"


def compte(amount: float) -> str:
    """Return an amount in whole units, with French marks: a narrow space that does not break."""
    return french(f"{amount:,.0f}".replace(",", "\u202f"))


def tuned(worth: bool, gain: tuple[float, float, float], tuned: Figures, in_use: Figures, dates: int) -> Verdict:
    """Say what tuning gained in log-loss at the test dates: the gain and the bounds of its 95 % interval."""
    value, low, high = (f"{figure:+.4f}" for figure in gain)
    own, other, plural = tuned.told(), in_use.told(), "s" if dates > 1 else ""
    if worth:
        en, fr = "tuning gained", "le réglage a apporté un gain"
        en_end, fr_end = "worth writing into the config", "ces paramètres méritent d’être inscrits dans le fichier"
    else:
        en, fr = "tuning gained nothing that is certain", "le réglage n’a apporté aucun gain certain"
        en_end, fr_end = "keep the parameters in use", "conservez les paramètres en vigueur"
    return Verdict(
        f"{en} out of time: gain in log-loss {value} (95 % interval {low} to {high}); AUC and log-loss {own.en} with "
        f"the tuned parameters, {other.en} with those in use; {dates} test date{plural}; {en_end}",
        f"{fr} hors de sa période : gain de perte logarithmique {french(value)} (intervalle à 95 % : {french(low)} à "
        f"{french(high)}) ; AUC et perte logarithmique {own.fr} avec les paramètres réglés, {other.fr} avec ceux en "
        f"vigueur ; {dates} date{plural} de test ; {fr_end}",
    )


def nothing_better(trials: int, in_use: Figures, dates: int) -> Verdict:
    """Say that the search ended where it began."""
    own, plural = in_use.told(), "s" if dates > 1 else ""
    return Verdict(
        f"tuning gained nothing: of {trials} trials none did better inside the training period than the parameters in "
        f"use, whose AUC and log-loss are {own.en}; {dates} test date{plural}; keep them",
        f"le réglage n’a rien apporté : sur {trials} essais, aucun n’a fait mieux pendant la période d’apprentissage "
        f"que les paramètres en vigueur (AUC et perte logarithmique {own.fr}, {dates} date{plural} de test) ; "
        "conservez-les",
    )


def no_time_to_tune(minutes: float, finished: int) -> Verdict:
    """Say that the time was over before anything could be compared."""
    return Verdict(
        f"the time budget of {minutes:g} minutes was over with {finished} trials finished, too few to compare: run the "
        "same command again to go on, with more time",
        f"le temps imparti, {french(f'{minutes:g}')} minutes, s’est écoulé avec {finished} essais terminés, trop peu "
        "pour comparer : relancez la même commande pour continuer, avec plus de temps",
    )


def too_short_to_tune(needed: int, months: int, horizon: int) -> Verdict:
    """Say that the book shows too few months to tune inside the training period."""
    return Verdict(
        f"Tuning inside the training period and testing after it needs {needed} months of book for a horizon of "
        f"{horizon} months, and there are {months}",
        f"Régler pendant la période d’apprentissage et tester après elle demande {needed} mois d’historique pour un "
        f"horizon de {horizon} mois ; il y en a {months}",
    )


EVENTS: Mapping[Kind, tuple[str, str]] = {
    "attrition": ("leavers", "départs"),
    "erosion": ("clients whose money left", "clients en érosion"),
    "buy": ("buyers", "acheteurs"),
    "rebuy": ("buyers", "acheteurs"),
    "own": ("events", "événements"),
}
"""What is counted of each kind of question, in English and in French."""


def too_few_to_tune(kind: Kind) -> Verdict:
    """Say that no date inside the training period has enough before it."""
    en, fr = EVENTS[kind]
    return Verdict(
        f"not tuned: too few {en} before every date inside the training period",
        f"non réglé : trop peu de {fr} avant chaque date de la période d’apprentissage",
    )


def nobody_leaves() -> Verdict:
    """Say that leaving cannot be learnt from a book in which it never happens."""
    return Verdict(
        "Nobody leaves in this book: over all training dates no client closed the last contract by choice, so that "
        "nothing can be learnt about leaving",
        "Personne ne quitte ce portefeuille : à aucune date d’apprentissage un client n’a clôturé son dernier contrat "
        "de son propre choix ; on ne peut donc rien apprendre de l’attrition",
    )


def no_flows() -> Verdict:
    """Say that erosion cannot be told from a fall of the market."""
    return Verdict(
        "This book records no net flows (balances.net_flow): money that clients take out cannot be told from market "
        "moves, so that silent erosion cannot be asked. Map the column to have it",
        "Ce portefeuille n’enregistre aucun flux net (balances.net_flow) : on ne peut distinguer ce que les clients "
        "retirent de l’effet des marchés, ni donc modéliser l’érosion silencieuse. Renseignez cette colonne pour "
        "l’obtenir",
    )


def nothing_to_erode() -> Verdict:
    """Say that nobody has enough money with the firm."""
    return Verdict(
        "No client holds enough money here to speak of erosion: over all training dates nobody had the minimum balance",
        "Aucun client ne détient ici assez d’encours pour parler d’érosion : à aucune date d’apprentissage quiconque "
        "n’atteignait l’encours minimal",
    )


def nobody_may_buy(product_id: str) -> Verdict:
    """Say that a product has no one to be sold to."""
    return Verdict(
        f"Nobody may buy {product_id} for the first time: all hold it, or it was not on sale",
        f"Personne ne peut acheter {product_id} pour la première fois : tous l’ont déjà détenu, ou il n’était pas en "
        "vente",
    )


def nobody_may_buy_again(product_id: str) -> Verdict:
    """Say that a product has no one to be sold to once more."""
    return Verdict(
        f"Nobody may buy {product_id} again: nobody has had it, it was not on sale, or clients hold one each",
        f"Personne ne peut prendre un autre contrat {product_id} : personne n’en a eu, il n’était pas en vente, ou "
        "chacun n’en détient qu’un",
    )


def too_few_again(clients: Mapping[str, int], needed: int) -> Verdict:
    """Say of products at once that they are not asked about a second time; in French, « rachat » is a surrender."""
    most_first = sorted(clients.items(), key=lambda one: (-one[1], one[0]))
    told = ", ".join(f"{product} ({n})" for product, n in most_first if n)
    if not told:
        return Verdict(
            "No client bought another contract of a product, so that it is not asked who will",
            "Aucun client n’a pris un autre contrat d’un même produit ; la question n’est donc pas posée",
        )
    return Verdict(
        f"Too few clients bought these products again for it to be asked who will ({needed} needed): {told}",
        f"Trop peu de clients ont pris un autre contrat de ces produits pour que la question soit posée (il en faut "
        f"{needed}) : {told}",
    )


def nobody_asked() -> Verdict:
    """Say that the population of a firm's own question is empty."""
    return Verdict(
        "Nobody is asked about: at no training date did a client with a contract belong to the question's population",
        "Personne n’est concerné : à aucune date d’apprentissage un client détenant un contrat n’appartenait à la "
        "population de la question",
    )


def it_never_happened() -> Verdict:
    """Say that nothing can be learnt of a firm's own question, because there is no event."""
    return Verdict(
        "It never happened in this book: over all training dates the question's target gives no event in any window, "
        "so that nothing can be learnt",
        "Cela ne s’est jamais produit dans ce portefeuille : à aucune date d’apprentissage la cible de la question ne "
        "donne d’événement dans la fenêtre ; on ne peut donc rien en apprendre",
    )


def one_product() -> Verdict:
    """Say that there is nothing to sell beside the one product."""
    return Verdict(
        "This book has one product and nothing to sell beside it",
        "Ce portefeuille ne compte qu’un seul produit : il n’y a rien d’autre à proposer",
    )


def too_few(events: int, needed: int, kind: Kind) -> Verdict:
    """Say that it happened to too few clients to make a model."""
    en, fr = EVENTS[kind]
    return Verdict(
        f"not modelled: {events} {en}, {needed} needed",
        f"non modélisé : {events} {fr}, il en faut {needed}",
    )


def too_few_before_tests(kind: Kind) -> Verdict:
    """Say that a model could not have been tested."""
    en, fr = EVENTS[kind]
    return Verdict(
        f"not modelled: too few {en} before every test date",
        f"non modélisé : trop peu de {fr} avant chaque date de test",
    )


def book_too_short(needed: int, months: int, horizon: int) -> Verdict:
    """Say that the book shows too few months for a test out of time."""
    return Verdict(
        f"A model that can be tested out of time needs {needed} months of book for a horizon of {horizon} months, and "
        f"there are {months}. Load older months, or set a shorter horizon, gap or history",
        f"Un modèle qui puisse être testé hors de sa période demande {needed} mois d’historique pour un horizon de "
        f"{horizon} mois ; il y en a {months}. Chargez des mois plus anciens, ou réduisez l’horizon",
    )


def untrained_yet() -> Verdict:
    """Say that nobody has trained the question yet."""
    return Verdict("no model yet; train it with appetence train", "pas encore de modèle : appetence train")
