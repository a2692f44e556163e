"""Kinds of questions that dataset files build on, one package each."""
