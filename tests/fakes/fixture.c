/* fixture NAME: makes that tree in a temporary folder and prints its path, for a look by hand:
 *   t=$(build/dev/tests/fakes/fixture xeon2); IPW_SYSFS_ROOT=$t IPW_PROC_ROOT=$t/proc ipw sensors; rm -r "$t" */
#include <stdio.h>

#include "fakes/fakefs.h"

int main(int argc, char **argv)
{
    char root[256];
    if (argc != 2) {
        fputs("usage: fixture NAME (the names are in tests/fakes/fakefs.c and tests/fakes/fixtures)\n", stderr);
        return 2;
    }
    fakefs_make(argv[1], root, sizeof root);
    puts(root);
    return 0;
}
