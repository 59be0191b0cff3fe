"""A backtest in one sentence: ahead of whom, by how much, at how many dates, and when its level was wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from appetence.models.backtests.horizons import KAPLAN_MEIER, Horizons
from appetence.models.backtests.sheets import Sheet
from appetence.models.baselines import BASE_RATE
from appetence.models.dependence import UNIT_WORDS, Unit
from appetence.models.verdicts import BASELINES_FR, Verdict, french

LEVEL = (0.8, 1.25)
"""Observed over expected events at a date outside which its probabilities are called too high or too low."""


def backtested(pooled: Sheet, dates: Mapping[str, Sheet], unit: Unit, horizons: Horizons | None = None) -> Verdict:
    """Say how a model did beside each baseline that is no mere base rate, and at which date its level was worst."""
    names = [name for name in pooled.baselines if name != BASE_RATE or len(pooled.baselines) == 1]
    said = [_beside(name, pooled, dates) for name in names]
    said += [_losses(pooled), _level(dates)]
    if horizons is not None:
        said.append(_integrated(horizons))
    by_en, by_fr = UNIT_WORDS[unit]
    said.append(Verdict(f"95 % intervals by {by_en}", f"intervalles à 95 % par {by_fr}"))
    return Verdict("; ".join(one.en for one in said), " ; ".join(one.fr for one in said))


def _beside(name: str, pooled: Sheet, dates: Mapping[str, Sheet]) -> Verdict:
    found = pooled.ahead[name]["auc"]
    ahead = sum(sheet.ahead[name]["auc"].value > 0 for sheet in dates.values())
    size, margin = f"{abs(found.value):.3f}", f"{(found.high - found.low) / 2:.3f}"
    at_en = f"ahead at {ahead} of {len(dates)} date{'s' if len(dates) > 1 else ''}"
    at_fr = f"devant à {ahead} date{'s' if ahead > 1 else ''} sur {len(dates)}"
    fr, figure_fr = BASELINES_FR[name], f"{french(size)} ± {french(margin)}"
    if found.low > 0:
        return Verdict(
            f"beats the {name} by {size} ± {margin} AUC, {at_en}", f"fait mieux que {fr} de {figure_fr} d’AUC, {at_fr}"
        )
    if found.high < 0:
        return Verdict(
            f"loses to the {name} by {size} ± {margin} AUC, {at_en}",
            f"fait moins bien que {fr} de {figure_fr} d’AUC, {at_fr}",
        )
    sign = "+" if found.value >= 0 else "-"
    return Verdict(
        f"no clear difference to the {name} in AUC ({sign}{size} ± {margin}), {at_en}",
        f"pas d’écart net avec {fr} en AUC ({french(sign)}{figure_fr}), {at_fr}",
    )


def _integrated(found: Horizons) -> Verdict:
    """Say how the curves did over all months ahead, beside the one that needs no model."""
    own, other, gain = found.brier[""].value, found.brier[KAPLAN_MEIER].value, found.ahead[KAPLAN_MEIER]
    if gain.low > 0:
        en, fr = "smaller than", "inférieur à"
    elif gain.high < 0:
        en, fr = "larger than", "supérieur à"
    else:
        en, fr = "not clearly different from", "sans écart net avec"
    small = f"{own:.4f}", f"{other:.4f}"
    return Verdict(
        f"integrated Brier score over {found.months} months {small[0]}, {en} Kaplan-Meier's {small[1]}",
        f"score de Brier intégré sur {found.months} mois de {french(small[0])}, {fr} celui de Kaplan-Meier "
        f"({french(small[1])})",
    )


def _losses(pooled: Sheet) -> Verdict:
    """Say whose log-loss is the smallest, a base rate's among them: the probabilities, not the order."""
    own = pooled.model["log_loss"].value
    names = sorted(pooled.baselines, key=lambda name: name == BASE_RATE)  # of equal ones, not the base rate
    best = min(names, key=lambda name: pooled.baselines[name]["log_loss"].value)
    other = pooled.baselines[best]["log_loss"].value
    better = own < other
    en = f"log-loss {own:.4f}, {'smaller' if better else 'not smaller'} than the {other:.4f} of the {best}"
    than = "inférieure" if better else "non inférieure"
    fr = f"perte logarithmique {french(f'{own:.4f}')}, {than} aux {french(f'{other:.4f}')} pour {BASELINES_FR[best]}"
    return Verdict(en, fr)


def _level(dates: Mapping[str, Sheet]) -> Verdict:
    """Name the date with the worst level where one is out of bounds, else the range of all."""
    ratios = {date[:7]: sheet.model["observed_expected"].value for date, sheet in dates.items()}
    ratios = {date: ratio for date, ratio in ratios.items() if np.isfinite(ratio)}
    outside = {date: ratio for date, ratio in ratios.items() if not LEVEL[0] <= ratio <= LEVEL[1]}
    if not outside:
        low, high = f"{min(ratios.values()):.2f}", f"{max(ratios.values()):.2f}"
        return Verdict(
            f"observed over expected events {low} to {high}",
            f"événements observés sur attendus de {french(low)} à {french(high)}",
        )
    date = max(outside, key=lambda one: abs(np.log(max(outside[one], 1e-9))))
    ratio = outside[date]
    if ratio == 0:
        return Verdict(f"nothing happened at {date}", f"aucun événement en {date}")
    times = f"{max(ratio, 1 / ratio):.1f}"
    en, fr = ("low", "basses") if ratio > 1 else ("high", "hautes")
    return Verdict(
        f"probabilities {times} × too {en} at {date}", f"probabilités {french(times)} fois trop {fr} en {date}"
    )
