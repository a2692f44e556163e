"""Arrays before a network sees them: tables, dates, splits, vocabularies, tokenizers, windows, streams."""
