"""Heads, one per file: what a network predicts at a step."""
