/* A8: links of /proc that lead past names: root, cwd, fd and map_files of every process, /dev/fd, /dev/stdin. */
/* Walls: tree */
/* Walls without namespaces: landlock-files */
#include "attack.h"
#include <dirent.h>

static void try_links(const char *pid)
{
    char path[PATH_MAX];
    const char *const ways[] = {"root", "cwd/../../../../../../..", "task/1/root", "map_files/../root"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        snprintf(path, sizeof path, "/proc/%s/%s%s", pid, ways[i], decoy("ATTACK_FORBIDDEN"));
        GOT_IF(reads_secret(path), "the secret through %s\n", path);
    }
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        int fd = openat(dirfd(directory), entry->d_name, O_PATH | O_CLOEXEC);
        struct stat about;
        if (fd >= 0 && fstat(fd, &about) == 0 && S_ISDIR(about.st_mode)) {
            char way[PATH_MAX];
            snprintf(way, sizeof way, "../../../../../..%s", decoy("ATTACK_FORBIDDEN"));
            GOT_IF(holds_secret(openat(fd, way, O_RDONLY | O_CLOEXEC)), "the secret through %s/%s\n", path,
                   entry->d_name);
        }
        if (fd >= 0)
            close(fd);
    }
    if (directory)
        closedir(directory);
}

int main(void)
{
    begin();
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    while (processes && (entry = readdir(processes)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            try_links(entry->d_name);
    try_links("self");
    try_links("thread-self");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/dev/fd/0/../../..%s", decoy("ATTACK_FORBIDDEN"));
    GOT_IF(reads_secret(path), "the secret through %s\n", path);
    return 0;
}
