"""What is said of uplift: every sentence in both languages, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from appetence.models.metrics import Interval
from appetence.models.verdicts import Verdict

SHOWN = 3
"""Features named where the two sides differ."""


def no_offers(product: str | None) -> Verdict:
    """Say that the book holds no offers with a control group."""
    of, fr = ("", "") if product is None else (f" of {product}", f" de {product}")
    return Verdict(
        f"refused: no offer{of} was held out at random, so that what offers change cannot be told from what would have "
        "happened anyway. Keep a part of each campaign's clients out, drawn at random, and fill in held_out",
        f"refusé : aucune proposition{fr} n’a été retenue par tirage au sort ; on ne peut donc pas distinguer l’effet "
        "des propositions de ce qui serait arrivé de toute façon. Retirez de chaque campagne une part des clients "
        "tirée au sort, et renseignez held_out",
    )


def not_known_yet(offers: int, horizon: int) -> Verdict:
    """Say that no draw has run its course."""
    return Verdict(
        f"refused: of {_en(offers)} offers drawn, none has both an offered and a held-out side whose {horizon} months "
        "are over",
        f"refusé : sur {_fr(offers)} propositions soumises au tirage, aucune n’a à la fois des clients sollicités et "
        f"des clients témoins dont les {horizon} mois soient écoulés",
    )


def not_random(features: Sequence[str], p: float, control: tuple[float, float]) -> Verdict:
    """Say that the two sides differed before the offer."""
    more = len(features) - SHOWN
    named = ", ".join(features[:SHOWN])
    chance = "0.001" if p <= 0.001 else f"{p:.3f}"
    en = f" and {more} more" if more > 0 else ""
    fr = f" et {more} autres" if more > 1 else " et une autre" if more == 1 else ""
    low, high = (f"{100 * share:.0f}" for share in control)
    return Verdict(
        f"refused: the control group was not drawn at random. Before the offer, the held out ({low} to {high} % of a "
        f"campaign) already differed from the others in {named}{en} (chance of such a difference: at most {chance})",
        f"refusé : le groupe témoin n’a pas été tiré au sort. Avant la proposition, les clients témoins ({low} à "
        f"{high} % d’une campagne) différaient déjà des autres par {named}{fr} (probabilité d’un tel écart : au plus "
        f"{_comma(chance)})",
    )


def too_short() -> Verdict:
    """Say that nothing older is known by the time of the newest campaigns."""
    return Verdict(
        "refused: the campaigns are too close together for a test out of time: when the newest of them began, the "
        "outcome of no older one was known",
        "refusé : les campagnes sont trop rapprochées pour un test hors de leur période : au lancement des plus "
        "récentes, le résultat d’aucune plus ancienne n’était connu",
    )


def too_few_buyers(offered: int, held_out: int, needed: int, test: bool) -> Verdict:
    """Say that too few clients bought on one side."""
    where, fr = ("newest", "les plus récentes") if test else ("older", "plus anciennes")
    return Verdict(
        f"refused: in the {where} campaigns {_en(offered)} of those offered and {_en(held_out)} of those held out "
        f"bought, {needed} of each are needed. Hold out more, or wait",
        f"refusé : dans les campagnes {fr}, {_fr(offered)} clients sollicités et {_fr(held_out)} clients témoins ont "
        f"acheté ; il en faut {needed} de chaque côté. Élargissez le groupe témoin, ou attendez",
    )


def cannot_tell(over_random: Interval, average: Interval, campaigns: int) -> Verdict:
    """Say that the order found is no better than a random one; see `targets_by_lift`."""
    en_all, fr_all = _of_all(average)
    en_tests, fr_tests = _campaigns(campaigns)
    return Verdict(
        "whom offers change cannot be told from chance: over all depths, targeting by lift is worth "
        f"{_en_signed(over_random)} purchases per 1,000 offers beside random targeting; {en_all}; {en_tests}",
        "on ne peut pas distinguer du hasard les clients que les propositions font changer d’avis : toutes profondeurs "
        f"confondues, cibler par l’effet vaut {_fr_signed(over_random)} achat pour 1 000 propositions par rapport au "
        f"tirage au sort ; {fr_all} ; {fr_tests}",
    )


def targets_by_lift(
    better: bool, over_score: Interval, over_random: Interval, average: Interval, campaigns: int
) -> Verdict:
    """Say what targeting by lift brings beside targeting by score and at random.

    Parameters
    ----------
    better
        Whether it is better than targeting by score beyond chance.
    over_score, over_random
        Purchases per offer, over all depths, beyond targeting by score and at random.
    average
        Purchases that an offer to anyone adds.
    campaigns
        Draws tested on.
    """
    en_all, fr_all = _of_all(average)
    en_tests, fr_tests = _campaigns(campaigns)
    if better:
        en = (
            f"{_en_signed(over_score)} more purchases per 1,000 offers than targeting by score, and "
            f"{_en_signed(over_random)} more than at random"
        )
        fr = (
            f"{_fr_signed(over_score)} achats pour 1 000 propositions de plus qu’en ciblant par le score, et "
            f"{_fr_signed(over_random)} de plus qu’au hasard"
        )
    else:
        en = (
            f"{_en_signed(over_random)} more purchases per 1,000 offers than at random, but not beyond chance more "
            f"than targeting by score: {_en_signed(over_score)}"
        )
        fr = (
            f"{_fr_signed(over_random)} achats pour 1 000 propositions de plus qu’au hasard, mais pas plus, au hasard "
            f"près, qu’en ciblant par le score : {_fr_signed(over_score)}"
        )
    return Verdict(
        f"targets by lift: over all depths, {en}; {en_all}; {en_tests}",
        f"cible par l’effet : toutes profondeurs confondues, {fr} ; {fr_all} ; {fr_tests}",
    )


def _of_all(average: Interval) -> tuple[str, str]:
    return (
        f"1,000 offers to anyone add {_en_signed(average)}",
        f"1 000 propositions faites à tous en ajoutent {_fr_signed(average)}",
    )


def _campaigns(number: int) -> tuple[str, str]:
    plural = "s" if number > 1 else ""
    return f"{number} test campaign{plural}", f"{number} campagne{plural} de test"


def _en_signed(found: Interval) -> str:
    """Return purchases per 1,000 with the interval."""
    value, low, high = (f"{1000 * one:+.1f}" for one in (found.value, found.low, found.high))
    return f"{value} (95 % interval {low} to {high})"


def _fr_signed(found: Interval) -> str:
    value, low, high = (_comma(f"{1000 * one:+.1f}") for one in (found.value, found.low, found.high))
    return f"{value} (intervalle à 95 % : {low} à {high})"


def _comma(number: str) -> str:
    return number.replace(".", ",").replace("-", "\u2212")


def _en(number: int) -> str:
    return f"{number:,}"


def _fr(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")
