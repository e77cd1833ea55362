"""A study harmonised: plan from headers, fit over the cohort, apply from pixels; the front door."""

from __future__ import annotations

from harmonise.apply import apply_study, before_volume
from harmonise.fit import Measured, fit_key, fit_model, measure_study, needs_fit
from harmonise.model import Model, model_from_bytes
from harmonise.plan import check_recipe, plan_study
from harmonise.planned import Declined, PlannedVolume, StudyPlan
from harmonise.slides.fields import SlideFields, slide_fields
from harmonise.slides.make import SLIDE

__all__ = [
    "SLIDE",
    "Declined",
    "Measured",
    "Model",
    "PlannedVolume",
    "SlideFields",
    "StudyPlan",
    "apply_study",
    "before_volume",
    "check_recipe",
    "fit_key",
    "fit_model",
    "measure_study",
    "model_from_bytes",
    "needs_fit",
    "plan_study",
    "slide_fields",
]
