/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a profile must not be made from. */
#include "backend/seatbelt.h"
#include "backend/seatbelt_emit.h"
#include "base/mem.h"
#include "base/path.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* APFS compares names without case, and so does Seatbelt. */
static bool is_under(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    if (strcmp(dir, "/") == 0)
        return true;
    return strncasecmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int check_list(const struct cage_strv *paths, struct cage_error *err)
{
    for (size_t i = 0; i < paths->n; i++)
        if (cage_sbpl_path_check(paths->items[i], err) < 0)
            return -1;
    return 0;
}

/* Trees under which every file of the machine shows up (again): a grant there would go round every denial. */
static int check_breadth(const struct cage_seatbelt_grant *grant, struct cage_error *err)
{
    static const char *const all[] = {"/",    "/System", "/System/Volumes", "/System/Volumes/Data",
                                      "/dev", "/Volumes"};

    for (size_t i = 0; i < CAGE_LEN(all); i++)
        if (strcasecmp(grant->path, all[i]) == 0) {
            cage_error_set(err, CAGE_ERR_CONFIG, "%s cannot be bound: it holds the whole machine", all[i]);
            return cage_error_hint(err, "name the directories in it that the cage needs");
        }
    if (grant->writable && is_under(grant->path, "/nix/store")) {
        cage_error_set(err, CAGE_ERR_CONFIG, "%s cannot be bound for writing: the store stays as it is",
                       grant->path);
        return cage_error_hint(err, "take it out of rw_bind, or use ro_bind");
    }
    return 0;
}

static int check_grants(const struct cage_seatbelt_input *in, struct cage_error *err)
{
    for (size_t i = 0; i < in->n_grants; i++) {
        const struct cage_seatbelt_grant *grant = &in->grants[i];

        if (cage_sbpl_path_check(grant->path, err) < 0 || check_breadth(grant, err) < 0)
            return -1;
        for (size_t k = 0; k < in->deny.n; k++)
            if (is_under(grant->path, in->deny.items[k])) {
                cage_error_set(err, CAGE_ERR_CONFIG, "%s is at or under the blacklisted %s", grant->path,
                               in->deny.items[k]);
                return cage_error_hint(err, "take it out of the binds, or its parent out of the blacklist");
            }
    }
    return 0;
}

/* A terminal's name goes into the profile; anything else there would be a mistake of ours. */
static int check_tty(const char *tty, struct cage_error *err)
{
    const char *p = tty;

    if (strncmp(p, "/dev/tty", 8) != 0 || p[8] == '\0')
        return cage_error_set(err, CAGE_ERR_INTERNAL, "%s is not a terminal", tty);
    for (p += 8; *p; p++)
        if (!isalnum((unsigned char)*p))
            return cage_error_set(err, CAGE_ERR_INTERNAL, "%s is not a terminal", tty);
    return 0;
}

static int check_guards(const struct cage_seatbelt_input *in, struct cage_error *err)
{
    for (size_t i = 0; i < in->n_guards; i++) {
        if (cage_sbpl_path_check(in->guards[i].path, err) < 0)
            return -1;
        if (!in->guards[i].except)
            continue;
        if (cage_sbpl_path_check(in->guards[i].except, err) < 0)
            return -1;
        if (!cage_path_is_under(in->guards[i].except, in->guards[i].path))
            return cage_error_set(err, CAGE_ERR_INTERNAL, "%s is not below %s", in->guards[i].except,
                                  in->guards[i].path);
    }
    return 0;
}

int cage_seatbelt_check(const struct cage_seatbelt_input *in, struct cage_error *err)
{
    if (check_list(&in->deny, err) < 0 || check_list(&in->nodes, err) < 0 ||
        check_list(&in->nix_reads, err) < 0 || check_list(&in->sockets, err) < 0)
        return -1;
    if (check_grants(in, err) < 0 || check_guards(in, err) < 0)
        return -1;
    if (in->tty && check_tty(in->tty, err) < 0)
        return -1;
    if (in->net == CAGE_NET_GATE && in->gate_port == 0)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "the network gate has no port");
    return 0;
}
