/* A file system of this program's own: a child serves it by /dev/fuse (fuse(4)), the parent does what it can in it.
   With an argument it is mounted in a user namespace of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sched.h>
#include <unistd.h>

#define FILE_NODE 2
static const char SCRIPT[] = "#!/bin/true\n";

static void answer(int fuse, uint64_t unique, int error, const void *body, size_t size)
{
    char out[4096];
    struct fuse_out_header head = {.len = (uint32_t)(sizeof head + (error ? 0 : size)), .error = -error, .unique = unique};
    memcpy(out, &head, sizeof head);
    if (size)
        memcpy(out + sizeof head, body, size);
    if (write(fuse, out, head.len) < 0 && errno != ENOENT)
        _exit(3);
}

static struct fuse_attr attributes_of(uint64_t node)
{
    return (struct fuse_attr){.ino = node, .mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755, .nlink = 1, .size = node == FUSE_ROOT_ID ? 0 : sizeof SCRIPT - 1};
}

static void serve_one(int fuse, const char *request)
{
    const struct fuse_in_header *in = (const void *)request;
    struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096, .flags = FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS};
    struct fuse_attr_out attributes = {.attr = attributes_of(in->nodeid)};
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes_of(FILE_NODE)};
    struct fuse_open_out opened = {0};
    switch (in->opcode) {
    case FUSE_INIT:
        answer(fuse, in->unique, 0, &init, sizeof init);
        break;
    case FUSE_GETATTR:
        answer(fuse, in->unique, 0, &attributes, sizeof attributes);
        break;
    case FUSE_LOOKUP:
        answer(fuse, in->unique, strcmp(request + sizeof *in, "file") ? ENOENT : 0, &entry, sizeof entry);
        break;
    case FUSE_SETLK:
        answer(fuse, in->unique, 0, NULL, 0);
        break;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
        answer(fuse, in->unique, 0, &opened, sizeof opened);
        break;
    case FUSE_READ: {
        const struct fuse_read_in *read = (const void *)(in + 1);
        size_t from = read->offset < sizeof SCRIPT - 1 ? read->offset : sizeof SCRIPT - 1;
        answer(fuse, in->unique, 0, SCRIPT + from, sizeof SCRIPT - 1 - from);
        break;
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_READDIR:
        answer(fuse, in->unique, 0, NULL, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break;
    default:
        answer(fuse, in->unique, ENOSYS, NULL, 0);
    }
}

static void serve(int fuse)
{
    static char request[1 << 17];
    while (read(fuse, request, sizeof request) > 0 || errno == EINTR || errno == ENOENT)
        serve_one(fuse, request);
    _exit(0);
}

static int failed(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    return 1;
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        failed(path);
    close(fd);
}

static void run(const char *path)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, (char *)NULL);
        _exit(9);
    }
    waitpid(child, &status, 0);
    printf("run %s %x\n", path, status);
}

static void look_from_outside(void)
{
    struct stat found;
    char byte;
    printf("stat %d\n", stat("tree/file", &found));
    printf("absent %d\n", stat("tree/absent", &found));
    int fd = open("tree/file", O_RDWR);
    printf("open %d, fstat %d, read %zd\n", fd >= 0, fstat(fd, &found), read(fd, &byte, 1));
    struct flock lock = {.l_type = F_WRLCK, .l_len = 1};
    printf("locks %d %d\n", fcntl(fd, F_SETLK, &lock), flock(fd, LOCK_EX | LOCK_NB));
    int other = dup(fd);
    printf("rename another %d\n", rename("outside", "moved"));
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    printf("map %d\n", mapped != MAP_FAILED && munmap(mapped, 4096) == 0);
    printf("rename %d\n", rename("tree/file", "tree/other"));
    printf("back %d\n", rename("moved", "outside"));
    close(other);
    close(fd);
    printf("make %d, remove %d\n", mkdir("tree/directory", 0755), unlink("tree/file"));
    printf("out %d\n", rename("outside", "tree/file"));
    printf("link %d, through it %d\n", symlink("tree", "link"), close(open("link/file", O_RDONLY)));
    printf("unlink %d\n", unlink("link"));
    run("tree/file");
}

static void look_from_inside(void)
{
    char names[1024];
    printf("enter %d\n", chdir("tree"));
    printf("open %d, make %d\n", close(open("file", O_RDONLY)), open("new", O_RDWR | O_CREAT, 0600));
    int here = open(".", O_RDONLY | O_DIRECTORY);
    printf("list %ld\n", (long)syscall(SYS_getdents64, here, names, sizeof names));
    printf("at %d\n", close(openat(here, "file", O_RDONLY)));
    printf("rename another %d\n", rename("../outside", "../moved"));
    run("./file");
    close(here);
    printf("leave %d\n", chdir(".."));
}

static int put_user_at_home(void)
{
    char map[40];
    unsigned uid = getuid(), gid = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return 1;
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_text("/proc/self/uid_map", map);
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_text("/proc/self/gid_map", map);
    return 0;
}

int main(int argc, char **argv)
{
    char options[80];
    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)argv;
    if (argc > 1 && put_user_at_home())
        return failed("unshare");
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    if (fuse < 0 || (mkdir("tree", 0755) < 0 && errno != EEXIST) || mount("served", "tree", "fuse", 0, options) < 0)
        return failed("mount");
    pid_t child = fork();
    if (child == 0)
        serve(fuse);
    close(fuse);
    close(open("outside", O_CREAT | O_WRONLY, 0600));
    look_from_outside();
    look_from_inside();
    printf("unmount %d\n", umount2("tree", 0));
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    return 0;
}
