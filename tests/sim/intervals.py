"""Intervals of 95 %: of a share (Wilson 1927) and of a paired difference."""

from math import sqrt

Z95 = 1.959964


def wilson(hits, count, z=Z95):
    """(low, high) of the share that `hits` of `count` estimate."""
    if count == 0:
        return 0.0, 1.0
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(values, z=Z95):
    """(mean, low, high) of the mean of independent values, by the normal approximation."""
    count = len(values)
    mean = sum(values) / count
    variance = sum((value - mean) ** 2 for value in values) / max(1, count - 1)
    half = z * sqrt(variance / count)
    return mean, mean - half, mean + half


def quantile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
