/* Shows that advice about ranges holds for a program's own memory, high and low, and that a child has all it needs whatever
   else lies in low memory that its parent has given advice about. */
#include "check.h"
#include <sys/mman.h>

#define SIZE 8192
#define LOW (UINT64_C(1) << 32)

/* Whether the kernel can read it: a fault would end the program. */
static int is_there(const void *memory)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    ssize_t written = write(ends[1], memory, 1);
    CHECK(written == 1 || errno == EFAULT);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    return written == 1;
}

static void child_sees(const char *kept, const char *left_out, const char *wiped)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < 3000; i++)
            CHECK(getppid() > 0 && lseek(-1, 0, SEEK_CUR) == -1);
        CHECK(kept[SIZE - 1] == 'k' && !is_there(left_out) && wiped[0] == 0 && wiped[SIZE - 1] == 0);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
}

static char *filled(int flags, int byte)
{
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    CHECK(memory != MAP_FAILED);
    memset(memory, byte, SIZE);
    return memory;
}

static void own_memory(int flags)
{
    char *kept = filled(flags, 'k'), *left_out = filled(flags, 'l'), *wiped = filled(flags, 'w');
    CHECK(madvise(left_out, SIZE, MADV_DONTFORK) == 0 && madvise(wiped, SIZE, MADV_WIPEONFORK) == 0);
    child_sees(kept, left_out, wiped);
    CHECK(left_out[0] == 'l' && wiped[0] == 'w');
    CHECK(madvise(kept, SIZE, MADV_DONTNEED) == 0 && kept[0] == 0 && kept[SIZE - 1] == 0);
    CHECK_FAILS(madvise(kept + 1, SIZE, MADV_DONTNEED), EINVAL);
    CHECK_FAILS(madvise(kept, SIZE, 4711), EINVAL);
    CHECK(munmap(wiped, SIZE) == 0);
    CHECK_FAILS(madvise(wiped, SIZE, MADV_DONTNEED), ENOMEM);
    CHECK(munmap(kept, SIZE) == 0 && munmap(left_out, SIZE) == 0);
}

/* As somebody does who wants forks to be cheap. */
static void all_low_memory(int advice)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    CHECK(maps);
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        CHECK(sscanf(line, "%lx-%lx", &start, &end) == 2);
        if (end <= LOW)
            madvise((void *)start, end - start, advice);
    }
    CHECK(fclose(maps) == 0);
}

int main(void)
{
    begin();
    for (int round = 0; round < 2; round++) {
        own_memory(0);
        own_memory(MAP_32BIT);
    }
    say("own memory\n");
    static const int ADVICE[] = {MADV_DONTFORK, MADV_WIPEONFORK, MADV_DONTNEED};
    for (size_t i = 0; i < sizeof ADVICE / sizeof *ADVICE; i++) {
        all_low_memory(ADVICE[i]);
        own_memory(0);
    }
    say("low memory\n");
    return 0;
}
