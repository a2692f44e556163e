"""Heads, one per file: what a network predicts."""

from seqapp.heads.category import Category, CategoryRecord
from seqapp.heads.quantiles import QuantileRecord, Quantiles

__all__ = ["Category", "CategoryRecord", "QuantileRecord", "Quantiles"]
