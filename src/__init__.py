"""Attrition and propensity modelling for a book of financial clients."""

__version__ = "0.1.0"
