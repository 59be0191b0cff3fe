"""A search in MLflow: a run for the study, a nested one per trial, and the plots; once each, whatever was killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from appetence.models.search import Study, Trial
from appetence.models.tracking import BOOK, PARENT, Data, RunRecord, TrackingStore
from appetence.models.tuning_plots import study_files
from appetence.models.verdicts import Verdict

STUDY, TRIAL = "tuning.study", "tuning.trial"
"""Tags: the study's hash, on its run; a trial's number, on a nested one."""

_STATUS = {"complete": "FINISHED", "pruned": "FINISHED", "stopped": "KILLED"}


class StudyRecord:
    """The run of a study that is open."""

    def __init__(self, store: TrackingStore, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._kept = {tags[TRIAL] for tags in store.find({PARENT: run_id}).values() if TRIAL in tags}

    def keep_trials(self, study: Study) -> None:
        """Write the trials that are not there yet, those of an earlier process too."""
        for trial in study.trials:
            if str(trial.number) not in self._kept:
                self._store.keep(_trial_record(trial), self._run_id, trial.began, trial.ended, _STATUS[trial.state])
                self._kept.add(str(trial.number))

    def end(
        self, study: Study, verdict: Verdict, state: str, figures: Mapping[str, float], texts: Mapping[str, str]
    ) -> None:
        """Write what came of it: the verdict, its figures, the plots."""
        self._store.add(
            self._run_id,
            RunRecord(
                name="",
                metrics=figures,
                tags={"tuning.state": state, **verdict.as_dict("verdict")},
                texts={**study_files(study.finished, study.importances()), **texts},
            ),
        )


@contextmanager
def recorded(
    store: TrackingStore, study: Study, question: str, book_fingerprint: str, params: Mapping[str, object]
) -> Iterator[StudyRecord]:
    """Open the run of a study: a new one, or that of the process that began it."""
    digest = study.name.rsplit(" ", 1)[-1]
    found = list(store.find({STUDY: digest}))
    if found:
        store.forget_unfinished(found[0])
        opened = store.resumed(found[0])
    else:
        tags = {STUDY: digest, BOOK: book_fingerprint, "question": question}
        data = [Data("book", "training", book_fingerprint, book_fingerprint)]
        opened = store.run(RunRecord(f"tuning {question}", params=params, tags=tags, data=data))
    with opened as run_id:
        record = StudyRecord(store, run_id)
        record.keep_trials(study)
        yield record


def _trial_record(trial: Trial) -> RunRecord:
    return RunRecord(
        name=f"trial {trial.number}" + (" (parameters in use)" if trial.in_use else ""),
        params={name: "by rows" if value is None else value for name, value in trial.drawn.items()},
        metrics={"loss": trial.loss} if trial.losses else {},
        tags={TRIAL: str(trial.number), "tuning.state": trial.state},
        series={"fold_loss": dict(enumerate(trial.losses))},
    )
