/* Renames each of two to the name of the other. */
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    return argc != 3 || renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) != 0;
}
