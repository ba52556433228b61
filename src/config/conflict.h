/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_CONFIG_CONFLICT_H
#define CAGE_CONFIG_CONFLICT_H

#include "config/config.h"

/* Keys that are fine one by one but contradict each other. Returns 0, or -1 with *err at one of them. */
int cage_config_check_conflicts(const struct cage_config *config, struct cage_error *err);

#endif
