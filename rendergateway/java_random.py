"""The random numbers of ``java.util.Random``, where results have to equal those of the service or its clients."""

from __future__ import annotations

__all__ = ["JavaRandom"]

_MASK = 2**48 - 1


class JavaRandom:
    """
    A generator that yields the same numbers as ``java.util.Random`` with the same seed.

    Examples
    --------
    >>> random = JavaRandom(42)
    >>> random.below(10), round(random.double(), 6)
    (0, 0.054665)

    References
    ----------
    .. [1] Java Platform API, ``java.util.Random``: the linear congruential generator and the methods.
    """

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ 0x5DEECE66D) & _MASK

    def bits(self, count: int) -> int:
        """Return the next number of *count* bits, 1 … 32, unsigned."""
        self._state = (self._state * 0x5DEECE66D + 0xB) & _MASK
        return self._state >> (48 - count)

    def below(self, bound: int) -> int:
        """Return the next integer from 0 to *bound* − 1."""
        if bound & (bound - 1) == 0:
            return (bound * self.bits(31)) >> 31
        while True:
            bits = self.bits(31)
            value = bits % bound
            if bits - value + bound - 1 < 2**31:
                return value

    def double(self) -> float:
        """Return the next double, 0 <= value < 1."""
        return ((self.bits(26) << 27) + self.bits(27)) * 2.0**-53
