"""The C library's heaps: two for all threads, where it is glibc."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from nightproof.dashboard import arenas

COUNT = """
import ctypes, sys, threading
from nightproof.dashboard.arenas import use_few_arenas
if sys.argv[2] == "few":
    use_few_arenas()
together = threading.Barrier(9)
def allocate():
    kept = [bytearray(50_000) for _ in range(10)]
    together.wait(), together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
[thread.start() for thread in threads]
together.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file), libc.fclose(file)
together.wait()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps its heaps otherwise")
@pytest.mark.parametrize(("how", "most"), [("few", arenas.FEW), ("many", 99)])
def test_threads_share_two_heaps(tmp_path: Path, how: str, most: int) -> None:
    told = tmp_path / "malloc.xml"
    subprocess.run([sys.executable, "-c", COUNT, str(told), how], check=True, timeout=60)
    heaps = told.read_text("utf-8").count("<heap nr=")
    assert heaps <= most
    assert how == "few" or heaps > arenas.FEW, "else the first case says nothing"


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: object) -> object:
        return object()

    monkeypatch.setattr(ctypes, "CDLL", without)
    arenas.use_few_arenas()
    monkeypatch.setattr(sys, "platform", "darwin")
    arenas.use_few_arenas()
