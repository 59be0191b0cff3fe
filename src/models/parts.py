"""The fitted estimator as two plain parts: LightGBM's model text and a JSON contract for all the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import sklearn

import appetence
from appetence.errors import ArtefactError
from appetence.models.calibration import Calibration
from appetence.models.encoding import Encoder
from appetence.models.linear import LinearPart

FORMAT = 1
MODEL_FILE = "model.txt"
CONTRACT_FILE = "contract.json"


@dataclass(frozen=True)
class Parts:
    """What a contract holds, read."""

    classes: np.ndarray
    encoder: Encoder
    linear: LinearPart
    calibration: Calibration
    choice: dict[str, Any]
    params: dict[str, Any]


def to_contract(
    classes: np.ndarray,
    encoder: Encoder,
    linear: LinearPart,
    calibration: Calibration,
    choice: Mapping[str, Any],
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe everything but the trees in plain JSON values.

    Raises
    ------
    ArtefactError
        Class labels that are neither strings, numbers nor booleans.
    """
    labels = [label.item() if isinstance(label, np.generic) else label for label in classes]
    if not all(isinstance(label, str | int | float | bool) for label in labels):
        raise ArtefactError("class labels must be strings, numbers or booleans to be saved", type(labels[0]).__name__)
    return {
        "format": FORMAT,
        "classes": labels,
        "features": encoder.to_contract(),
        "linear": linear.to_contract(),
        "calibration": asdict(calibration),
        "choice": dict(choice),
        "params": _plain(params),
        "versions": {
            "appetence": appetence.__version__,
            "lightgbm": lgb.__version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
        },
    }


def from_contract(contract: Mapping[str, Any]) -> Parts:
    """Read a contract.

    Raises
    ------
    ArtefactError
        Another format, or entries that are missing.
    """
    if contract.get("format") != FORMAT:
        raise ArtefactError(
            f"a model contract must have format {FORMAT}", contract.get("format"), "Train the model again"
        )
    try:
        params = dict(contract["params"])
        constraints = params["monotone_constraints"]
        params["monotone_constraints"] = None if constraints is None else dict(constraints)
        return Parts(
            np.array(contract["classes"]),
            Encoder.from_contract(contract["features"]),
            LinearPart.from_contract(contract["linear"]),
            Calibration(**contract["calibration"]),
            dict(contract["choice"]),
            params,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError("a model contract must be complete", repr(error), "Train the model again") from error


def write_parts(directory: Path, model_text: str, contract: Mapping[str, Any]) -> None:
    """Write the two files."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MODEL_FILE).write_text(model_text, encoding="utf-8", newline="\n")
    text = json.dumps(contract, indent=1, ensure_ascii=False, allow_nan=False)
    (directory / CONTRACT_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")


def read_parts(directory: Path) -> tuple[str, dict[str, Any]]:
    """Read the two files."""
    try:
        model_text = (directory / MODEL_FILE).read_text(encoding="utf-8")
        contract = json.loads((directory / CONTRACT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtefactError(f"a model's directory must hold {MODEL_FILE} and {CONTRACT_FILE}", str(error)) from error
    return model_text, contract


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return constructor parameters as JSON values; a generator passed as random_state has none and becomes None."""
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in params.items()}
    plain["random_state"] = plain["random_state"] if isinstance(plain["random_state"], int) else None
    constraints = plain["monotone_constraints"]
    # Pairs, because JSON's keys are strings and a feature without a name is known by its position.
    plain["monotone_constraints"] = None if constraints is None else [[k, int(v)] for k, v in constraints.items()]
    return plain
