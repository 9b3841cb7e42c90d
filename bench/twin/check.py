"""Prints the nanoseconds that the twin's check of one ordinary address takes."""
import timeit

import presignup

COUNT = 1000
print(min(timeit.repeat(lambda: presignup.check("ada.lovelace@example.org"), number=COUNT, repeat=3)) / COUNT * 1e9)
