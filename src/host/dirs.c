/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories of the user and of this program. */
#include "base/mem.h"
#include "base/path.h"
#include "cage_config.h"
#include "host/host_internal.h"
#include "host/nss.h"

#include <stdlib.h>
#include <unistd.h>

static char *xdg_dir(const struct cage_host *host, const char *variable, const char *below_home)
{
    const char *value = cage_host_getenv(host, variable);
    cage_autofree char *base = NULL;
    cage_autofree char *joined = NULL;

    /* "All paths set in these environment variables must be absolute. If […] relative, […] ignore it." */
    base = value && value[0] == '/' ? cage_strdup(value) : cage_path_join(host->home, below_home);
    joined = cage_path_join(base, "nixcage");
    return cage_path_clean(joined);
}

void cage_host_find_xdg(struct cage_host *host)
{
    host->config_home = xdg_dir(host, "XDG_CONFIG_HOME", ".config");
    host->cache_home = xdg_dir(host, "XDG_CACHE_HOME", ".cache");
    host->data_home = xdg_dir(host, "XDG_DATA_HOME", ".local/share");
    host->state_home = xdg_dir(host, "XDG_STATE_HOME", ".local/state");
}

/* Where our files lie relative to the directory of the program: the build tree first, so that tests use it.
 */
static const struct layout {
    const char *init, *record, *nss, *data, *bin;
} layouts[] = {
    {"init/nixcage-init", "init/nixcage-record", "host/nixcage-nss", "../../share", "bin"},
    {"../libexec/nixcage/nixcage-init", "../libexec/nixcage/nixcage-record", "../libexec/nixcage/nixcage-nss",
     "../share/nixcage", "../libexec/nixcage/bin"},
};

static char *beside(const char *dir, const char *name)
{
    cage_autofree char *joined = cage_path_join(dir, name);

    return cage_path_clean(joined);
}

char *cage_host_nss_program(void)
{
    cage_autofree char *exe = cage_host_own_program();
    cage_autofree char *dir = exe ? cage_path_dirname(exe) : NULL;

    for (size_t i = 0; dir && i < CAGE_LEN(layouts); i++) {
        cage_autofree char *nss = beside(dir, layouts[i].nss);

        if (access(nss, X_OK) == 0)
            return cage_steal(&nss);
    }
    return cage_strdup(CAGE_LIBEXECDIR "/nixcage-nss");
}

void cage_host_find_own_files(struct cage_host *host)
{
    cage_autofree char *exe = cage_host_own_program();
    cage_autofree char *dir = exe ? cage_path_dirname(exe) : NULL;

    for (size_t i = 0; dir && i < CAGE_LEN(layouts); i++) {
        cage_autofree char *record = beside(dir, layouts[i].record);

        if (access(record, F_OK) < 0)
            continue;
        host->init_path = beside(dir, layouts[i].init);
        host->record_path = cage_steal(&record);
        host->data_dir = beside(dir, layouts[i].data);
        host->bin_dir = beside(dir, layouts[i].bin);
        return;
    }
    host->init_path = cage_strdup(CAGE_LIBEXECDIR "/nixcage-init");
    host->record_path = cage_strdup(CAGE_LIBEXECDIR "/nixcage-record");
    host->data_dir = cage_strdup(CAGE_DATADIR);
    host->bin_dir = cage_strdup(CAGE_LIBEXECDIR "/bin");
}
