/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int cage_run_secure_stdio(struct cage_error *err)
{
    for (int n = 0; n < 3; n++) {
        int fd;

        if (fcntl(n, F_GETFD) >= 0)
            continue;
        /* The lowest free number is n: all below are in use. */
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
        if (fd != n) {
            cage_error_set(err, CAGE_ERR_SYSTEM, "standard stream %d is closed and /dev/null is not usable",
                           n);
            return cage_error_hint(err, "open the stream, or repair /dev/null: mknod /dev/null c 1 3");
        }
    }
    return 0;
}

int cage_run_check_stdio(struct cage_error *err)
{
    for (int n = 0; n < 3; n++) {
        struct stat st;
        bool is_path = false;

        if (fstat(n, &st) < 0)
            return cage_error_sys(err, errno, "cannot look at standard stream %d", n);
#ifdef O_PATH
        is_path = fcntl(n, F_GETFL) & O_PATH;
#endif
        if (!S_ISDIR(st.st_mode) && !is_path)
            continue;
        cage_error_set(err, CAGE_ERR_USAGE, "standard stream %d is %s", n,
                       is_path ? "no open file"
                               : "a directory: everything beside it could be reached from it");
        return cage_error_hint(err, "give it a file, for example: </dev/null");
    }
    return 0;
}
