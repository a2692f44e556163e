"""Which SavedModels and versions are loaded, and how their requests are batched."""
