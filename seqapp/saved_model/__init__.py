"""SavedModels: signatures, input checks in the graph, warm-up requests."""
