from __future__ import annotations

from dataclasses import replace

from appetence.models.backtests.sheets import Sheet
from appetence.models.backtests.verdict import backtested
from appetence.models.metrics import Interval


def at(value: float, half: float = 0.0) -> Interval:
    return Interval(value, value - half, value + half)


def sheet(ratio: float, ahead: float, half: float = 0.02, loss: float = 0.25) -> Sheet:
    return Sheet(
        1_000,
        50,
        {"auc": at(0.7), "log_loss": at(loss), "observed_expected": at(ratio)},
        {name: {"auc": at(0.6), "log_loss": at(0.26)} for name in ("base rate", "life table")},
        {name: {"auc": at(ahead, half), "log_loss": at(0.0)} for name in ("base rate", "life table")},
    )


def test_a_model_that_is_ahead_but_was_too_low_at_a_date():
    dates = {"2005-01-01": sheet(1.1, 0.05), "2005-07-01": sheet(2.13, -0.01), "2006-01-01": sheet(0.6, 0.04)}
    found = backtested(sheet(1.2, 0.03), dates, "cohort")
    assert found.en == (
        "beats the life table by 0.030 ± 0.020 AUC, ahead at 2 of 3 dates; log-loss 0.2500, smaller than the 0.2600 of "
        "the life table; probabilities 2.1 × too low at 2005-07; 95 % intervals by month of joining"
    )
    assert found.fr == (
        "fait mieux que la table de survie de 0,030 ± 0,020 d’AUC, devant à 2 dates sur 3 ; perte logarithmique "
        "0,2500, inférieure aux 0,2600 pour la table de survie ; probabilités 2,1 fois trop basses en 2005-07 ; "
        "intervalles à 95 % par mois d’entrée"
    )


def test_a_model_that_is_behind_and_was_too_high():
    found = backtested(sheet(0.7, -0.1, loss=0.3), {"2005-07-01": sheet(0.5, -0.1)}, "household")
    assert found.en.startswith(
        "loses to the life table by 0.100 ± 0.020 AUC, ahead at 0 of 1 date; log-loss 0.3000, not"
    )
    assert "probabilities 2.0 × too high at 2005-07" in found.en
    assert found.fr.startswith("fait moins bien que la table de survie de 0,100 ± 0,020 d’AUC, devant à 0 date sur 1")
    assert "2,0 fois trop hautes" in found.fr


def test_what_is_not_clear_is_said_to_be_so_and_a_level_that_held_is_told():
    dates = {"2005-01-01": sheet(0.9, 0.01), "2005-07-01": sheet(1.2, 0.01)}
    found = backtested(sheet(1.0, 0.01), dates, "household")
    assert found.en.startswith("no clear difference to the life table in AUC (+0.010 ± 0.020), ahead at 2 of 2 dates")
    assert found.fr.startswith(
        "pas d’écart net avec la table de survie en AUC (+0,010 ± 0,020), devant à 2 dates sur 2"
    )
    assert "observed over expected events 0.90 to 1.20" in found.en
    assert "de 0,90 à 1,20" in found.fr


def test_a_base_rate_whose_loss_is_the_smallest_is_named():
    found = sheet(1.0, 0.05)
    found = replace(found, baselines={**found.baselines, "base rate": {"auc": at(0.5), "log_loss": at(0.24)}})
    said = backtested(found, {"2005-01-01": found}, "household")
    assert said.en.startswith("beats the life table by 0.050")
    assert "log-loss 0.2500, not smaller than the 0.2400 of the base rate" in said.en
    assert "perte logarithmique 0,2500, non inférieure aux 0,2400 pour le taux de base" in said.fr


def test_a_base_rate_is_compared_in_auc_only_where_it_is_alone():
    alone = Sheet(
        10,
        5,
        {"log_loss": at(0.2), "observed_expected": at(0.0)},
        {"base rate": {"log_loss": at(0.3)}},
        {"base rate": {"auc": at(0.1, 0.02)}},
    )
    found = backtested(alone, {"2005-01-01": alone}, "household")
    assert found.en.startswith("beats the base rate by 0.100")
    assert "nothing happened at 2005-01" in found.en
    assert "aucun événement en 2005-01" in found.fr
