from __future__ import annotations

import numpy as np

from appetence.models.leaks.permuted_target import MOST_LEARNT, detect, permuted, thinned


def _signal(y, rng):
    return y + rng.normal(0, 1, len(y))


def test_the_real_procedure_has_nothing_to_say(made):
    found = detect(made({"signal": _signal, "noise": lambda y, rng: rng.random(len(y))}, rate=0.1))
    assert found.state == "clear"


def _peeks(labelled, origin, training):
    """Code each client by the mean of all its labels, those of the test among them."""
    mean = np.bincount(labelled.client, labelled.y) / np.bincount(labelled.client)
    return mean[labelled.block([origin.test]).client]


def test_a_procedure_that_has_seen_the_test_is_found(made):
    found = detect(made(rate=0.1), procedure=_peeks)
    assert found.state == "finding"
    assert found.names[0].startswith("attrition")


def test_false_alarms_are_rare_and_the_limit_is_three_errors(made):
    def blind(labelled, origin, training):
        test = labelled.block([origin.test])
        return np.random.default_rng(test.y.sum()).random(len(test))

    found = [detect(made(n=1_500, seed=seed, rate=0.15), procedure=blind) for seed in range(150)]
    assert sum(one.state == "finding" for one in found) <= 2
    errors = [one.figure / one.limit for one in found]
    assert 0.2 < np.sqrt(np.mean(np.square(errors))) < 0.45  # one error is a third of the limit (3.1 errors)


def test_dealing_keeps_the_number_of_events_at_each_cut(made):
    material = made(rate=0.1)
    (labelled,) = material.labelled.values()
    dealt = permuted(labelled, 3)
    for cut in np.unique(labelled.cut):
        assert dealt.y[labelled.cut == cut].sum() == labelled.y[labelled.cut == cut].sum()
    assert (dealt.y != labelled.y).any()


def test_fewer_cuts_are_learnt_from_where_there_are_many_rows(made):
    material = made(n=40_000)
    (question,) = material.planned
    origin = material.planned[question].tests[0]
    less = thinned(material.labelled[question], origin)
    rows = len(material.labelled[question].block((*less.fit, *less.calibrate)))
    assert rows <= 2 * MOST_LEARNT
    assert max(less.fit) < min(less.calibrate) < less.test


def test_few_events_are_told(made):
    assert "too few events" in detect(made(n=500, rate=0.02)).checked
