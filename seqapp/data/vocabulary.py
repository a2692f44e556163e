"""A vocabulary in TensorFlow ops without lookup tables: nothing to initialise, nothing to track, runs anywhere.

A token is looked up by its 62-bit fingerprint in a sorted constant and then compared in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seqapp.contract import Tensor
from seqapp.system.text import to_bytes

UNKNOWN, START = "<unk>", "<start>"
UNKNOWN_ID, START_ID = 0, 1


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id: id 0 is `<unk>`, for every token without an id; id 1 is `<start>`, before the first token."""

    tokens: tuple[str, ...]

    @classmethod
    def fit(cls, tokens: Iterable[str], size: int | None = None) -> Vocabulary:
        """Number the training split's tokens, most frequent first (ties by name).

        Args:
            tokens: every occurrence.
            size: maximum number of ids, `<unk>` and `<start>` included; None for no limit.
        """
        return cls.from_counts(Counter(tokens), size)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], size: int | None = None) -> Vocabulary:
        """Do as `fit`, from how often each token occurs (above 0)."""
        counts = {token: count for token, count in counts.items() if token not in (UNKNOWN, START)}
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        return cls((UNKNOWN, START, *ordered[: None if size is None else max(size - 2, 0)]))

    @property
    def size(self) -> int:
        """The number of ids."""
        return len(self.tokens)

    @property
    def encoded(self) -> list[bytes]:
        """The tokens in UTF-8; a surrogate is the byte that it stands for."""
        return [to_bytes(token) for token in self.tokens]

    @property
    def names(self) -> tuple[str, ...]:
        """The tokens from id 2 up, without `<unk>` and `<start>`."""
        return self.tokens[2:]

    def ids(self, tokens: Tensor) -> Tensor:
        """Look up strings of any shape; int32 ids of the same shape."""
        import tensorflow as tf

        with tf.init_scope():  # once, as constants of the graph
            tokens_by_id = tf.constant(self.encoded)
            fingerprints = _fingerprint(tokens_by_id)
            order = tf.argsort(fingerprints)
            sorted_fingerprints = tf.gather(fingerprints, order).numpy()
            sorted_tokens = tf.gather(tokens_by_id, order).numpy()
            order = order.numpy()
        flat = tf.reshape(tokens, [-1])
        index = tf.minimum(tf.searchsorted(sorted_fingerprints, _fingerprint(flat)), self.size - 1)
        known = tf.equal(tf.gather(tf.constant(sorted_tokens), index), flat)
        return tf.reshape(tf.where(known, tf.gather(tf.constant(order), index), UNKNOWN_ID), tf.shape(tokens))

    def sequences(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Turn token strings into sequences that a network reads.

        Args:
            tokens: ragged strings `(batch, tokens)`.

        Returns:
            int32 ids `(batch, tokens + 1)`, `<start>` first, padded on the right; and the lengths int32 `(batch,)`,
            `<start>` included.
        """
        import tensorflow as tf

        ids = tf.pad(self.ids(tokens.to_tensor("")), [[0, 0], [1, 0]], constant_values=START_ID)
        return ids, tf.cast(tokens.row_lengths(), tf.int32) + 1

    def strings(self, ids: Tensor) -> Tensor:
        """Return the tokens of ids of any shape, as strings of the same shape."""
        import tensorflow as tf

        return tf.gather(tf.constant(self.encoded), ids)


def _fingerprint(strings: Tensor) -> Tensor:
    import tensorflow as tf

    return tf.strings.to_hash_bucket_fast(strings, 2**62)
