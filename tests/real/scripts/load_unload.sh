# Two libraries whose call sites lie at one place of different code, and one of them once more.
library() {
    cat >"$1.s" <<TEXT
.globl call
.type call, @function
.text
.p2align 6
call:
$2
    movl \$$3, %eax
    syscall
    cmpq \$-4096, %rax
    ret
.size call, . - call
.section .note.GNU-stack, "", @progbits
TEXT
    gcc -shared -nostdlib -o "$1.so" "$1.s"
}
library parent '' 110
library self nop 39
cp parent.so parent_again.so
