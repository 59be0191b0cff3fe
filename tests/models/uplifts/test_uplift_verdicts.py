import pytest

from appetence.models.metrics import Interval
from appetence.models.uplifts.verdicts import (
    cannot_tell,
    no_offers,
    not_known_yet,
    not_random,
    targets_by_lift,
    too_few_buyers,
    too_short,
)

SOME, MORE = Interval(0.0125, -0.001, 0.03), Interval(0.02, 0.01, 0.03)


@pytest.mark.parametrize(
    "verdict",
    [
        no_offers(None),
        no_offers("loan"),
        not_known_yet(1_234, 6),
        not_random(("income", "age"), 0.002, (0.1, 0.2)),
        not_random(tuple("abcde"), 0.0005, (0.1, 0.2)),
        too_short(),
        too_few_buyers(12, 3, 30, test=False),
        too_few_buyers(12, 3, 10, test=True),
        cannot_tell(SOME, MORE, 1),
        targets_by_lift(True, MORE, MORE, SOME, 3),
        targets_by_lift(False, SOME, MORE, SOME, 3),
    ],
)
def test_every_statement_is_made_in_both_languages(verdict):
    assert verdict.en
    assert verdict.fr
    assert verdict.en != verdict.fr
    assert "." not in verdict.fr.replace(". Retirez", "").replace(". Avant", "").replace(". Élargissez", "")


def test_figures_are_told_per_thousand_with_each_languages_marks():
    verdict = targets_by_lift(True, MORE, SOME, SOME, 2)
    assert verdict.en == (
        "targets by lift: over all depths, +20.0 (95 % interval +10.0 to +30.0) more purchases per 1,000 offers than "
        "targeting by score, and +12.5 (95 % interval -1.0 to +30.0) more than at random; 1,000 offers to anyone add "
        "+12.5 (95 % interval -1.0 to +30.0); 2 test campaigns"
    )
    assert "+12,5 (intervalle à 95 % : −1,0 à +30,0) de plus qu’au hasard" in verdict.fr
    assert verdict.fr.endswith("2 campagnes de test")


def test_only_the_clearest_differences_are_named():
    assert "differed from the others in a, b, c and 2 more (" in not_random(tuple("abcde"), 0.01, (0.1, 0.2)).en
    assert "par a, b, c et une autre (" in not_random(tuple("abcd"), 0.01, (0.1, 0.2)).fr
    assert "in a (chance of such a difference: at most 0.004)" in not_random(("a",), 0.004, (0.1, 0.2)).en
