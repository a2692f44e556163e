"""Language models: the next token of a text, by characters, bytes or words."""
