/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/run.h"

#include <fcntl.h>
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
