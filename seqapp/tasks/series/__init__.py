"""Forecasts of numeric series, with intervals."""
