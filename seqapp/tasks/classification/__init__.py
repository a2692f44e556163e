"""Tasks that answer with a category: daily logs, events among noise."""
