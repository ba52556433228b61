/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan made of a described machine and a configuration's text. */
#ifndef PLAN_FIXTURE_H
#define PLAN_FIXTURE_H

#include "backend/backend.h"
#include "base/strbuf.h"
#include "fake_host.h"
#include "plan/plan.h"

struct plan_fixture {
    struct cage_host host;
    struct cage_config config;
    struct cage_project project;
    struct cage_nix_env nix;
    struct cage_plan plan;
    struct cage_error err;
    bool without_nix, interactive;
    const char *hide; /* added to the blacklist; NULL: nothing */
};

/* Reads the machine hosts/NAME.host of the golden directory, extended by `more` (or NULL); root is the
 * project. */
void plan_fixture_init(struct plan_fixture *f, const char *host_name, const char *root, const char *more);
void plan_fixture_finish(struct plan_fixture *f);

/* Parses the configuration and makes the plan of running `true --flag`. Returns cage_plan_build()'s answer.
 */
int plan_fixture_build(struct plan_fixture *f, const char *toml);

/* The operation at dest; NULL: none. */
const struct cage_op *plan_fixture_op(const struct plan_fixture *f, const char *dest);

/* Everything in the plan, and bwrap's arguments, one option a line. */
void plan_fixture_dump(const struct plan_fixture *f, struct cage_strbuf *out);

#endif
