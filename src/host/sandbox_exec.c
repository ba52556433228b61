/* SPDX-License-Identifier: GPL-3.0-or-later */
/* macOS only, in the place of bwrap.c. */
#include "base/mem.h"
#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SANDBOX_EXEC "/usr/bin/sandbox-exec"

void cage_bwrap_finish(struct cage_bwrap *bwrap)
{
    free(bwrap->path);
    *bwrap = (struct cage_bwrap){0};
}

int cage_bwrap_probe(const struct cage_host *host, struct cage_bwrap *bwrap, struct cage_error *err)
{
    (void)host;
    *bwrap = (struct cage_bwrap){0};
    if (access(SANDBOX_EXEC, X_OK) < 0) {
        cage_error_sys(err, errno, SANDBOX_EXEC);
        err->code = CAGE_ERR_MISSING;
        return cage_error_hint(err, "it is part of macOS: reinstall the system");
    }
    bwrap->path = cage_strdup(SANDBOX_EXEC);
    return 0;
}
