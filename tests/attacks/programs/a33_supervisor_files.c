/* A33: what /proc tells of the supervisor and of others who are not in the sandbox: environment, memory, descriptors. */
/* Walls: proc */
/* Gap without namespaces: the command lines of all processes can be read */
#include "attack.h"
#include <dirent.h>

static bool tells(const char *pid, const char *file, char *text, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, size - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    for (ssize_t i = 0; i < got; i++)
        if (text[i] == 0 || text[i] == '\n')
            text[i] = ' ';
    return got > 0;
}

int main(void)
{
    begin();
    static char text[65536];
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    CHECK(processes);
    while ((entry = readdir(processes))) {
        const char *pid = entry->d_name;
        if (pid[0] < '1' || pid[0] > '9')
            continue;
        /* The supervisor runs a Python, the decoys are named so, and their environments have marks of their own. */
        if (tells(pid, "cmdline", text, sizeof text))
            GOT_IF(strstr(text, "picobox") && strstr(text, "-m "), "the command line of the supervisor, by %s: %.200s\n", pid, text);
        if (tells(pid, "environ", text, sizeof text))
            GOT_IF(strstr(text, "ATTACK_OUTER="), "the environment of process %s, outside\n", pid);
        if (tells(pid, "maps", text, sizeof text))
            GOT_IF(strstr(text, "_core.") || strstr(text, "libpython") || strstr(text, "decoys"),
                   "the memory map of process %s, outside\n", pid);
    }
    closedir(processes);
    return 0;
}
