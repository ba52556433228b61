/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which address of the gate's range stands for which name. Addresses are given out in order, kept for the
 * whole run, and bounded: a cage that asks for ever new names below a "*.name" gets no more than
 * CAGE_NAMES_MAX.
 */
#ifndef CAGE_NET_NAMES_H
#define CAGE_NET_NAMES_H

#include "net/addr.h"

enum { CAGE_NAMES_MAX = 16384 };

struct cage_names;

/* Makes an empty table. */
struct cage_names *cage_names_new(void);

/* Frees it with its names. names may be NULL. */
void cage_names_free(struct cage_names *names);

/* The address of the canonical name, made when it is new. False when the table is full. */
bool cage_names_address(struct cage_names *names, const char *name, struct cage_addr *addr);

/* The name that an address was given out for, owned by the table, or NULL. */
const char *cage_names_lookup(const struct cage_names *names, const struct cage_addr *addr);

#endif
