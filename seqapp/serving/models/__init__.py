"""The SavedModels that are served: their versions, and how requests to them are batched."""
