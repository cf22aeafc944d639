# Two libraries whose call sites lie at one place of different code, one of them twice, and what loads them.
library() {
    {
        echo '__asm__(".globl call\n.type call, @function\n.p2align 6\ncall:\n"'
        echo "\"$2  movl \$$3, %eax\\n  syscall\\n  cmpq \$-4096, %rax\\n  ret\\n.size call, . - call\\n\");"
    } >"$1.c"
    gcc -shared -nostdlib -o "$1.so" "$1.c"
}
library parent '' 110
library self 'nop\n' 39
cp parent.so parent_again.so
gcc -O1 -o load_unload "$SCRIPTS/load_unload.c"
