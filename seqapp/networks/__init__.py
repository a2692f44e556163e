"""Layers wired into a network."""
