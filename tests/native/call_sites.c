/* Call sites of every kind that the finder decides about, one a function; test_call_sites.py says what is expected. */

/* A function in the form in which compilers write them, with an unwind entry. */
#define FUNCTION(name, body)                                                                                          \
    asm(".text\n.p2align 4\n.globl " #name "\n.type " #name ", @function\n" #name ":\n.cfi_startproc\n" body           \
        "\n.cfi_endproc\n.size " #name ", . - " #name "\n")

FUNCTION(compares_after, "mov $39, %eax\nsyscall\ncmp $-4095, %rax\njae 1f\n1: ret");
FUNCTION(number_by_zeroing, "xor %eax, %eax\nsyscall\ncmp $-4095, %rax\nret");
FUNCTION(number_is_an_argument, "mov %edi, %eax\nsyscall\ncmp $-4095, %rax\nret");
FUNCTION(number_of_two_ways, "mov $1, %eax\ntest %edi, %edi\nje 1f\nmov $2, %eax\n1: mov %rdi, %rdi\nsyscall\n"
                             "cmp $-4095, %rax\nret");
FUNCTION(returns_and_is_padded, "mov $39, %eax\nsyscall\nret\nint3\nint3\nint3\nint3\nint3");
/* What follows the padding may begin a function that no symbol tells of. */
FUNCTION(returns_before_a_boundary, ".skip 6, 0x90\nmov $39, %eax\nsyscall\nret\nnop\nnop\nnop\nret");
FUNCTION(branches_after, "mov $39, %eax\nsyscall\ntest %eax, %eax\nje 1f\nneg %eax\n1: ret");
FUNCTION(calls_after, "push %rbx\nmov $39, %eax\nsyscall\nmov %rax, %rdi\ncall compares_after\npop %rbx\nret");
FUNCTION(calls_by_pointer_after, "push %rbx\nmov $39, %eax\nsyscall\nmov %rax, %rdi\ncall *%rbx\npop %rbx\nret");
FUNCTION(reads_data_after, "mov $39, %eax\nsyscall\nmov table_of_distances(%rip), %edx\nret");
FUNCTION(reads_data_into_a_high_byte, "mov $39, %eax\nsyscall\nmov table_of_distances(%rip), %ah\nret");
FUNCTION(reads_data_into_all, "mov $39, %eax\nsyscall\nmov %ecx, %r11d\nmov table_of_distances(%rip), %edx\nret");
FUNCTION(loops, "mov $60, %edx\n1: xor %edi, %edi\nmov %edx, %eax\nsyscall\njmp 1b");
FUNCTION(twice, "mov $39, %eax\nsyscall\nsyscall\ncmp $-4095, %rax\nret");

/* Something leads behind the call, so what is before it moves instead, if it may. */
FUNCTION(branched_into, "mov $39, %eax\nsyscall\n1: dec %edi\njne 1b\nret");
FUNCTION(branched_into_from_elsewhere, "mov $39, %eax\nsyscall\n.globl inside\ninside: mov %rax, %rdi\nmov %rdi, %rsi\nret");
FUNCTION(branches_into_another, "test %edi, %edi\nje inside\nret");
FUNCTION(taken_address, "mov $39, %eax\nsyscall\n.globl taken\ntaken: mov %rax, %rdi\nmov %rdi, %rsi\nret\nlea taken(%rip), %rax\nret");
FUNCTION(pointed_at, "mov $39, %eax\nsyscall\n.globl pointed\npointed: mov %rax, %rdi\nmov %rdi, %rsi\nret");
FUNCTION(in_a_table, "mov $39, %eax\nsyscall\n.globl tabled\ntabled: mov %rax, %rdi\nmov %rdi, %rsi\nret\n"
                     "lea table_of_distances(%rip), %rdx\nmovslq (%rdx,%rdi,4), %rax\nadd %rdx, %rax\njmp *%rax");
FUNCTION(marked_as_landing, "mov $39, %eax\nsyscall\nendbr64\nmov %rax, %rdi\nret");
FUNCTION(catches, ".cfi_personality 0x9b, pointer_to_personality\n.cfi_lsda 0x1b, table_of_landings\nmov $39, %eax\n"
                  "syscall\n.globl landing\nlanding: mov %rax, %rdi\nmov %rdi, %rsi\nret");
FUNCTION(changes_what_it_reads, "mov $39, %eax\nmov 8(%rdi), %rdi\nsyscall\n1: dec %esi\njne 1b\nret");
FUNCTION(stores_in_its_frame, "mov $39, %eax\nmovq $8, (%rsp)\nsyscall\n1: dec %esi\njne 1b\nret");
FUNCTION(stores_elsewhere, "mov $39, %eax\nmovq $8, (%rdi)\nsyscall\n1: dec %esi\njne 1b\nret");
FUNCTION(changes_flags_that_it_reads, "mov $39, %eax\nsetb %r10b\ntest %edi, %edi\nsyscall\n1: dec %esi\njne 1b\nret");
FUNCTION(led_to_from_before, "mov $39, %eax\ntest %edi, %edi\nje 1f\nmov $1, %edi\n1: syscall\n2: dec %esi\njne 2b\nret");

FUNCTION(ends_a_handler, "mov $15, %eax\nsyscall\ncmp $-4095, %rax\nret");
FUNCTION(makes_a_task, "mov $56, %eax\nsyscall\ncmp $-4095, %rax\nret");
FUNCTION(makes_a_process, "mov $57, %eax\nsyscall\ncmp $-4095, %rax\nret");
FUNCTION(borrows_a_stack, "mov $58, %eax\nsyscall\ncmp $-4095, %rax\nret");
FUNCTION(makes_a_task_newly, "mov $435, %eax\nsyscall\ncmp $-4095, %rax\nret");

FUNCTION(constant_of_its_bytes, "mov $0x050f050f, %eax\nret");
FUNCTION(unreached, "ret\nmov $39, %eax\nsyscall\ncmp $-4095, %rax\nret");
FUNCTION(data_amid, "mov $39, %eax\njmp 1f\n.byte 0x06, 0x0f, 0x05\n1: ret");

/* As the C library's: the entry begins a byte early, and what is decoded from there is nonsense. */
asm(".text\n.p2align 4\n.byte 0\n.cfi_startproc\n.cfi_signal_frame\n.byte 0\nmov $15, %rax\nsyscall\n.cfi_endproc\n");

asm(".pushsection .rodata\n.p2align 2\n.globl table_of_distances\ntable_of_distances: .long tabled - table_of_distances\n"
    ".long 0x70000000\n.popsection\n");
asm(".pushsection .data\n.byte 1\n.quad pointed\n.p2align 3\npointer_to_personality: .quad compares_after\n.popsection\n");
/* One call site, of the function's first byte, with its landing: no base, no types, ULEB128. */
asm(".pushsection .gcc_except_table, \"a\"\ntable_of_landings: .byte 0xff, 0xff, 1, 4, 0, 1\n"
    ".uleb128 landing - catches\n.byte 0\n.popsection\n");

int main(void) {
    return 0;
}
