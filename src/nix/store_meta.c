/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/store_meta.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define META_HEADER "nixcage-store-1"

enum { MAX_META = 16 << 20 };

char *cage_nix_stores_dir(const struct cage_host *host)
{
    return cage_path_join(host->data_home, "stores");
}

char *cage_nix_store_dir(const struct cage_host *host, const char *project_root, enum cage_store_mode mode)
{
    char hex[CAGE_HASH_HEX];

    cage_hash_hex(project_root, strlen(project_root), hex);
    return cage_format("%s/stores/%.32s-%s", host->data_home, hex, cage_store_mode_name(mode));
}

void cage_nix_store_meta_finish(struct cage_nix_store_meta *meta)
{
    free(meta->digest);
    free(meta->mode);
    free(meta->project);
    cage_strv_finish(&meta->paths);
}

int cage_nix_store_meta_read(const char *store, struct cage_nix_store_meta *meta)
{
    cage_autofree char *path = cage_path_join(store, "meta");
    CAGE_STRBUF_AUTO text = {0};
    char **slots[] = {&meta->digest, &meta->mode, &meta->project};
    char *save = NULL, *line;
    size_t n = 0;

    memset(meta, 0, sizeof *meta);
    cage_strbuf_init(&text);
    if (cage_fs_read(AT_FDCWD, path, MAX_META, &text, NULL) < 0)
        return -1;
    line = strtok_r(text.buf, "\n", &save);
    if (!line || strcmp(line, META_HEADER) != 0)
        return -1;
    while ((line = strtok_r(NULL, "\n", &save))) {
        if (n < CAGE_LEN(slots))
            *slots[n++] = cage_strdup(line);
        else if (strncmp(line, "/nix/store/", 11) == 0)
            cage_strv_add(&meta->paths, line);
    }
    return n == CAGE_LEN(slots) ? 0 : -1;
}

int cage_nix_store_meta_write(const char *store, const char *project, enum cage_store_mode mode,
                              const struct cage_strv *paths, const char *digest, struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(store, "meta");
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_strbuf_addf(&text, META_HEADER "\n%s\n%s\n%s\n", digest, cage_store_mode_name(mode), project);
    for (size_t i = 0; i < paths->n; i++)
        cage_strbuf_addf(&text, "%s\n", paths->items[i]);
    return cage_fs_write_atomic(AT_FDCWD, path, text.buf, text.len, 0600, err);
}
