"""Why: exact Shapley values of tree models at batch speed, and what an estimator's score is made of."""

from appetence.explain.explanations import explanation
from appetence.explain.tables import TreeTables

__all__ = ["TreeTables", "explanation"]
