"""The mount tables of a WSL run: what they hide, and how drives and the root are shown."""

from __future__ import annotations

from ntshim.lx.attributes import MountOptions
from picobox.wsl import mount_table

TARGETS = {b"/mnt/c": ("C", MountOptions(uid=1000, gid=1000)), b"/mnt/d": ("D", MountOptions(read_only=True))}


def test_mountinfo() -> None:
    text = (
        b"45 44 254:0 / / rw,relatime shared:1 - ext4 /dev/sda rw\n"
        b"47 45 0:21 / /proc rw - proc proc rw\n"
        b"48 47 0:30 /0 /proc/version rw - tmpfs none rw\n"
        b"49 45 0:31 / /mnt rw - tmpfs none rw\n"
        b"50 49 254:0 /home/a\\040b /mnt/c rw - ext4 /dev/sda rw\n"
        b"51 49 254:0 /x /mnt/d ro - ext4 /dev/sda rw\n"
        b"odd\n"
    )
    assert mount_table(text, b"mountinfo", TARGETS).splitlines() == [
        b"45 44 254:0 / / rw,noatime - wslfs rootfs rw,noatime",
        b"47 45 0:21 / /proc rw - proc proc rw",
        b"50 49 254:0 / /mnt/c rw,noatime - drvfs C:\\134 rw,uid=1000,gid=1000,case=off",
        b"51 49 254:0 / /mnt/d ro,noatime - drvfs D:\\134 ro,uid=0,gid=0,case=off",
    ]


def test_mounts() -> None:
    text = b"/dev/sda / ext4 rw 0 0\nnone /mnt tmpfs rw 0 0\n/dev/sda /mnt/c ext4 rw 0 0\n/dev/sda /mnt/e ext4 rw 0 0\n"
    assert mount_table(text, b"mounts", TARGETS).splitlines() == [
        b"rootfs / wslfs rw,noatime 0 0",
        b"C: /mnt/c drvfs rw,noatime,uid=1000,gid=1000,case=off 0 0",
        b"/dev/sda /mnt/e ext4 rw 0 0",
    ]
