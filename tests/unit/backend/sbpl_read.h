/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SBPL_READ_H
#define SBPL_READ_H

#include "sbpl_eval.h"

struct sbpl_reader {
    const char *start, *p;
    char why[200]; /* "" while all is well */
};

/* Reads all top-level lists of text into *root, to be freed also on failure. */
bool sbpl_read(struct sbpl_reader *r, const char *text, struct sbpl_node *root);
void sbpl_node_free(struct sbpl_node *node);

#endif
