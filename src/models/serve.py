"""A stored model as MLflow sees it: models-from-code, so that `mlflow.pyfunc` can serve it with nothing pickled.

MLflow keeps a copy of this file beside each model and runs it when the model is loaded. The scoring job does not come
here: it verifies and loads the files itself (`appetence.models.registry`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from appetence.models.artefact import CONTRACT_FILE, Artefact


class PropensityModel(PythonModel):
    """Probabilities for rows of the feature table."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model's files, which MLflow has put into one directory."""
        self._artefact = Artefact.load(Path(context.artifacts[CONTRACT_FILE]).parent)

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> pd.Series:
        """Return one probability per row, under the name `probability`."""
        return pd.Series(self._artefact.predict(model_input), index=model_input.index, name="probability")


mlflow.models.set_model(PropensityModel())
