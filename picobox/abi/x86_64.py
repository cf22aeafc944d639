"""Owns the facts of the x86-64 architecture: audit number, registers, range of system call numbers."""

from __future__ import annotations

# linux/audit.h: EM_X86_64 (62) | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE
AUDIT_ARCH_X86_64 = 0xC000003E

# asm/unistd.h: __X32_SYSCALL_BIT; such numbers reach seccomp also on kernels built without x32.
X32_SYSCALL_BIT = 0x4000_0000

# The disposition array has one word for each number below this; every number at or above it is unknown.
# 512 is where x32's private numbers begin (arch/x86/entry/syscalls/syscall_64.tbl), so no native call lies above.
SYSCALL_LIMIT = 512

MAX_ARGUMENTS = 6

# sys/user.h: the order of the fields of struct user_regs_struct, 8 bytes each.
USER_REGS = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax",
    "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs",
)  # fmt: skip

# The registers of a call: see syscall(2) under "Architecture calling conventions".
NUMBER_REGISTER = "orig_rax"
RESULT_REGISTER = "rax"
ARGUMENT_REGISTERS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")

# The syscall instruction itself overwrites these two; every other register survives a call.
CLOBBERED_REGISTERS = ("rcx", "r11")
