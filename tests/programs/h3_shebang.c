/* Shows chains of interpreter scripts: their arguments, the longest chain, ELOOP beyond it, and broken first lines. */
#include "check.h"

static char self[PATH_MAX];

static void write_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(fchmod(fd, mode) == 0 && close(fd) == 0);
}

/* The status of an exec, or the errno with which it failed as a negative number. */
static int status_of_exec(const char *path, char *const arguments[])
{
    int report[2], error = 0;
    open_pipe(report);
    pid_t pid = fork_child();
    if (pid == 0) {
        execv(path, arguments);
        error = errno;
        CHECK(write(report[1], &error, sizeof error) == sizeof error);
        _exit(0);
    }
    close(report[1]);
    ssize_t got = read(report[0], &error, sizeof error);
    close(report[0]);
    int status = wait_exit(pid);
    return got == sizeof error ? -error : status;
}

static void run(const char *title, const char *path)
{
    char *arguments[] = {"given0", "given1", "given two", NULL};
    say("%s:\n", title);
    int status = status_of_exec(path, arguments);
    if (status < 0)
        say("  %s\n", errno_name(-status));
    else
        say("  status %d\n", status);
}

/* The interpreter at the end of each chain. */
static int show_arguments(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        say("  argument %d: [%s]\n", i, argv[i]);
    return 10 + argc;
}

static void chains(void)
{
    write_file("chain1", "#!./interpreter one\n", 0755);
    for (int i = 2; i <= 7; i++) {
        char name[16], line[64], title[32];
        snprintf(name, sizeof name, "./chain%d", i);
        snprintf(line, sizeof line, "#!./chain%d  option %d \n", i - 1, i);
        write_file(name, line, 0755);
        snprintf(title, sizeof title, "chain of %d", i);
        run(title, name);
    }
    write_file("loop", "#!./loop\n", 0755);
    run("script that is its own interpreter", "./loop");
}

static void broken(void)
{
    char line[400];
    write_file("empty", "#!\n", 0755);
    run("no interpreter named", "./empty");
    write_file("blank", "#!   \n", 0755);
    run("blanks alone", "./blank");
    write_file("missing", "#!/nonexistent/interpreter\n", 0755);
    run("missing interpreter", "./missing");
    write_file("directory", "#!/tmp\n", 0755);
    run("interpreter is a directory", "./directory");
    write_file("plain", "#!./chain1\n", 0644);
    run("script that is not executable", "./plain");
    write_file("to_plain", "#!./plain\n", 0755);
    run("interpreter that is not executable", "./to_plain");
    write_file("no_end", "#!./interpreter tail", 0755);
    run("no newline", "./no_end");
    snprintf(line, sizeof line, "#!./interpreter %0300d\n", 0);
    write_file("long", line, 0755);
    run("argument cut at 255 bytes", "./long");
    snprintf(line, sizeof line, "#!./%0300d\n", 0);
    write_file("long_name", line, 0755);
    run("interpreter name beyond 255 bytes", "./long_name");
    write_file("text", "echo no magic\n", 0755);
    run("no #! at all", "./text");
    write_file("zero", "", 0755);
    run("empty file", "./zero");
}

int main(int argc, char **argv)
{
    begin();
    if (strstr(argv[0], "interpreter"))
        return show_arguments(argc, argv);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    CHECK(length > 0);
    /* A name relative to the directory keeps the output free of paths. */
    CHECK(symlink(self, "interpreter") == 0);
    write_file("simple", "#!./interpreter\n", 0755);
    run("no argument", "./simple");
    write_file("blanks", "#! \t ./interpreter \t a  b\tc \t\n", 0755);
    run("one argument, blanks kept inside", "./blanks");
    chains();
    broken();
    return 0;
}
