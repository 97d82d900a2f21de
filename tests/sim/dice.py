"""Chance that depends on nothing but the seed and what is being decided."""

import hashlib
import struct
from statistics import NormalDist

_NORMAL = NormalDist()


def uniform(*parts):
    """A number in [0, 1), the same for the same parts, independent for others."""
    text = "\x1f".join(map(str, parts)).encode()
    return struct.unpack("<Q", hashlib.blake2b(text, digest_size=8).digest())[0] / 2**64


def pick(count, *parts):
    """An index below `count`."""
    return int(uniform(*parts) * count)


def normal(*parts):
    """A standard normal number."""
    return _NORMAL.inv_cdf(min(max(uniform(*parts), 1e-9), 1 - 1e-9))
