/* Owns what the core looks at before a program runs: whether it is one of 32 bits, whose calls would all be refused. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "native.h"

#define HEAD 256      /* as many bytes as the kernel looks at (linux/binfmts.h, BINPRM_BUF_SIZE) */
#define SCRIPT_DEPTH 5 /* fs/exec.c: an interpreter may be a script itself, so many times */

/* The first bytes of a file as the task would execute it; false if it cannot be read, or not be found as it is spelled. */
static bool read_head(int32_t tid, const char *path, char head[HEAD + 1])
{
    char whole[PATH_MAX + 32];
    snprintf(whole, sizeof whole, path[0] == '/' ? "/proc/%d/root%s" : "/proc/%d/cwd/%s", tid, path);
    /* O_NONBLOCK: a FIFO must not hold us; O_NOCTTY: neither must a terminal adopt us. */
    int fd = open(whole, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    memset(head, 0, HEAD + 1);
    ssize_t length = read(fd, head, HEAD);
    close(fd);
    return length > 0;
}

/* Of a script whose head this is, cut to its interpreter's path; NULL if it is none. */
static char *interpreter_in(char *head)
{
    if (strncmp(head, "#!", 2) != 0)
        return NULL;
    char *path = head + 2 + strspn(head + 2, " \t");
    path[strcspn(path, " \t\n")] = 0;
    return *path ? path : NULL;
}

bool image_is_plain(struct pb_core *core, int32_t tid, uint64_t path)
{
    char name[PATH_MAX], head[HEAD + 1];
    int64_t length = pb_read_string(core, tid, path, name, sizeof name);
    if (length <= 0 || guests_serve_to(core, tid))
        return false;
    for (int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
        if (!read_head(tid, name, head))
            return false;
        if (memcmp(head, ELFMAG, SELFMAG) == 0)
            return head[EI_CLASS] == ELFCLASS64;
        const char *interpreter = interpreter_in(head);
        if (!interpreter)
            return false;
        strcpy(name, interpreter);
    }
    return false;
}
