/* Makes a name again and again until the gate makes it without being asked, then has somebody else do something:
   `gate_permits DIRECTORY guest|outside`. What the name means is what it means now. */
#include "../programs/check.h"

enum { MOST = 1000, PERMITS = 0x7c1e7000, PERMIT_COUNT = 512 };

static int to, from; /* who acts */

static int make(const char *name)
{
    int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : close(fd);
}

static bool is_there(const char *name)
{
    struct stat status;
    return stat(name, &status) == 0;
}

/* What somebody outside makes is noticed a little later. */
static bool comes_to_be(const char *name, bool at_once)
{
    for (int left = 2000; left > 0; left--) {
        if (is_there(name))
            return true;
        if (at_once)
            return false;
        usleep(10000);
    }
    return false;
}

static void make_and_remove(const char *name)
{
    CHECK(!is_there(name) && make(name) == 0 && is_there(name) && unlink(name) == 0 && !is_there(name));
}

static bool has_permit(void)
{
    const volatile uint64_t *permits = (const volatile uint64_t *)PERMITS;
    for (int i = 0; i < PERMIT_COUNT; i++)
        if (permits[i])
            return true;
    return false;
}

static void get_permit(const char *name)
{
    int left = MOST;
    do
        make_and_remove(name);
    while (!has_permit() && --left);
    CHECK(left > 0);
}

/* A path behind which nothing can be read. */
static const char *without_end(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
    return memset(pages + 4096 - 20, 'x', 20);
}

static void act(char what)
{
    if (what == 'n')
        return;
    if (what == 'o')
        CHECK(make("dir/NAME") == 0);
    else if (what == 'u')
        CHECK(unlink("dir/NAME") == 0);
    else if (what == 'l')
        CHECK(symlink("TARGET", "dir/name") == 0);
    else if (what == 'x')
        CHECK(unlink("dir/name") == 0);
    else if (what == 'd')
        CHECK(rename("dir", "away") == 0 && rename("other", "dir") == 0);
    else
        CHECK(!"a letter that is known");
}

static void have_done(char what)
{
    char byte;
    CHECK(write(to, &what, 1) == 1 && read(from, &byte, 1) == 1 && byte == what);
}

static void act_as_told(void)
{
    char what;
    do {
        CHECK(read(to, &what, 1) == 1);
        if (what != 'e')
            act(what);
        CHECK(chdir(".") == 0); /* a call that is seen: what it was about to make it has made */
        CHECK(write(from, &what, 1) == 1);
    } while (what != 'e');
    _exit(0);
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc == 3 && chdir(argv[1]) == 0 && (to = open("to", O_RDWR)) >= 0 && (from = open("from", O_RDWR)) >= 0);
    bool by_guest = strcmp(argv[2], "guest") == 0;
    pid_t pid = by_guest ? fork_child() : -1;
    if (pid == 0)
        act_as_told();
    for (int i = 0; i < 20; i++)
        have_done('n');
    get_permit("dir/name");
    have_done('n');
    CHECK(has_permit());
    CHECK(make(NULL) == -EFAULT && make(without_end()) == -EFAULT);
    get_permit("dir/name");
    for (int i = 0; i < MOST; i++)
        make_and_remove("dir/name");

    get_permit("dir/name");
    have_done('o');
    CHECK(comes_to_be("dir/name", by_guest) && make("dir/name") == -EEXIST);
    have_done('u');

    /* What it made is over at its next question, and then nobody is stopped who makes another spelling. */
    get_permit("dir/name");
    CHECK(!is_there("dir/unknown") && !has_permit());
    have_done('o');
    CHECK(comes_to_be("dir/name", by_guest) && make("dir/name") == -EEXIST);
    have_done('u');

    get_permit("dir/name");
    have_done('l');
    CHECK(comes_to_be("dir/name", by_guest) && make("dir/name") == -EEXIST);
    have_done('x');

    get_permit("dir/name");
    have_done('d');
    CHECK(comes_to_be("dir/name", by_guest) && make("dir/name") == -EEXIST);
    have_done('e');
    CHECK(pid < 0 || wait_exit(pid) == 0);
    return 0;
}
