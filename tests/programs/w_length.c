/* Shows MAX_PATH where the working directory stands for a path of 14 units: 259 for files, 247 for new directories. */
/* profile: windows10 --windows-prefix E:\src\project */
/* profile: windows11 --windows-prefix E:/src/project/ */
#include "check.h"

#define PREFIX 14 /* and a backslash follows */

/* A path whose Windows path has this many units: directories of 99 letters and a file's name. */
static const char *path_of(char *path, size_t units)
{
    size_t length = units - PREFIX - 1;
    for (size_t i = 0; i < length; i++)
        path[i] = i % 100 == 99 ? '/' : 'd';
    path[length] = 0;
    CHECK(path[length - 1] != '/');
    return path;
}

int main(void)
{
    char path[512], wide[300] = "";
    begin();
    for (int directories = 1; directories <= 2; directories++)
        CHECK(mkdir(path_of(path, (size_t)(PREFIX + 100 * directories)), 0700) == 0);
    CHECK(open(path_of(path, 259), O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0);
    CHECK_FAILS(open(path_of(path, 260), O_CREAT | O_RDWR, 0600), ENOENT);
    CHECK_FAILS(access(path_of(path, 260), F_OK), ENOENT);
    CHECK(mkdir(path_of(path, 247), 0700) == 0);
    CHECK_FAILS(mkdir(path_of(path, 248), 0700), ENOENT);
    say("259 units for files, 247 for new directories\n");
    for (int i = 0; i < 120; i++)
        strcat(wide, "\xc3\xa9");
    CHECK(open(wide, O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0);
    CHECK(chdir(path_of(path, PREFIX + 200)) == 0);
    memset(wide, 'w', 45), wide[45] = 0;
    CHECK_FAILS(open(wide, O_CREAT | O_RDWR | O_CLOEXEC, 0600), ENOENT);
    wide[44] = 0;
    CHECK(open(wide, O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0);
    say("in UTF-16 units, from the working directory too\n");
    return 0;
}
