"""Learn, validate, calibrate: the estimator and what is built on it."""

from appetence.models.classifier import PropensityClassifier

__all__ = ["PropensityClassifier"]
