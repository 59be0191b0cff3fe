"""Uplift: whom an offer changes, not who would buy anyway; only where offers carry a random control group."""

from appetence.models.uplifts.analysis import UpliftResult, measure_uplift

__all__ = ["UpliftResult", "measure_uplift"]
