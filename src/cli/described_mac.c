/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/described_mac.h"
#include "backend/seatbelt_job.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BASH "/nix/store/00000000000000000000000000000000-bash/bin/bash"

/* What is there on a Mac that has Nix, whatever this machine has. */
static const struct {
    const char *path, *link;
    enum cage_file_type type;
} there[] = {
    {"/nix/store", NULL, CAGE_FILE_DIR},
    {"/nix/var/nix/profiles", NULL, CAGE_FILE_DIR},
    {"/nix/var/nix/daemon-socket/socket", NULL, CAGE_FILE_OTHER},
    {"/private/tmp", NULL, CAGE_FILE_DIR},
    {"/tmp", "/private/tmp", CAGE_FILE_DIR},
    {"/var", "/private/var", CAGE_FILE_DIR},
    {"/etc", "/private/etc", CAGE_FILE_DIR},
};

/* host->fake is the lookup of the machine that this one is. */
static int described_lookup(const struct cage_host *host, const char *path, struct cage_file_fact *fact,
                            struct cage_error *err)
{
    const struct cage_host *real = host->fake;

    for (size_t i = 0; i < CAGE_LEN(there); i++) {
        if (strcmp(there[i].path, path) != 0)
            continue;
        *fact = (struct cage_file_fact){
            .type = there[i].type,
            .real = cage_strdup(there[i].link ? there[i].link : path),
            .mode = 0755,
            .nlink = 1,
            .is_symlink = there[i].link != NULL,
            .link_target = cage_strdup(there[i].link),
        };
        return 0;
    }
    return real->lookup(real, path, fact, err);
}

static void describe(struct cage_host *host, struct cage_host *real)
{
    *real = *host;
    host->lookup = described_lookup;
    host->lookup_child = NULL;
    host->fake = real;
    free(host->os);
    free(host->system);
    host->os = cage_strdup("macos");
    host->system = cage_strdup("aarch64-darwin");
    host->landlock_abi = 0;
}

int cage_described_mac_prepare(struct cage_entry *entry, struct cage_session *session, char *const *argv,
                               struct cage_error *err)
{
    struct cage_host real;
    struct cage_plan_input input = {
        .config = &session->config,
        .host = &session->host,
        .project = &session->project,
        .argv = argv,
        .interactive = !argv,
        .nix = cage_nix_needed(&session->config) ? &entry->nix : NULL,
    };
    int rc;

    describe(&session->host, &real);
    if (input.nix) {
        entry->nix.store_root = cage_strdup("/nix");
        entry->nix.bash = cage_strdup(BASH);
    }
    rc = cage_plan_build(&entry->plan, &input, err);
    session->host.lookup = real.lookup;
    session->host.lookup_child = real.lookup_child;
    session->host.fake = real.fake;
    return rc;
}

int cage_described_mac_profile(const struct cage_plan *plan, const struct cage_host *host,
                               struct cage_strbuf *out, struct cage_error *err)
{
    CAGE_CLEANUP(cage_seatbelt_job_finish) struct cage_seatbelt_job job = {0};
    cage_autofree char *dir = cage_format("/private/tmp/nixcage-%lu-XXXXXX", (unsigned long)host->uid);
    /* A run takes whatever port is free; this is one of those (RFC 6335). */
    const struct cage_seatbelt_session session = {.dir = dir, .gate_port = 49152};

    if (cage_seatbelt_job_make(&job, plan, host, &session, err) < 0)
        return -1;
    return cage_seatbelt_render(&job.input, out, err);
}
