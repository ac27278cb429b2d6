"""Types of numpy arrays, by what they hold."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Booleans", "Integers"]

Array = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]
