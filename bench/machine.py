"""What a reader of the numbers must know about the machine that they were taken on."""

from __future__ import annotations

import datetime as dt
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any


def cpu_model() -> str:
    """The processor's name as the kernel reports it; "unknown" where it reports none."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return "unknown"


def picobox_version() -> str | None:
    """The installed version of this project; None when it is not installed."""
    try:
        return metadata.version("picobox-nt")
    except metadata.PackageNotFoundError:
        return None


def facts() -> dict[str, Any]:
    """CPU model, usable cores, kernel, Python, picobox, date (UTC) and the load that others put on the machine."""
    kernel = os.uname()
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": f"{kernel.sysname} {kernel.release} {kernel.machine}",
        "python": platform.python_version(),
        "picobox": picobox_version(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "load": round(os.getloadavg()[0], 2),
    }
