/* Asks for a directory's case flag by every call that can, and tells each answer: the result, or the error number. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FLAG "system.wsl_case_sensitive"
#define KEPT "user.picobox.case"

struct arguments {
    uint64_t value;
    uint32_t size, flags;
};

enum { SETXATTRAT = 463, GETXATTRAT, LISTXATTRAT, REMOVEXATTRAT };

static void tell(const char *what, long result) {
    printf("%s %ld\n", what, result < 0 ? -(long)errno : result);
}

static void tell_value(const char *what, long result, const char *value) {
    if (result < 0)
        tell(what, result);
    else
        printf("%s %ld %.*s\n", what, result, (int)result, value);
}

static void tell_names(const char *what, long result, const char *names) {
    if (result < 0) {
        tell(what, result);
        return;
    }
    printf("%s %ld", what, result);
    for (const char *name = names; name < names + result; name += strlen(name) + 1)
        printf(" %s", name);
    putchar('\n');
}

/* The same question by path, by a path whose last link counts, by descriptor and, if the kernel has it, by xattrat. */
static void get(const char *path, int fd) {
    char value[16] = "";
    char *volatile nowhere = (char *)8;
    tell_value("getxattr", getxattr(path, FLAG, value, sizeof value), value);
    tell_value("lgetxattr", lgetxattr(path, FLAG, value, sizeof value), value);
    tell_value("fgetxattr", fgetxattr(fd, FLAG, value, sizeof value), value);
    struct arguments arguments = {(uintptr_t)value, sizeof value, 0};
    long result = syscall(GETXATTRAT, AT_FDCWD, path, 0, FLAG, &arguments, sizeof arguments);
    if (result >= 0 || errno != ENOSYS)
        tell_value("getxattrat", result, value);
    tell("get size", getxattr(path, FLAG, NULL, 0));
    tell("get nothing", getxattr(path, FLAG, value, 0));
    tell("get badly", getxattr(path, FLAG, nowhere, 8));
    tell("get kept", getxattr(path, KEPT, value, sizeof value));
    tell("get other", getxattr(path, "system.other", value, sizeof value));
}

static void list(const char *path, int fd) {
    char names[256];
    tell_names("listxattr", listxattr(path, names, sizeof names), names);
    tell_names("llistxattr", llistxattr(path, names, sizeof names), names);
    tell_names("flistxattr", flistxattr(fd, names, sizeof names), names);
    long result = syscall(LISTXATTRAT, AT_FDCWD, path, 0, names, sizeof names);
    if (result >= 0 || errno != ENOSYS)
        tell_names("listxattrat", result, names);
    tell("list size", listxattr(path, NULL, 0));
    tell("list short", listxattr(path, names, sizeof FLAG - 1));
}

static void set(const char *path, int fd) {
    char value[2];
    tell("set create", setxattr(path, FLAG, "1", 1, XATTR_CREATE));
    tell("set other value", setxattr(path, FLAG, "2", 1, 0));
    tell("set long", setxattr(path, FLAG, "11", 2, 0));
    tell("set empty", setxattr(path, FLAG, "", 0, 0));
    tell("set bad flags", setxattr(path, FLAG, "1", 1, 8));
    tell("set kept", setxattr(path, KEPT, "1", 1, 0));
    tell("set other", setxattr(path, "system.other", "1", 1, 0));
    tell("removexattr", removexattr(path, FLAG));
    tell("lremovexattr", lremovexattr(path, FLAG));
    tell("fremovexattr", fremovexattr(fd, FLAG));
    long result = syscall(REMOVEXATTRAT, AT_FDCWD, path, 0, FLAG);
    if (result >= 0 || errno != ENOSYS)
        tell("removexattrat", result);
    tell("setxattr", setxattr(path, FLAG, "1", 1, XATTR_REPLACE));
    tell_value("then", getxattr(path, FLAG, value, sizeof value), value);
    tell("lsetxattr", lsetxattr(path, FLAG, "0", 1, 0));
    tell_value("then", getxattr(path, FLAG, value, sizeof value), value);
    tell("fsetxattr", fsetxattr(fd, FLAG, "1", 1, 0));
    tell_value("then", getxattr(path, FLAG, value, sizeof value), value);
    struct arguments arguments = {(uintptr_t) "0", 1, XATTR_REPLACE};
    result = syscall(SETXATTRAT, AT_FDCWD, path, 0, FLAG, &arguments, sizeof arguments);
    if (result >= 0 || errno != ENOSYS)
        tell("setxattrat", result);
    else
        setxattr(path, FLAG, "0", 1, 0);
    tell_value("then", getxattr(path, FLAG, value, sizeof value), value);
}

int main(int count, char **words) {
    if (count != 3)
        return 2;
    int fd = open(words[2], O_RDONLY);
    if (strcmp(words[1], "get") == 0)
        get(words[2], fd);
    else if (strcmp(words[1], "list") == 0)
        list(words[2], fd);
    else
        set(words[2], fd);
    return fflush(stdout) ? 1 : 0;
}
