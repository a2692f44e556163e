"""Heads, one per file: what a network predicts."""

from seqapp.heads.category import Category, Classified
from seqapp.heads.quantiles import Estimated, Quantiles

__all__ = ["Category", "Classified", "Estimated", "Quantiles"]
