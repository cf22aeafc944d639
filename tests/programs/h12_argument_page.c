/* Shows that a guest can neither write, unmap, move nor cover the argument page that a creating call gave it. */
#include "check.h"
#include <linux/sched.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static void *nothing(void *argument)
{
    return argument;
}

/* The page is the only mapping of a memfd that this program has not made itself; natively there is none. */
static bool find_page(uintptr_t *start, size_t *size)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "memfd:picobox")) {
            uintptr_t end;
            char rights[5];
            CHECK(!found && sscanf(line, "%lx-%lx %4s", start, &end, rights) == 3 && strcmp(rights, "r--s") == 0);
            *size = end - *start;
            found = true;
        }
    fclose(maps);
    return found;
}

static void attack(uintptr_t start, size_t size)
{
    void *page = (void *)start, *middle = (void *)(start + size / 2), *below = (void *)(start - 4096);
    char byte = 'x';
    struct iovec local = {&byte, 1}, remote = {page, 1};
    CHECK_FAILS(munmap(middle, 4096), EPERM);
    CHECK_FAILS(munmap(below, 8192), EPERM);
    CHECK_FAILS(mprotect(page, 4096, PROT_READ | PROT_WRITE), EPERM);
    CHECK_FAILS(mprotect(middle, 4096, PROT_NONE), EPERM);
    int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    CHECK(mmap(middle, 4096, PROT_READ | PROT_WRITE, fixed, -1, 0) == MAP_FAILED && errno == EPERM);
    CHECK(mmap(below, 8192, PROT_READ | PROT_WRITE, fixed, -1, 0) == MAP_FAILED && errno == EPERM);
    CHECK(mremap(page, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EPERM);
    void *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own != MAP_FAILED);
    CHECK(mremap(own, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, middle) == MAP_FAILED && errno == EPERM);
    CHECK_FAILS(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), EFAULT);
    int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    CHECK(memory >= 0 && pwrite(memory, &byte, 1, (off_t)start) == -1 && errno == EIO);
    close(memory);
    /* Who may open a mapping's file again finds it sealed (proc_pid_map_files(5): a capability is wanted). */
    char link[96];
    snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", start, start + size);
    int file = open(link, O_RDWR | O_CLOEXEC);
    if (file == -1)
        return;
    CHECK_FAILS(pwrite(file, &byte, 1, 0), EPERM);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED && errno == EPERM);
    CHECK_FAILS(ftruncate(file, 0), EPERM);
    close(file);
}

/* The page comes with the first clone3 of a task, here one that shares its parent's memory and is gone afterwards. */
static void attack_what_a_vfork_child_left(void)
{
    uintptr_t start;
    size_t size;
    pid_t pid = vfork();
    if (pid == 0) {
        struct clone_args arguments = {.exit_signal = SIGCHLD};
        pid_t made = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
        if (made == 0)
            _exit(0);
        _exit(made < 0 || waitpid(made, NULL, 0) != made);
    }
    CHECK(pid > 0 && wait_exit(pid) == 0);
    if (find_page(&start, &size))
        attack(start, size);
}

int main(void)
{
    pthread_t thread;
    uintptr_t start;
    size_t size;
    begin();
    attack_what_a_vfork_child_left();
    CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    if (find_page(&start, &size))
        attack(start, size);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
        if (find_page(&start, &size))
            attack(start, size);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    say("no way to change the argument page\n");
    return 0;
}
