"""Decoding over any network: sampling, and generation by repeated questions."""
