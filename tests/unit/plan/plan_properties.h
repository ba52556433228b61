/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold for every plan, whatever the configuration says; shared by the unit test and the fuzzer. */
#ifndef PLAN_PROPERTIES_H
#define PLAN_PROPERTIES_H

#include <stddef.h>

/* The number of machines to choose from. */
size_t plan_properties_hosts(void);

/*
 * Makes the plan of a configuration on machine number `host` and checks it; then once more with `hide` (or
 * NULL) blacklisted. Returns a static description of what does not hold, or NULL. *planned tells whether
 * there was a plan.
 */
const char *plan_properties_check(size_t host, const char *toml, const char *hide, int *planned);

#endif
