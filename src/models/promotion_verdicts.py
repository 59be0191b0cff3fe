"""What is said of a version beside the one in use, and of one in use beside its baseline, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appetence.models.metrics import Interval
from appetence.models.verdicts import BASELINES_FR, Verdict


@dataclass(frozen=True)
class Rivals:
    """The figures that a sentence about two models needs.

    Attributes
    ----------
    versions
        Of the challenger and of what it is compared with.
    log_loss, observed_expected, slope
        The same two figures of each.
    gain, better
        In log-loss, and the share of draws in which the challenger's is smaller.
    rows, events
        Of the comparison.
    cuts
        As days, ascending.
    """

    versions: tuple[int, int]
    log_loss: tuple[float, float]
    observed_expected: tuple[float, float]
    slope: tuple[float, float]
    gain: Interval
    better: float
    rows: int
    events: int
    cuts: tuple[str, ...]


def compared(wins: bool, rivals: Rivals, why_not: Sequence[Verdict], seen: Sequence[Verdict]) -> Verdict:
    """Say how a version did beside the one in use, why it does not win if so, and what must be known of the rows."""
    new, old = rivals.versions
    en = [f"version {new} {'wins' if wins else 'does not win'} over version {old}"]
    fr = [f"la version {new} {'l’emporte' if wins else 'ne l’emporte pas'} sur la version {old}"]
    if why_not:
        en.append("because " + " and ".join(str(reason) for reason in why_not))
        fr.append("parce que " + " et que ".join(reason.fr for reason in why_not))
    figures, low, high = _pair(rivals.log_loss, 4), *(f"{bound:+.4f}" for bound in (rivals.gain.low, rivals.gain.high))
    level, slope = _pair(rivals.observed_expected, 2), _pair(rivals.slope, 2)
    cuts, plural = ", ".join(rivals.cuts), "s" if len(rivals.cuts) > 1 else ""
    en.append(
        f"log-loss {figures.en} (95 % interval of the gain {low} to {high}, better in {rivals.better:.0%} of draws of "
        f"households), observed over expected {level.en}, calibration slope {slope.en}; {rivals.rows:,} rows and "
        f"{rivals.events:,} events at the cut{plural} {cuts}"
    )
    fr.append(
        f"perte logarithmique {figures.fr} (intervalle à 95 % du gain : {_fr(low)} à {_fr(high)}, meilleure dans "
        f"{rivals.better * 100:.0f} % des tirages de foyers), observé sur attendu {level.fr}, pente de calibration "
        f"{slope.fr} ; {_thousands(rivals.rows)} lignes et {_thousands(rivals.events)} événements "
        f"{'aux dates' if plural else 'à la date'} {cuts}"
    )
    return _joined(Verdict(": ".join(en), " : ".join(fr)), seen)


def learnt_from(versions: Sequence[int], new: int) -> Verdict:
    """Say which versions were fitted on events of the comparison: such figures flatter."""
    if not versions:
        return Verdict(
            "Neither version had learnt from these months", "Aucune des deux versions n’avait appris de ces mois"
        )
    if len(versions) > 1:
        return Verdict(
            "Both versions learnt from events of these months, so that this is no test on new months: figures of both "
            "are too good",
            "Les deux versions ont appris d’événements de ces mois : ce n’est pas un test sur des mois nouveaux, et "
            "les chiffres des deux sont trop bons",
        )
    (version,) = versions
    en, fr = ("it", "elle") if version == new else ("the version in use", "la version en service")
    return Verdict(
        f"Version {version} learnt from events of these months, which favours {en}: no month is over yet that neither "
        "has learnt from",
        f"La version {version} a appris d’événements de ces mois, ce qui avantage {fr} : aucun mois dont ni l’une ni "
        "l’autre n’a appris n’est encore achevé",
    )


def within_noise() -> Verdict:
    """Say that the gain may be chance."""
    return Verdict("the gain in log-loss is within noise", "le gain en perte logarithmique relève du bruit")


def no_gain() -> Verdict:
    """Say that there is none."""
    return Verdict("its log-loss is not smaller", "sa perte logarithmique n’est pas plus faible")


def level_is_worse() -> Verdict:
    """Say that the total expected is further from what was observed."""
    return Verdict(
        "its total expected is further from what was observed, beyond noise",
        "son total attendu est plus loin de l’observé, au-delà du bruit",
    )


def slope_is_worse() -> Verdict:
    """Say that the probabilities are further from calibrated."""
    return Verdict(
        "its calibration slope is further from 1, beyond noise",
        "sa pente de calibration est plus loin de 1, au-delà du bruit",
    )


def too_few_to_compare(events: int, needed: int) -> Verdict:
    """Say that what happened is too little to tell two models apart."""
    return Verdict(
        f"there are {events} events to compare on, and {needed} are needed",
        f"il y a {events} événements pour comparer, il en faut {needed}",
    )


def did_not_beat() -> Verdict:
    """Say that a version never beat its baselines on months that it had not seen."""
    return Verdict(
        "it did not beat its baselines on later months when it was trained",
        "elle n’a pas fait mieux que ses références sur des mois postérieurs lors de son apprentissage",
    )


def nothing_in_use(version: int, beats: bool) -> Verdict:
    """Say that there is nothing to compare with: the version's own test decides."""
    if beats:
        return Verdict(
            f"nothing scores this question yet, and version {version} beat its baselines when it was trained",
            "rien n’évalue encore cette question, et la version "
            f"{version} a fait mieux que ses références lors de son apprentissage",
        )
    return Verdict(
        f"nothing scores this question yet, but version {version} did not beat its baselines when it was trained",
        "rien n’évalue encore cette question, mais la version "
        f"{version} n’a pas fait mieux que ses références lors de son apprentissage",
    )


def cannot_score_any_more(missing: str, new: int, beats: bool) -> Verdict:
    """Say that the version in use is of no use any more, so that the other's own test decides."""
    en = "beat its baselines" if beats else "did not beat its baselines"
    fr = "a fait mieux que ses références" if beats else "n’a pas fait mieux que ses références"
    return Verdict(
        f"what is in use cannot score any more ({missing}), and version {new} {en} when it was trained",
        f"ce qui est en service ne peut plus évaluer ({missing}), et la version {new} {fr} lors de son apprentissage",
    )


def another_window(old: int, new: int) -> Verdict:
    """Say that two versions answer different questions."""
    return Verdict(
        f"versions {old} and {new} look ahead over different windows, so that their figures cannot be compared",
        f"les versions {old} et {new} portent sur des fenêtres différentes : leurs chiffres ne peuvent être comparés",
    )


def another_question(version: int) -> Verdict:
    """Say that a version of a firm's own question was made for another target or population."""
    return Verdict(
        f"version {version} was made for another target or population than the config asks for now, so that it cannot "
        "be compared",
        f"la version {version} a été faite pour une autre cible ou une autre population que celles du fichier de "
        "configuration : elle ne peut être comparée",
    )


def another_rule(old: int, new: int) -> Verdict:
    """Say that two versions of erosion call something else erosion."""
    return Verdict(
        f"versions {old} and {new} call another share of the balances erosion, or ask it of other balances, so that "
        "their figures cannot be compared",
        f"les versions {old} et {new} ne parlent pas d’érosion à partir de la même part des encours, ou des mêmes "
        "encours : leurs chiffres ne peuvent être comparés",
    )


def no_month_over() -> Verdict:
    """Say that no label window has closed."""
    return Verdict(
        "the book shows no month whose label window has closed, so that nothing can be compared",
        "le portefeuille ne montre aucun mois dont la fenêtre soit close : rien ne peut être comparé",
    )


def still(
    beats: bool, version: int, cut: str, own: float, gains: Mapping[str, Interval], losses: Mapping[str, float]
) -> Verdict:
    """Say how a version in use does beside its plain baselines on a month since it was trained."""
    en, fr = [], []
    for name, gain in gains.items():
        loss, low, high = f"{losses[name]:.4f}", f"{gain.low:+.4f}", f"{gain.high:+.4f}"
        en.append(f"{name} {loss} (95 % interval of the gain {low} to {high})")
        fr.append(f"{_fr(loss)} pour {BASELINES_FR[name]} (intervalle à 95 % du gain : {_fr(low)} à {_fr(high)})")
    figure = f"{own:.4f}"
    return Verdict(
        f"version {version} {'still beats' if beats else 'no longer beats'} its plain baselines: at the cut {cut}, "
        f"since it was trained, log-loss {figure} against {'; '.join(en)}",
        f"la version {version} {'fait toujours' if beats else 'ne fait plus'} mieux que ses références simples : à la "
        f"date {cut}, depuis son apprentissage, perte logarithmique {_fr(figure)} contre {' ; '.join(fr)}",
    )


def not_told_yet(version: int, month: str) -> Verdict:
    """Say from when on a version in use can be looked at."""
    return Verdict(
        f"version {version}: no month is over yet that it has not learnt from; the first will be at the end of {month}",
        f"version {version} : aucun mois dont elle n’a pas appris n’est encore achevé ; le premier le sera fin {month}",
    )


def too_short_a_past() -> Verdict:
    """Say that there is nothing to make a baseline of."""
    return Verdict(
        "the book shows too few months to make a baseline of",
        "le portefeuille montre trop peu de mois pour établir une référence",
    )


def _joined(first: Verdict, others: Sequence[Verdict]) -> Verdict:
    return Verdict(". ".join([first.en, *(o.en for o in others)]), ". ".join([first.fr, *(o.fr for o in others)]))


def _pair(figures: tuple[float, float], digits: int) -> Verdict:
    new, old = (f"{figure:.{digits}f}" if figure == figure else "–" for figure in figures)  # noqa: PLR0124 - NaN
    return Verdict(f"{new} against {old}", f"{_fr(new)} contre {_fr(old)}")


def _fr(number: str) -> str:
    return number.replace(".", ",").replace("-", "\N{MINUS SIGN}")


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
