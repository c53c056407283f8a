"""What only a process of its own can show of itself; the rest is in `tests/supervisor/test_supervise.py`."""

import subprocess
import sys

HOLES = """
import ctypes
from shared.kernel import fill_heap

malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
malloc.restype, malloc.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
SIZES = (40, 200, 1000, 3000, 20_000)

blocks = [malloc(size) for _ in range(200) for size in SIZES]
holes = set(blocks[::2])
for block in holes:
    free(block)
assert {malloc(size) for size in SIZES} & holes
fill_heap()
print(len({malloc(size) for _ in range(200) for size in SIZES} & holes))
"""


def test_no_hole_of_the_heap_is_left_after_it_was_filled() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "0\n", done.stderr
