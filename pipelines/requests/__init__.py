"""Requests for a cohort: counted without telling of few, approved by another, accounted for."""
