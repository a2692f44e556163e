"""Serving: SavedModels behind TF Serving's REST interface, ours or not, driven by their SignatureDefs alone."""
