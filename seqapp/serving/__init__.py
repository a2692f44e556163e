"""Serve SavedModels, seqapp's or others, over TF Serving's REST interface, by their SignatureDefs alone."""
