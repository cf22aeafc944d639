"""Owns the types of system call arguments: how the kernel takes each register, in width, sign and indirection."""

from __future__ import annotations

from errno import EPERM
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.abi.memory import Memory

from picobox.errors import Errno

# limits.h: bytes in a path including its NUL
PATH_MAX = 4096

_MASK_16 = 0xFFFF
_MASK_32 = 0xFFFF_FFFF
_MASK_64 = 0xFFFF_FFFF_FFFF_FFFF
_SIGN_32 = 1 << 31
_SIGN_64 = 1 << 63

_NO_SIBLINGS: Mapping[str, int] = {}


class Argument:
    """One argument: its name and how the kernel takes its register (here: as an unsigned 64-bit value)."""

    __slots__ = ("name",)
    mask: ClassVar[int] = _MASK_64
    sign: ClassVar[int] = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def decode(self, raw: int, memory: Memory) -> object:  # noqa: ARG002  (some types look into memory)
        """The value a handler gets for the register value `raw`; raises Errno where the kernel would fail the call."""
        return self.value(raw)

    def value(self, raw: int) -> int:
        """`raw` cut to the width and read with the sign the kernel uses."""
        return ((raw & self.mask) ^ self.sign) - self.sign

    def render(self, raw: int, memory: Memory, result: int | None, siblings: Mapping[str, int] = _NO_SIBLINGS) -> str:
        """The argument as strace writes it; never raises.

        `result` is the call's raw return value, None before it has ended: what the kernel writes is shown only after
        success. `siblings` maps the names of the call's other arguments to their raw values.
        """
        from picobox.abi.rendering import render

        return render(self, raw, memory, result, siblings)


class Ulong(Argument):
    """unsigned long."""

    __slots__ = ()


class Long(Argument):
    """long."""

    __slots__ = ()
    sign = _SIGN_64


class Uint(Argument):
    """unsigned int."""

    __slots__ = ()
    mask = _MASK_32


class Int(Argument):
    """int."""

    __slots__ = ()
    mask = _MASK_32
    sign = _SIGN_32


class Size(Ulong):
    """size_t, or a byte count as a result."""

    __slots__ = ()


class Offset(Long):
    """loff_t."""

    __slots__ = ()


class Hexadecimal(Ulong):
    """A 64-bit value without a vocabulary, shown in hexadecimal."""

    __slots__ = ()


class Fd(Int):
    """A file descriptor."""

    __slots__ = ()


class DirFd(Int):
    """A directory's descriptor, or AT_FDCWD."""

    __slots__ = ()


class Pid(Int):
    """pid_t: a process, thread, process group or session."""

    __slots__ = ()


class UserId(Uint):
    """uid_t or gid_t; all ones means no change."""

    __slots__ = ()


class Mode(Argument):
    """umode_t: file permission bits, 16 of the register's 64."""

    __slots__ = ()
    mask = _MASK_16


class OpenMode(Mode):
    """The mode of a call that may create a file; `flags` names the argument that says whether it is looked at."""

    __slots__ = ("flags",)

    def __init__(self, name: str, flags: str) -> None:
        self.name = name
        self.flags = flags


class Device(Uint):
    """A device number in the kernel's 32-bit user encoding (new_decode_dev)."""

    __slots__ = ()


class Signal(Int):
    """A signal number, 0 included."""

    __slots__ = ()


class Named(Int):
    """A value with names; `vocabulary` is the key into `flags.VOCABULARIES`, mostly the names' common prefix."""

    __slots__ = ("vocabulary",)

    def __init__(self, name: str, vocabulary: str) -> None:
        self.name = name
        self.vocabulary = vocabulary


class Flags(Named):
    """A set of bits."""

    __slots__ = ()
    sign = 0


class LongFlags(Flags):
    """A set of bits in an unsigned long."""

    __slots__ = ()
    mask = _MASK_64


class Choice(Named):
    """One of a list of values."""

    __slots__ = ()


class OpenFlags(Int):
    """The flags of open(2)."""

    __slots__ = ()


class MapFlags(Ulong):
    """The flags of mmap(2): a type in the low bits, flags, and the huge page size in bits 26 to 31."""

    __slots__ = ()


class CloneFlags(Ulong):
    """The flags of clone(2): bits, and the exit signal in the low byte."""

    __slots__ = ()


class SocketType(Int):
    """The type argument of socket(2): a type and SOCK_CLOEXEC, SOCK_NONBLOCK."""

    __slots__ = ()


class FutexOperation(Int):
    """A futex(2) command with its two option bits."""

    __slots__ = ()


class FcntlArgument(Ulong):
    """The third argument of fcntl(2), whose meaning its command gives."""

    __slots__ = ()


class UserPointer(Ulong):
    """The address of something the supervisor does not look into."""

    __slots__ = ()


class Address(UserPointer):
    """An address in the guest, also as a result."""

    __slots__ = ()


class UserString(UserPointer):
    """A NUL-terminated string of at most 4,096 bytes, copied out of the guest once."""

    __slots__ = ()

    def decode(self, raw: int, memory: Memory) -> object:
        """The bytes without NUL, None if the kernel can read them and we may not; else Errno(EFAULT, ENAMETOOLONG)."""
        try:
            return memory.read_string(raw, PATH_MAX)
        except Errno as error:
            if error.errno != EPERM:
                raise
            return None


class UserPath(UserString):
    """A path name, copied out of the guest once; everyone after uses the copy.

    `follow`: a symbolic link in the last component counts as what it leads to, unless a flag of the call says
    otherwise. `creates`: the call makes the name if it is not there.
    """

    __slots__ = ()
    follow: ClassVar[bool] = True
    creates: ClassVar[bool] = False
    entry: ClassVar[bool] = False


class LinkPath(UserPath):
    """A path whose last component may be a symbolic link and is meant itself."""

    __slots__ = ()
    follow = False


class EntryPath(LinkPath):
    """A path that the call takes away: a link in its last component is meant even before a slash."""

    __slots__ = ()
    entry = True


class NewPath(EntryPath):
    """A path that the call makes: whatever has the name already is not followed."""

    __slots__ = ()
    creates = True


class CreatPath(UserPath):
    """The path of creat(2), which also opens what is there."""

    __slots__ = ()
    creates = True


class OptionalPath(UserPath):
    """A path name that may be NULL (the descriptor itself is meant), or an option string that may be."""

    __slots__ = ()

    def decode(self, raw: int, memory: Memory) -> object:
        """None for NULL, else as UserPath."""
        return None if raw == 0 else super().decode(raw, memory)


class StringVector(UserPointer):
    """A NULL-terminated array of strings such as argv; a handler gets its address, since the kernel reads it itself."""

    __slots__ = ()


class Environment(StringVector):
    """envp: shown as a count of its strings."""

    __slots__ = ()


class CountedPointer(UserPointer):
    """The address of several things; `length` names the argument that counts them."""

    __slots__ = ("length",)

    def __init__(self, name: str, length: str) -> None:
        self.name = name
        self.length = length


class InBytes(CountedPointer):
    """Bytes the kernel reads."""

    __slots__ = ()


class OutBytes(UserPointer):
    """Bytes the kernel writes; the call's result counts them."""

    __slots__ = ()


class OutString(UserPointer):
    """A NUL-terminated string the kernel writes; the call's result counts it with its NUL."""

    __slots__ = ()


class InVector(CountedPointer):
    """struct iovec[] the kernel reads from."""

    __slots__ = ()


class OutVector(InVector):
    """struct iovec[] the kernel fills; the call's result counts the bytes."""

    __slots__ = ()


class Timespec(UserPointer):
    """struct timespec the kernel reads."""

    __slots__ = ()


class TimespecPair(UserPointer):
    """struct timespec[2] the kernel reads (access and modification time)."""

    __slots__ = ()


class OutTimespec(UserPointer):
    """struct timespec the kernel writes."""

    __slots__ = ()


class Timeval(UserPointer):
    """struct timeval the kernel reads."""

    __slots__ = ()


class OutTimeval(UserPointer):
    """struct timeval the kernel writes."""

    __slots__ = ()


class OutFdPair(UserPointer):
    """int[2] the kernel fills with two new descriptors."""

    __slots__ = ()


class OutInt(UserPointer):
    """An int the kernel writes."""

    __slots__ = ()


class WaitStatus(UserPointer):
    """The int into which wait4(2) writes how a child ended."""

    __slots__ = ()


class SignalSet(UserPointer):
    """A kernel sigset_t (64 bits) the kernel reads."""

    __slots__ = ()


class OutSignalSet(UserPointer):
    """A kernel sigset_t (64 bits) the kernel writes."""

    __slots__ = ()


class SocketAddress(CountedPointer):
    """struct sockaddr the kernel reads."""

    __slots__ = ()


class OutSocketAddress(SocketAddress):
    """struct sockaddr the kernel writes; `length` names the argument that points to its size."""

    __slots__ = ()


class PollFds(CountedPointer):
    """struct pollfd[]."""

    __slots__ = ()
