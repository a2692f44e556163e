"""The run folder: record, archives, life cycle."""
