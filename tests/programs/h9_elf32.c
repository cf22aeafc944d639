/* Shows the exec of a 32-bit program, written here byte by byte: picobox refuses it with ENOEXEC. */
#include "check.h"
#include <elf.h>
#include <stddef.h>

/* mov $1, %eax; mov $42, %ebx; int $0x80: exit(42) in the i386 numbering. */
static const unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80};

static struct {
    Elf32_Ehdr header;
    Elf32_Phdr segment;
    unsigned char code[sizeof code];
} image;

static void build(Elf32_Half machine)
{
    const Elf32_Addr base = 0x08048000;
    memset(&image, 0, sizeof image);
    memcpy(image.header.e_ident, ELFMAG, SELFMAG);
    image.header.e_ident[EI_CLASS] = ELFCLASS32;
    image.header.e_ident[EI_DATA] = ELFDATA2LSB;
    image.header.e_ident[EI_VERSION] = EV_CURRENT;
    image.header.e_type = ET_EXEC;
    image.header.e_machine = machine;
    image.header.e_version = EV_CURRENT;
    image.header.e_phoff = sizeof image.header;
    image.header.e_ehsize = sizeof image.header;
    image.header.e_phentsize = sizeof image.segment;
    image.header.e_phnum = 1;
    image.header.e_entry = base + (Elf32_Addr)offsetof(__typeof__(image), code);
    image.segment.p_type = PT_LOAD;
    image.segment.p_vaddr = base;
    image.segment.p_filesz = image.segment.p_memsz = sizeof image;
    image.segment.p_flags = PF_R | PF_X;
    image.segment.p_align = 4096;
    memcpy(image.code, code, sizeof code);
}

static void run(const char *name, Elf32_Half machine)
{
    build(machine);
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0700);
    CHECK(fd >= 0 && write(fd, &image, sizeof image) == (ssize_t)sizeof image && close(fd) == 0);
    int report[2], error = 0;
    open_pipe(report);
    pid_t pid = fork_child();
    if (pid == 0) {
        char *arguments[] = {(char *)name, NULL};
        execv(name, arguments);
        error = errno;
        CHECK(write(report[1], &error, sizeof error) == sizeof error);
        _exit(0);
    }
    close(report[1]);
    ssize_t got = read(report[0], &error, sizeof error);
    close(report[0]);
    int status = wait_status(pid);
    if (got == sizeof error)
        say("%s: %s\n", name, errno_name(error));
    else
        say("%s: status %d\n", name, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(void)
{
    begin();
    run("i386", EM_386);
    run("arm", EM_ARM);
    return 0;
}
