/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backend/seatbelt.h"
#include "base/mem.h"

#include <stdlib.h>

void cage_seatbelt_input_init(struct cage_seatbelt_input *in)
{
    *in = (struct cage_seatbelt_input){.level = CAGE_LEVEL_STRICT, .net = CAGE_NET_NONE};
}

void cage_seatbelt_input_finish(struct cage_seatbelt_input *in)
{
    for (size_t i = 0; i < in->n_grants; i++)
        free(in->grants[i].path);
    for (size_t i = 0; i < in->n_guards; i++) {
        free(in->guards[i].path);
        free(in->guards[i].except);
        free(in->guards[i].pattern);
    }
    free(in->grants);
    free(in->guards);
    free(in->host_ports);
    free(in->expose);
    free(in->tty);
    free(in->tag);
    cage_strv_finish(&in->nodes);
    cage_strv_finish(&in->deny);
    cage_strv_finish(&in->nix_reads);
    cage_strv_finish(&in->sockets);
    cage_seatbelt_input_init(in);
}

void cage_seatbelt_grant(struct cage_seatbelt_input *in, const char *path, bool writable,
                         enum cage_file_type type)
{
    in->grants = cage_realloc_array(in->grants, in->n_grants + 1, sizeof *in->grants);
    in->grants[in->n_grants++] =
        (struct cage_seatbelt_grant){.path = cage_strdup(path), .writable = writable, .type = type};
}

void cage_seatbelt_guard(struct cage_seatbelt_input *in, const char *path, const char *except,
                         const char *pattern)
{
    in->guards = cage_realloc_array(in->guards, in->n_guards + 1, sizeof *in->guards);
    in->guards[in->n_guards++] = (struct cage_seatbelt_guard){
        .path = cage_strdup(path), .except = cage_strdup(except), .pattern = cage_strdup(pattern)};
}
