/* Shows what exec refuses and with which errno, and that the caller lives on unchanged after each refusal. */
#include "check.h"

static char *const plain[] = {"program", NULL};

static void write_file(const char *name, const void *data, size_t size, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    CHECK(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void show(const char *title, const char *path, char *const *arguments, char *const *environment)
{
    pid_t before = getpid();
    int open_before = dup(1);
    CHECK(fcntl(open_before, F_SETFD, FD_CLOEXEC) == 0);
    errno = 0;
    long result = syscall(SYS_execve, path, arguments, environment);
    int error = errno;
    CHECK(result == -1 && getpid() == before);
    CHECK(fcntl(open_before, F_GETFD) == FD_CLOEXEC && close(open_before) == 0);
    say("%s: %s\n", title, errno_name(error));
}

static void files(void)
{
    char *none[] = {NULL};
    static char text[2000];
    write_file("plain", "#!/bin/sh\n", 10, 0644);
    show("not executable", "./plain", plain, none);
    show("missing", "./missing", plain, none);
    show("directory", "/", plain, none);
    show("below a file", "./plain/x", plain, none);
    show("empty name", "", plain, none);
    memset(text, 'x', sizeof text - 1);
    show("long component", text, plain, none);
    write_file("garbage", "\1\2\3\4 neither ELF nor script", 29, 0755);
    show("garbage", "./garbage", plain, none);
    write_file("cut", "\177ELF\2\1\1", 7, 0755);
    show("cut ELF header", "./cut", plain, none);
    write_file("zero", "", 0, 0755);
    show("empty file", "./zero", plain, none);
    CHECK(symlink("ring", "ring") == 0);
    show("ring of links", "./ring", plain, none);
    CHECK(mkfifo("fifo", 0755) == 0);
    show("FIFO", "./fifo", plain, none);
    show("device", "/dev/null", plain, none);
}

/* An ELF file whose interpreter does not exist: this program's own, patched. */
static void missing_elf_interpreter(void)
{
    char *none[] = {NULL};
    static char image[1 << 20];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    ssize_t size = read(fd, image, sizeof image);
    CHECK(size > 4096 && close(fd) == 0);
    char *interpreter = memmem(image, 4096, "/lib", 4);
    CHECK(interpreter != NULL);
    memcpy(interpreter, "/nol", 4);
    write_file("orphan", image, (size_t)size, 0755);
    show("missing ELF interpreter", "./orphan", plain, none);
}

static void written_to(void)
{
    char *none[] = {NULL};
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = open("busy", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    CHECK(from >= 0 && to >= 0 && write(to, "#!/bin/sh\nexit 0\n", 17) == 17);
    show("open for writing", "./busy", plain, none);
    close(from), close(to);
}

static void arguments_and_environment(void)
{
    char *none[] = {NULL};
    char *bad_string[] = {"program", (char *)8, NULL};
    size_t size = 3 << 20;
    char *long_string = malloc(size);
    CHECK(long_string != NULL);
    memset(long_string, 'x', size - 1);
    long_string[size - 1] = 0;
    char *too_long[] = {"program", long_string, NULL};
    show("argument beyond 128 KiB", "/proc/self/exe", too_long, none);
    show("variable beyond 128 KiB", "/proc/self/exe", plain, too_long);
    long_string[100000] = 0;
    static char *many[200];
    for (int i = 0; i < 199; i++)
        many[i] = long_string;
    show("arguments beyond the limit together", "/proc/self/exe", many, none);
    show("bad argument pointer", "/proc/self/exe", bad_string, none);
    show("bad argument list", "/proc/self/exe", (char **)8, none);
    show("bad environment list", "/proc/self/exe", plain, (char **)8);
    show("bad variable pointer", "/proc/self/exe", plain, bad_string);
    show("bad path", (char *)8, plain, none);
    show("NULL path", NULL, plain, none);
    free(long_string);
}

int main(void)
{
    begin();
    files();
    missing_elf_interpreter();
    written_to();
    arguments_and_environment();
    return 0;
}
