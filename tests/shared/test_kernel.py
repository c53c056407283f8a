"""What only a process of its own can show of itself; the rest is in `tests/supervisor/test_supervise.py`."""

import subprocess
import sys
from pathlib import Path

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


FILES = """
import ctypes, hashlib, mmap, ssl, sys
from pathlib import Path
from shared.kernel import file_pages, return_file_pages

PAGE = mmap.PAGESIZE

def mapped(writable):
    with open(sys.argv[1], "rb") as file:
        return mmap.mmap(file.fileno(), PAGE, mmap.MAP_PRIVATE, mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0))

def address(pages):
    return ctypes.addressof(ctypes.c_char.from_buffer(pages))

def resident():
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssFile:"))

changed, later = mapped(True), mapped(True)
changed[:3] = b"our"
protect = ctypes.CDLL(None).mprotect
protect.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
assert protect(address(changed), PAGE, mmap.PROT_READ) == 0
ranges, _ = file_pages()
covered = [start <= address(pages) < start + length for pages in (changed, later) for start, length in ranges]
later[:3] = b"our"
before = resident()
return_file_pages()
after = resident()
ssl.create_default_context()
print(any(covered), after < before / 2, changed[:3] == later[:3] == b"our", hashlib.sha256(b"").hexdigest()[:8])
"""


def test_pages_of_files_go_and_come_again_and_what_was_changed_stays(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"their" * 1000)
    done = subprocess.run([sys.executable, "-c", FILES, file], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "False True True e3b0c442\n", done.stderr


TITLE = """
import os
from pathlib import Path
from shared.kernel import set_title

def shown():
    return Path("/proc/self/cmdline").read_bytes().rstrip(b"\\0"), Path("/proc/self/comm").read_bytes().strip()

set_title("metergate: fork server")
if os.fork() == 0:
    set_title("metergate: " + "long " * 100)
    title, name = shown()
    print(title[:21].decode(), title.endswith(b"long"), name.decode(), flush=True)
    set_title("x")
    print(*(each.decode() for each in shown()), flush=True)
    os._exit(0)
os.wait()
print(shown()[0].decode())
"""


def test_each_process_has_a_title_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TITLE, "-" * 48], capture_output=True, text=True, timeout=60, check=False
    )
    long, short, parent = done.stdout.splitlines()
    assert long.startswith("metergate: long long "), done.stderr
    assert long.endswith("metergate: long")
    assert (short, parent) == ("x x", "metergate: fork server")


CLOSED = """
import ctypes, os
from pathlib import Path
from shared.kernel import set_title

if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
assert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0  # PR_SET_DUMPABLE: /proc/self is root's from here on
before = Path("/proc/self/comm").read_bytes()
set_title("metergate: x")
print(Path("/proc/self/comm").read_bytes() == before)
"""


def test_where_proc_is_closed_a_process_goes_without_a_title() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True\n", done.stderr
