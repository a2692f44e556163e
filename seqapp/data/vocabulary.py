"""A vocabulary in TensorFlow ops without lookup tables: nothing to initialise, nothing to track, runs anywhere.

A token is found by its 62-bit fingerprint in a sorted constant and then compared in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seqapp.contract.head import Tensor
from seqapp.system.text import to_bytes

UNKNOWN, START = "<unk>", "<start>"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id: id 0 is `<unk>` (also all that was never seen), id 1 is `<start>` (nothing came before)."""

    tokens: tuple[str, ...]

    @classmethod
    def fit(cls, tokens: Iterable[str], size: int | None = None) -> Vocabulary:
        """From the training split's tokens, most frequent first (ties by name), at most `size` with the two above."""
        return cls.counted(Counter(tokens), size)

    @classmethod
    def counted(cls, counted: Mapping[str, int], size: int | None = None) -> Vocabulary:
        """As `fit`, from counts above 0."""
        counted = {token: count for token, count in counted.items() if token not in (UNKNOWN, START)}
        ordered = sorted(counted, key=lambda token: (-counted[token], token))
        return cls((UNKNOWN, START, *ordered[: None if size is None else max(size - 2, 0)]))

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.tokens)

    @property
    def encoded(self) -> list[bytes]:
        """The tokens in UTF-8; a surrogate is the byte that it stands for."""
        return [to_bytes(token) for token in self.tokens]

    @property
    def names(self) -> tuple[str, ...]:
        """The tokens that stand for something, ids 2 and up: without `<unk>` and `<start>`."""
        return self.tokens[2:]

    def ids(self, tokens: Tensor) -> Tensor:
        """Strings of any shape as int32 ids of the same shape."""
        import tensorflow as tf

        with tf.init_scope():  # computed once, held as constants
            fingerprints = _fingerprint(tf.constant(self.encoded))
            order = tf.argsort(fingerprints)
            sorted_fingerprints, sorted_tokens = (
                tf.gather(held, order).numpy() for held in (fingerprints, tf.constant(self.encoded))
            )
            order = order.numpy()
        flat = tf.reshape(tokens, [-1])
        place = tf.minimum(tf.searchsorted(sorted_fingerprints, _fingerprint(flat)), self.size - 1)
        found = tf.equal(tf.gather(tf.constant(sorted_tokens), place), flat)
        return tf.reshape(tf.where(found, tf.gather(tf.constant(order), place), 0), tf.shape(tokens))

    def strings(self, ids: Tensor) -> Tensor:
        """Ids of any shape as strings of the same shape."""
        import tensorflow as tf

        return tf.gather(tf.constant(self.encoded), ids)


def _fingerprint(strings: Tensor) -> Tensor:
    import tensorflow as tf

    return tf.strings.to_hash_bucket_fast(strings, 2**62)
