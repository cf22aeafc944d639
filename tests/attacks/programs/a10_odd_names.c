/* A10: names that end at an unmapped page, that are too long, no UTF-8, empty, NULL or the kernel's; each by many calls. */
/* Walls: supervisor */
#include "attack.h"

static const long calls[] = {SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_truncate, SYS_chdir, SYS_rmdir, SYS_unlink,
                             SYS_readlink, SYS_chmod, SYS_chown, SYS_statfs, SYS_execve, SYS_mkdir, SYS_mknod,
                             SYS_creat, SYS_utime, SYS_utimes};
static const long at_calls[] = {SYS_openat, SYS_newfstatat, SYS_faccessat2, SYS_unlinkat, SYS_mkdirat, SYS_readlinkat,
                                SYS_fchmodat, SYS_openat2, SYS_statx, SYS_execveat, SYS_utimensat, SYS_name_to_handle_at};

static void try_all(const void *name, bool is_bad)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        long result = syscall(calls[i], name, 0700, 0, 0, 0, 0);
        GOT_IF(is_bad && result >= 0 && calls[i] != SYS_utime && calls[i] != SYS_utimes,
               "call %ld took a name that nobody can read\n", calls[i]);
        if (result > 2 && (calls[i] == SYS_open || calls[i] == SYS_creat))
            close((int)result);
    }
    for (size_t i = 0; i < sizeof at_calls / sizeof *at_calls; i++) {
        long result = syscall(at_calls[i], -100, name, 0, 0, 0, 0);
        if (result > 2 && at_calls[i] == SYS_openat)
            close((int)result);
        syscall(at_calls[i], 1 << 30, name, 0, 0x1000, 0, 0);
    }
    syscall(SYS_rename, name, name);
    syscall(SYS_link, name, "x");
    syscall(SYS_symlink, "x", name);
    syscall(SYS_renameat2, -100, name, -100, "y", 0x80000000);
}

int main(void)
{
    begin();
    CHECK(mkdir("here", 0700) == 0 && chdir("here") == 0);
    char *pages = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && munmap(pages + 8 * 4096, 4096) == 0);
    char *edge = pages + 8 * 4096;
    memset(pages, 'n', 8 * 4096);
    try_all(edge - 5, true);    /* no NUL before the hole */
    try_all(edge - 5000, true); /* longer than PATH_MAX, into the hole */
    memcpy(edge - 3, "ab", 3);
    try_all(edge - 3, false); /* ends right at the hole */
    const uint64_t nowhere[] = {0, 1, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, 0xffffffffff600000, UINT64_MAX};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        try_all((void *)(uintptr_t)nowhere[i], true);
    static char longest[2 * PATH_MAX];
    for (size_t length = PATH_MAX - 2; length <= PATH_MAX + 1; length++) {
        /* Not from the root: some of these calls change what they name. */
        memset(longest, '/', sizeof longest);
        longest[0] = '.';
        longest[length] = 0;
        try_all(longest, false);
        for (size_t i = 2; i < length; i += 2)
            longest[i] = '.';
        try_all(longest, false);
    }
    for (int length = 254; length <= 256; length++) {
        memset(longest, 0xc3, (size_t)length); /* no UTF-8 */
        longest[length] = 0;
        try_all(longest, false);
    }
    const char *const odd[] = {"", "a\nb", "\xff\xfe", "\x01", "\\\\?\\C:\\x", "con", "nul ", "a:b", "a.", " "};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        try_all(odd[i], false);
    return 0;
}
