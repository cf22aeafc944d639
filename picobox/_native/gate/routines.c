/* Owns the code of ours that guests run apart from stubs: it maps the gate into a new program, and copies of images. */
#define _GNU_SOURCE
#include <string.h>

#include "gate.h"
#include "guest.h"

/* Numbers, addresses and descriptors are those of gate.h, see below. */
__asm__(
    ".pushsection gate_routines, \"ax\", @progbits\n"
    ".globl routine_start, routine_copied, routine_exchange, routine_end\n"
    ".hidden routine_start, routine_copied, routine_exchange, routine_end\n"
    ".globl closing_start, closing_exchange, closing_call, closing_end\n"
    ".hidden closing_start, closing_exchange, closing_call, closing_end\n"
    ".globl stopping_start, stopping_copied, stopping_end\n"
    ".hidden stopping_start, stopping_copied, stopping_end\n"
    /* A new program that has just mapped this. rbp, r12, r13: address, length and offset in the file of its text; r14: its
       first instruction, where all registers are 0 but rsp; r15: how much private memory it gets, and in the upper half where
       its counters are in their file. */
    "routine_start:\n"
    "  movl $9, %eax\n" /* mmap */
    "  movl $0x7c200000, %edi\n"
    "  movl $0x80000, %esi\n"
    "  movl $3, %edx\n"
    "  movl $0x100001, %r10d\n" /* MAP_SHARED | MAP_FIXED_NOREPLACE */
    "  movl $62, %r8d\n"
    "  movq %r15, %r9\n"
    "  shrq $32, %r9\n"
    "  syscall\n"
    "  testq %rax, %rax\n"
    "  js routine_fail\n"
    "  movl $9, %eax\n"
    "  movl $0x7cfe0000, %edi\n"
    "  movl %r15d, %esi\n"
    "  movl $0x124022, %r10d\n" /* MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_FIXED_NOREPLACE */
    "  movq $-1, %r8\n"
    "  xorl %r9d, %r9d\n"
    "  syscall\n"
    "  testq %rax, %rax\n"
    "  js routine_fail\n"
    "  movl $9, %eax\n"
    "  movq %rbp, %rdi\n"
    "  movq %r12, %rsi\n"
    "  movl $5, %edx\n"
    "  movl $0x12, %r10d\n" /* MAP_PRIVATE | MAP_FIXED */
    "  movl $61, %r8d\n"
    "  movq %r13, %r9\n"
    "  syscall\n"
    "routine_copied:\n"
    "  testq %rax, %rax\n"
    "  js routine_fail\n"
    "  movl $0x7c100000, %ecx\n"
    "  jmp *%rcx\n"
    "routine_fail:\n"
    "  ud2\n"
    /* A stub whose mmap was answered with MAP_TAG: it is made with the descriptor of a copy, which is closed then. */
    "routine_exchange:\n"
    "  movl $0x7c100000 + closing_exchange - closing_start, %ecx\n"
    "  jmp *%rcx\n"
    "routine_end:\n"
    /* Where the filter lets a close through, and an mmap of code. */
    "closing_start:\n"
    "  movl $3, %eax\n"
    "  movl $63, %edi\n"
    "  syscall\n"
    "  movl $3, %eax\n"
    "  movl $62, %edi\n"
    "  syscall\n"
    "  movl $3, %eax\n"
    "  movl $61, %edi\n"
    "  syscall\n"
    "  movq %r14, %rcx\n"
    "  xorl %eax, %eax\n"
    "  xorl %ebx, %ebx\n"
    "  xorl %edx, %edx\n"
    "  xorl %ebp, %ebp\n"
    "  xorl %edi, %edi\n"
    "  xorl %esi, %esi\n"
    "  xorl %r8d, %r8d\n"
    "  xorl %r9d, %r9d\n"
    "  xorl %r10d, %r10d\n"
    "  xorl %r12d, %r12d\n"
    "  xorl %r13d, %r13d\n"
    "  xorl %r14d, %r14d\n"
    "  xorl %r15d, %r15d\n"
    "  jmp *%rcx\n"
    "closing_exchange:\n"
    "  movl 0x7cfff818, %r8d\n"
    "  movl $9, %eax\n"
    "  syscall\n"
    "  movq %rax, 0x7cfff820\n"
    "  movl %r8d, %edi\n"
    "  movl $3, %eax\n"
    "closing_call:\n"
    "  syscall\n"
    "  movq 0x7cfff820, %rax\n"
    "  movq 0x7cfff808, %rdi\n"
    "  movq 0x7cfff810, %r8\n"
    "  jmp *0x7cfff800\n"
    "closing_end:\n"
    /* As routine_start, where mappings are stops: the filter lets these through here. r15: where its counters are; its sign
       says that there are no rings. */
    "stopping_start:\n"
    "  movl $9, %eax\n"
    "  movl $0x7c200000, %edi\n"
    "  movl $0x80000, %esi\n"
    "  movl $3, %edx\n"
    "  movl $0x100001, %r10d\n"
    "  movl $62, %r8d\n"
    "  movl %r15d, %r9d\n"
    "  syscall\n"
    "  testq %rax, %rax\n"
    "  js stopping_fail\n"
    "  movl $9, %eax\n"
    "  movl $0x7cfe0000, %edi\n"
    "  movl $0x1020000, %esi\n"
    "  movl $0x124022, %r10d\n"
    "  movq $-1, %r8\n"
    "  xorl %r9d, %r9d\n"
    "  syscall\n"
    "  testq %rax, %rax\n"
    "  js stopping_fail\n"
    "  testq %r15, %r15\n"
    "  js stopping_copies\n"
    "  movl $9, %eax\n"
    "  movl $0x78000000, %edi\n"
    "  movl $0x2000000, %esi\n"
    "  movl $0x100001, %r10d\n"
    "  movl $60, %r8d\n"
    "  syscall\n"
    "  testq %rax, %rax\n"
    "  js stopping_fail\n"
    "stopping_copies:\n"
    "  movl $9, %eax\n"
    "  movq %rbp, %rdi\n"
    "  movq %r12, %rsi\n"
    "  movl $5, %edx\n"
    "  movl $0x12, %r10d\n"
    "  movl $61, %r8d\n"
    "  movq %r13, %r9\n"
    "  syscall\n" /* of code: a stop */
    "stopping_copied:\n"
    "  testq %rax, %rax\n"
    "  js stopping_fail\n"
    "  movl $3, %eax\n"
    "  movl $60, %edi\n"
    "  syscall\n"
    "  jmp closing_start\n"
    "stopping_fail:\n"
    "  ud2\n"
    "stopping_end:\n"
    ".org closing_start + 512\n" /* where stubs begin: an error if this is longer */
    ".popsection\n");

extern const uint8_t closing_start[], closing_exchange[], closing_call[], closing_end[];
extern const uint8_t stopping_start[], stopping_end[];

/* mov ecx, address; jmp rcx */
static const uint8_t LEADING[] = {0xb9, 0, 0, 0, 0, 0xff, 0xe1};

_Static_assert(GATE_COUNTERS == 0x7c200000 && GATE_COUNTERS_SIZE == 0x80000, "the start has these in it");
_Static_assert(GATE_PRIVATE == 0x7cfe0000, "and this");
_Static_assert(FIRST_STUB * STUB_SIZE == 512, "and this");
_Static_assert(GATE_EXCHANGE == 0x7cfff800 && sizeof(struct exchange_memory) == 0x28, "and the exchange this");
_Static_assert(LENT_CODE == 63 && LENT_COUNTERS == 62 && LENT_COPY == 61 && LENT_RINGS == 60, "and both these");
_Static_assert(GATE_PRIVATE_SIZE + BLOCKS_SIZE == 0x1020000 && RINGS == 0x78000000 && RINGS_SIZE == 0x2000000, "and these");

_Static_assert(GATE_DECIDED == 0x7c100000, "where they go on");

void routines_write(const struct pb_core *core, uint8_t *code)
{
    memcpy(code, routine_start, (size_t)(routine_end - routine_start));
    memcpy(code + (GATE_DECIDED - GATE_CODE), closing_start, (size_t)(stopping_end - closing_start));
    if (!start_stops(core))
        return;
    uint32_t address = (uint32_t)routine_address(stopping_start);
    memcpy(code, LEADING, sizeof LEADING);
    memcpy(code + 1, &address, sizeof address);
}

uint64_t routine_address(const uint8_t *of)
{
    return of >= closing_start ? GATE_DECIDED + (uint64_t)(of - closing_start) : GATE_CODE + (uint64_t)(of - routine_start);
}

enum exchange_stage exchange_stage(uint64_t ip)
{
    if (ip >= routine_address(routine_exchange) && ip < GATE_CODE + (uint64_t)(routine_end - routine_start))
        return NOT_CLOSED;
    if (ip < routine_address(closing_exchange) || ip >= routine_address(closing_end))
        return NO_EXCHANGE;
    return ip <= routine_address(closing_call) ? NOT_CLOSED : CLOSED;
}
