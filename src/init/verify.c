/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between planning and mounting, a path can be made to lead elsewhere (a symlink swapped in a directory that
 * others write to). So what is really mounted is compared with what was looked at when the plan was made.
 */
#include "init/init.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int init_verify(const struct init_spec *spec, struct init_failure *failure)
{
    struct cage_spec_record record;
    struct cage_spec_verify want;
    size_t offset = 0;
    struct stat st;

    while (cage_spec_next(spec->buf, spec->size, &offset, &record) > 0) {
        const char *path = record.data + sizeof want;

        if (record.tag != CAGE_SPEC_VERIFY)
            continue;
        memcpy(&want, record.data, sizeof want);
        if (lstat(path, &st) < 0)
            return init_fail(failure, "cannot check what was mounted at", path);
        if (st.st_dev == want.dev && st.st_ino == want.ino)
            continue;
        errno = ESTALE;
        return init_fail(failure, "this changed while the cage was built, so nothing was run:", path);
    }
    return 0;
}
