"""What a process asks of Linux for itself: prctl(2), mallopt(3), its title in `ps`, how many files it may open."""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE: Final = 1024 * 1024
_LARGEST_HOLE: Final = 1024
_MADV_DONTNEED: Final = 4
_ALIGNMENT: Final = 16
"""Of what malloc(3) gives."""


def become_subreaper() -> None:
    """Orphans among the descendants of this process become its children, not those of process 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent` ends, also while this process is stopped."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before
        os.kill(os.getpid(), signal.SIGKILL)


def hold_standard_descriptors() -> None:
    """Open those of the first three that are closed: the next file would get the number, and what is written there."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
            os.set_inheritable(number, True)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # lives as long as the process
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def raise_descriptor_limit() -> None:
    """Open as many files as the kernel allows at most."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptors_left() -> int:
    """How many more files this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft - len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # asked before each start of a process


def set_title(title: str) -> None:
    """Show `title` as command line of this process, cut to the room that the real one left, and as its short name.

    Nothing changes where /proc/self is closed, as to an interpreter whose file has capabilities: no role shall be
    missing for want of its title.
    """
    start, room = _place_of_title()
    with contextlib.suppress(OSError):
        _write("/proc/self/comm", title.encode()[:15])
        if start and room > 1:
            _write("/proc/self/mem", title.encode()[: room - 1].ljust(room, b"\0"), start)


@cache  # found by the fork server; its roles have it at the same place
def _place_of_title() -> tuple[int, int]:
    """Address and length of the command line: arg_start and arg_end, fields 48 and 49 of proc_pid_stat(5)."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[45]), int(fields[46]) - int(fields[45])


def _write(file: str, data: bytes, at: int = 0) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        if at:
            os.lseek(descriptor, at, os.SEEK_SET)
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def return_large_blocks() -> None:
    """Have glibc give large blocks back to the system when they are freed, and all threads share few arenas.

    By itself it learns from the first large block to keep the next ones: 16 MiB of a hash would stay for ever. Another
    C library is left as it is.
    """
    import ctypes  # noqa: PLC0415  # a supervisor of one role does without it, and without its memory

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, 2)


def fill_heap() -> None:
    """Take every free block between those in use, for good, so that what comes after a fork lies side by side.

    Importing leaves small holes all over the heap. Each forked process would fill them by itself, and have a page of
    its own for each: 0.8 MiB. Another C library than glibc is left as it is.
    """
    import ctypes  # noqa: PLC0415  # as above

    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        return
    libc.sbrk.restype = libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
    libc.malloc_trim(0)
    top = libc.sbrk(0) - 2 * resource.getpagesize()  # what lies beyond is no hole
    for size in range(_LARGEST_HOLE, 0, -_ALIGNMENT):
        while (block := libc.malloc(size) or top) < top:
            pass
        if block != top:
            libc.free(block)


def return_file_pages() -> None:
    """Let go of the pages of libraries and other files; who needs one again finds it in the system's cache.

    Most were read once, to load or to start: 10 MiB of all roles together.
    """
    ranges, madvise = file_pages()
    for start, length in ranges:
        madvise(start, length, _MADV_DONTNEED)


@cache  # found by the fork server; its roles have them at the same places
def file_pages() -> tuple[tuple[tuple[int, int], ...], Callable[[int, int, int], int]]:
    """Address and length of what is mapped from files, cannot be written, and was not changed by the loader either.

    To be asked first while there is one thread: another one may load a library, which is mapped before it is changed.
    """
    import ctypes  # noqa: PLC0415  # as above

    ranges, start, end, clean = [], 0, 0, False
    with contextlib.suppress(FileNotFoundError), Path("/proc/self/smaps").open("rb") as lines:  # not in every kernel
        for line in lines:
            name, *rest = line.split()
            if not name.endswith(b":"):
                start, end = (int(each, 16) for each in name.split(b"-"))
                clean = b"w" not in rest[0] and rest[0].endswith(b"p") and rest[3] != b"0"  # its inode
            elif name in {b"Anonymous:", b"Swap:"} and rest[0] != b"0":
                clean = False
            elif name == b"VmFlags:" and clean:  # the last line of each
                ranges.append((start, end - start))
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
    return tuple(ranges), madvise


def _prctl(option: int, value: int) -> None:
    function, errno = _prctl_function()
    if function(option, value, 0, 0, 0) != 0:
        code = errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


@cache  # made by the fork server, found by its roles
def _prctl_function() -> tuple[Callable[[int, int, int, int, int], int], Callable[[], int]]:
    import ctypes  # noqa: PLC0415  # as above

    function = ctypes.CDLL(None, use_errno=True).prctl
    function.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return function, ctypes.get_errno
