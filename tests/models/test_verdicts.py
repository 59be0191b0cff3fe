import pytest

from appetence.models.verdicts import (
    Figures,
    Verdict,
    book_too_short,
    in_money,
    judged,
    no_flows,
    no_time_to_tune,
    nobody_leaves,
    nobody_may_buy,
    nothing_better,
    nothing_to_erode,
    one_product,
    too_few,
    too_few_before_tests,
    too_few_to_tune,
    too_short_to_tune,
    tuned,
    untrained_yet,
)

FIGURES = Figures(0.76, 0.1284)
BASELINES = {"life table": Figures(0.672, 0.136, (0.0049, 0.0099)), "logistic regression": Figures(0.7, 0.2, (-0.1, 0))}


def test_figures_are_told_with_each_languages_marks():
    verdict = judged(True, FIGURES, BASELINES, 2)
    assert verdict.en == (
        "beats its baselines: AUC and log-loss 0.760 and 0.1284, against life table 0.672 and 0.1360 (95 % interval of "
        "the gain +0.0049 to +0.0099); logistic regression 0.700 and 0.2000 (95 % interval of the gain -0.1000 to "
        "+0.0000); 2 test dates, intervals by household"
    )
    assert verdict.fr == (
        "fait mieux que ses références : AUC et perte logarithmique 0,760 et 0,1284, contre 0,672 et 0,1360 pour la "
        "table de survie (intervalle à 95 % du gain : +0,0049 à +0,0099) ; 0,700 et 0,2000 pour la régression "
        "logistique (intervalle à 95 % du gain : −0,1000 à +0,0000) ; 2 dates de test, intervalles par foyer"
    )


def test_a_model_that_does_not_is_said_not_to():
    verdict = judged(False, FIGURES, {"base rate": Figures(0.5, 0.2, (0.0, 0.1))}, 1)
    assert verdict.en.startswith("does not beat")
    assert verdict.fr.startswith("ne fait pas mieux")
    assert verdict.en.endswith("1 test date, intervals by household")
    assert verdict.fr.endswith("1 date de test, intervalles par foyer")


@pytest.mark.parametrize(
    "verdict",
    [
        nobody_leaves(),
        no_flows(),
        nothing_to_erode(),
        too_few(3, 50, "erosion"),
        nobody_may_buy("loan"),
        one_product(),
        too_few(3, 50, "buy"),
        too_few_before_tests("attrition"),
        book_too_short(21, 12, 6),
        untrained_yet(),
        no_time_to_tune(0.5, 1),
        nothing_better(40, FIGURES, 2),
        too_few_to_tune("buy"),
        too_short_to_tune(36, 30, 6),
    ],
)
def test_every_statement_is_made_in_both_languages(verdict):
    assert verdict.en
    assert verdict.fr
    assert verdict.en != verdict.fr
    assert str(verdict) == verdict.en
    assert verdict.as_dict("refused") == {"refused": verdict.en, "refused_fr": verdict.fr}


def test_leavers_and_buyers_are_told_apart():
    assert too_few(3, 50, "attrition") == Verdict(
        "not modelled: 3 leavers, 50 needed", "non modélisé : 3 départs, il en faut 50"
    )
    assert "acheteurs" in too_few(3, 50, "buy").fr


def test_a_gain_is_recommended_only_where_it_is_certain():
    worth = tuned(True, (0.0012, 0.0004, 0.002), FIGURES, Figures(0.75, 0.1296), 2)
    assert worth.en == (
        "tuning gained out of time: gain in log-loss +0.0012 (95 % interval +0.0004 to +0.0020); AUC and log-loss "
        "0.760 and 0.1284 with the tuned parameters, 0.750 and 0.1296 with those in use; 2 test dates; worth writing "
        "into the config"
    )
    assert "+0,0012 (intervalle à 95 % : +0,0004 à +0,0020)" in worth.fr
    lost = tuned(False, (-0.001, -0.002, 0.0001), FIGURES, FIGURES, 1)
    assert lost.en.startswith("tuning gained nothing that is certain out of time: gain in log-loss -0.0010")
    assert lost.en.endswith("keep the parameters in use")
    assert "−0,0010" in lost.fr
    assert lost.fr.endswith("conservez les paramètres en vigueur")


def test_money_is_told_with_each_languages_marks():
    others = {"mean outflow": 1310.4, "mean share of balances": 1250.0}
    told = in_money(1_234_000.0, 1_100_000.0, (0.7, 1.24), 987.6, others, (0.45, 0.38))
    assert told.en == (
        "in money 1,100,000 left where 1,234,000 was expected (ratio between 0.70 and 1.24); mean error per client "
        "988, against 1,310 by the mean outflow; 1,250 by the mean share of balances; the tenth of clients with most "
        "expected held 45 % of what left, by the mean share of balances 38 %"
    )
    assert told.fr.replace("\u202f", "_") == (
        "en montants, 1_100_000 sont sortis pour 1_234_000 attendus (rapport entre 0,70 et 1,24) ; erreur moyenne par "
        "client 988, contre 1_310 pour la sortie moyenne ; 1_250 pour la part moyenne des encours ; le dixième des "
        "clients où l’on attendait le plus portait 45 % des sorties, 38 % selon la part moyenne des encours"
    )
    both = too_few(3, 50, "attrition").and_then(told)
    assert both.fr.startswith("non modélisé : 3 départs, il en faut 50 ; en montants")
