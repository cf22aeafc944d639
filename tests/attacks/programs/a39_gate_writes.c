/* A39: changes the gate's code or tables: by stores, through /proc and other processes, by mappings over, from and onto it. */
/* Walls: supervisor */
/* Options: --gate 1 */
#include "gate.h"
#include <sys/shm.h>

#define SIZE 4096
#define PERMITS 0x1e7000 /* of names, of which this program makes none */
static struct range gate[2];
static uint8_t before[SIZE], no_permits[SIZE];
static size_t used = SIZE;
static const uintptr_t places[] = {0, SIZE, PERMITS};

/* What was there. The gate itself adds to its code. */
static bool is_changed(void)
{
    struct range now[2] = {0};
    uint8_t bytes[SIZE], permits[SIZE];
    CHECK(look_at(gate[0].start, bytes, SIZE) && look_at(gate[0].start + PERMITS, permits, SIZE));
    return memcmp(bytes, before, used) != 0 || memcmp(permits, no_permits, SIZE) != 0 || find_gate(now) != 2 ||
           memcmp(now, gate, sizeof now) != 0;
}

/* Without a call that would need the gate. */
static void is_gone(int number)
{
    (void)number;
    _exit(1);
}

static void store(void *at)
{
    *(volatile uint8_t *)at = 0xcc;
}

static void write_memory(void *at)
{
    int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (memory >= 0 && pwrite(memory, "\xcc", 1, (off_t)at) == 1)
        close(memory);
}

static void write_from_child(void *at)
{
    struct iovec local = {"\xcc", 1}, remote = {at, 1};
    pid_t parent = getpid(), pid = fork_child();
    if (pid == 0) {
        process_vm_writev(parent, &local, 1, &remote, 1, 0);
        _exit(0);
    }
    wait_exit(pid);
}

static void write_vm(void *at)
{
    struct iovec local = {"\xcc", 1}, remote = {at, 1};
    process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

static void protect(void *at)
{
    if (mprotect(at, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0)
        store(at);
}

static void protect_with_key(void *at)
{
    if (syscall(SYS_pkey_mprotect, at, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, -1) == 0)
        store(at);
}

static void map_over(void *at)
{
    mmap(at, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void unmap(void *at)
{
    munmap(at, SIZE);
}

static void move_away(void *at)
{
    mremap(at, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
}

static void copy_away(void *at)
{
    void *copy = mremap(at, 0, SIZE, MREMAP_MAYMOVE);
    if (copy != MAP_FAILED && mprotect(copy, SIZE, PROT_READ | PROT_WRITE) == 0)
        store(copy);
}

static void move_onto(void *at)
{
    void *own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mremap(own, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at);
}

static void attach_over(void *at)
{
    int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0700);
    if (id < 0)
        return;
    shmat(id, at, SHM_REMAP | SHM_EXEC);
    shmctl(id, IPC_RMID, NULL);
}

static void attach_around(void *at)
{
    int id = shmget(IPC_PRIVATE, 4 * SIZE, IPC_CREAT | 0700);
    if (id < 0)
        return;
    shmat(id, (char *)at - 2 * SIZE, SHM_REMAP | SHM_EXEC);
    shmctl(id, IPC_RMID, NULL);
}

static void remap_pages(void *at)
{
    syscall(SYS_remap_file_pages, at, SIZE, 0, 1, 0);
}

static void advise(void *at)
{
    /* DONTNEED, REMOVE, FREE, PAGEOUT, POPULATE_WRITE */
    static const int advices[] = {4, 9, 8, 21, 23};
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        madvise(at, SIZE, advices[i]);
}

static void grow_heap(void *at)
{
    syscall(SYS_brk, (char *)at + SIZE);
}

static void grow_stack(void *at)
{
    char *stack = mmap((char *)at + (gate[0].end - gate[0].start), SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0);
    if (stack != MAP_FAILED)
        for (int i = 0; i < 16; i++)
            stack[-i * SIZE] = 'x';
}

static void open_again(void *at)
{
    char link[96];
    (void)at;
    snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", gate[0].start, gate[0].end);
    int file = open(link, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    if (pwrite(file, "\xcc", 1, 0) != 1 && ftruncate(file, 0) != 0)
        mmap(at, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

static const struct {
    const char *name;
    void (*attempt)(void *at);
} attempts[] = {
    {"a store", store}, {"/proc/self/mem", write_memory}, {"process_vm_writev", write_vm},
    {"process_vm_writev of a child", write_from_child}, {"mprotect", protect}, {"pkey_mprotect", protect_with_key},
    {"a mapping over it", map_over}, {"munmap", unmap}, {"mremap away", move_away}, {"a copy", copy_away},
    {"mremap onto it", move_onto}, {"shmat over it", attach_over}, {"shmat around its start", attach_around},
    {"remap_file_pages", remap_pages}, {"madvise", advise}, {"brk", grow_heap}, {"a stack", grow_stack},
    {"its file", open_again},
};

int main(void)
{
    begin();
    if (find_gate(gate) != 2) {
        LACKS("a gate");
        return 0;
    }
    CHECK(strcmp(gate[0].rights, "r-xs") == 0 && strcmp(gate[1].rights, "rw-s") == 0);
    CHECK(look_at(gate[0].start, before, SIZE));
    while (used && !before[used - 1])
        used--;
    CHECK(used > 0 && !is_changed());
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        for (size_t place = 0; place < sizeof places / sizeof places[0]; place++) {
            pid_t pid = fork_child();
            if (pid == 0) {
                /* What is written for one process is written for all that were forked from one. */
                attempts[i].attempt((void *)(gate[0].start + places[place]));
                handle(SIGSEGV, is_gone, 0);
                _exit(memcmp((void *)gate[0].start, before, used) != 0 ||
                      memcmp((void *)(gate[0].start + PERMITS), no_permits, SIZE) != 0);
            }
            int status = wait_status(pid);
            GOT_IF(WIFEXITED(status) && WEXITSTATUS(status) == 1, "other code in the gate by %s\n", attempts[i].name);
            GOT_IF(is_changed(), "other code in the gate of its parent by %s\n", attempts[i].name);
        }
    return 0;
}
